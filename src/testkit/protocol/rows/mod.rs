//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;
pub mod http;

use super::Row;

/// Every module's rows.
pub(super) const ALL: &[&[Row]] =
    &[http::requests::ROWS, http::parameters::ROWS, http::answers::ROWS, authorization::ROWS];
