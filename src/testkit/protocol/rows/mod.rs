//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;
pub mod cors;
pub mod introspection;
pub mod mcp;
pub mod metadata;
pub mod real_clients;
pub mod registration;
pub mod resource_indicators;
pub mod resource_server;
pub mod revocation;
pub mod surroundings;

use super::Row;

/// Every module's rows.
pub(super) const ALL: &[&[Row]] = &[
    authorization::ROWS,
    resource_server::ROWS,
    metadata::server_place::ROWS,
    metadata::server_members::ROWS,
    metadata::resource::ROWS,
    registration::request::ROWS,
    registration::redirect_uris::ROWS,
    registration::members::ROWS,
    registration::policy::ROWS,
    registration::management::ROWS,
    revocation::ROWS,
    introspection::ROWS,
    resource_indicators::ROWS,
    mcp::discovery::ROWS,
    mcp::flow::ROWS,
    mcp::registration::ROWS,
    cors::ROWS,
    surroundings::ROWS,
    real_clients::strict_libraries::ROWS,
    real_clients::mcp_clients::ROWS,
    real_clients::libraries::ROWS,
];
