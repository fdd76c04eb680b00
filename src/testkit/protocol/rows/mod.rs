//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;
pub mod authorization_error;
pub mod back_channel_attacks;
pub mod basic_authentication;
pub mod client_authentication;
pub mod client_credentials;
pub mod code_exchange;
pub mod consent;
pub mod cors;
pub mod decisions;
pub mod error_page;
pub mod front_channel_attacks;
pub mod http;
pub mod introspection;
pub mod issuer;
pub mod mcp;
pub mod metadata;
pub mod native;
pub mod pages;
pub mod pkce;
pub mod real_clients;
pub mod redirect_uri;
pub mod refresh;
pub mod refresh_grace;
pub mod refresh_rotation;
pub mod registration;
pub mod resource_indicators;
pub mod resource_server;
pub mod response;
pub mod revocation;
pub mod scope;
pub mod security_practice;
pub mod surroundings;
pub mod token_endpoint;
pub mod token_response;

use super::Row;

/// Every module's rows.
pub(super) const ALL: &[&[Row]] = &[
    http::requests::ROWS,
    http::parameters::ROWS,
    http::answers::ROWS,
    authorization::ROWS,
    error_page::ROWS,
    redirect_uri::comparison::ROWS,
    redirect_uri::destination::ROWS,
    authorization_error::ROWS,
    scope::ROWS,
    response::ROWS,
    consent::ROWS,
    pkce::ROWS,
    token_endpoint::ROWS,
    client_authentication::ROWS,
    basic_authentication::ROWS,
    code_exchange::ROWS,
    refresh::ROWS,
    refresh_rotation::ROWS,
    refresh_grace::ROWS,
    client_credentials::ROWS,
    token_response::ROWS,
    issuer::ROWS,
    security_practice::ROWS,
    native::ROWS,
    resource_server::ROWS,
    metadata::server_place::ROWS,
    metadata::server_members::ROWS,
    metadata::resource::ROWS,
    registration::request::ROWS,
    registration::policy::ROWS,
    registration::redirect_uris::ROWS,
    registration::members::ROWS,
    registration::management::ROWS,
    revocation::ROWS,
    introspection::ROWS,
    resource_indicators::ROWS,
    mcp::discovery::ROWS,
    mcp::flow::ROWS,
    mcp::registration::ROWS,
    cors::ROWS,
    pages::ROWS,
    decisions::ROWS,
    front_channel_attacks::requests::ROWS,
    front_channel_attacks::redirect_uris::ROWS,
    front_channel_attacks::decisions::ROWS,
    front_channel_attacks::pages::ROWS,
    back_channel_attacks::codes::ROWS,
    back_channel_attacks::refresh_tokens::ROWS,
    back_channel_attacks::tokens::ROWS,
    back_channel_attacks::registration::ROWS,
    back_channel_attacks::clients::ROWS,
    back_channel_attacks::requests::ROWS,
    surroundings::ROWS,
    real_clients::strict_libraries::ROWS,
    real_clients::mcp_sdks::ROWS,
    real_clients::libraries::ROWS,
    real_clients::mcp_applications::ROWS,
];
