//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;
pub mod metadata;
pub mod resource_server;

use super::Row;

/// Every module's rows.
pub(super) const ALL: &[&[Row]] = &[
    authorization::ROWS,
    resource_server::ROWS,
    metadata::server_place::ROWS,
    metadata::server_members::ROWS,
    metadata::resource::ROWS,
];
