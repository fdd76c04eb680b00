//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;

use super::Row;

/// Every module's rows.
pub(super) const ALL: &[&[Row]] = &[authorization::ROWS];
