//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;
pub mod authorization_error;
pub mod consent;
pub mod decisions;
pub mod error_page;
pub mod front_channel_attacks;
pub mod http;
pub mod issuer;
pub mod native;
pub mod pages;
pub mod pkce;
pub mod redirect_uri;
pub mod response;
pub mod scope;
pub mod security_practice;

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
    issuer::ROWS,
    security_practice::ROWS,
    native::ROWS,
    pages::ROWS,
    decisions::ROWS,
    front_channel_attacks::redirect_uris::ROWS,
    front_channel_attacks::requests::ROWS,
    front_channel_attacks::decisions::ROWS,
    front_channel_attacks::pages::ROWS,
];
