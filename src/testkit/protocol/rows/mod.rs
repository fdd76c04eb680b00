//! The rows, in the order of the catalogue: one public function each.

pub mod authorization;
pub mod consent;
pub mod decisions;
pub mod front_channel_attacks;
pub mod native;
pub mod page_attacks;
pub mod pages;
pub mod pkce;
pub mod redirect_attacks;
pub mod response;
pub mod scope;

use super::Row;

/// Every module's rows.
pub(super) const ALL: &[&[Row]] = &[
    authorization::ROWS,
    scope::ROWS,
    response::ROWS,
    consent::ROWS,
    pkce::ROWS,
    native::ROWS,
    pages::ROWS,
    decisions::ROWS,
    redirect_attacks::ROWS,
    front_channel_attacks::ROWS,
    page_attacks::ROWS,
];
