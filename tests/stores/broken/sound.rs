//! The store around which the defects are put, with none: whatever is caught, the defect is the cause.

use super::harness::{Broken, Defect};

#[derive(Debug, Default)]
struct Nothing;

impl Defect for Nothing {}

grantor::store_tests! { store: async { Box::new(Broken::<Nothing>::default()) } }
