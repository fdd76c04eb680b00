//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;
pub mod back_channel_attacks;
pub mod basic_authentication;
pub mod client_authentication;
pub mod client_credentials;
pub mod code_exchange;
pub mod refresh;
pub mod refresh_grace;
pub mod refresh_rotation;
pub mod token_endpoint;
pub mod token_response;

use super::Row;

/// Every module's rows.
pub(super) const ALL: &[&[Row]] = &[
    authorization::ROWS,
    token_endpoint::ROWS,
    basic_authentication::ROWS,
    client_authentication::ROWS,
    code_exchange::ROWS,
    refresh::ROWS,
    refresh_rotation::ROWS,
    refresh_grace::ROWS,
    client_credentials::ROWS,
    token_response::ROWS,
    back_channel_attacks::codes::ROWS,
    back_channel_attacks::refresh_tokens::ROWS,
    back_channel_attacks::tokens::ROWS,
    back_channel_attacks::clients::ROWS,
    back_channel_attacks::requests::ROWS,
    back_channel_attacks::registration::ROWS,
];
