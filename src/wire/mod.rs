//! HTTP, both ways: parameters and headers in, responses out. Knows no store.

pub(crate) mod header;
pub(crate) mod params;
pub(crate) mod registration;
mod request;
pub(crate) mod response;

pub use request::ClientRequest;
pub(crate) use request::{ClientForm, Presented, TokenRequest, require_json};
pub(crate) use response::Shaped;
pub use response::{
    AuthorizationResponse, AuthorizeAnswer, ErrorPage, Introspection, RegistrationResponse, TokenResponse, Visitor,
    page_headers,
};
