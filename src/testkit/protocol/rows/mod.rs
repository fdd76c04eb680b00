//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;
pub mod token_endpoint;

use super::Row;

/// Every module's rows.
pub(super) const ALL: &[&[Row]] = &[authorization::ROWS, token_endpoint::ROWS];
