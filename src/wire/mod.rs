//! HTTP, both ways: parameters and headers in, responses out. Knows no store.

mod authorization_request;
pub(crate) mod header;
pub(crate) mod params;
pub(crate) mod registration;
mod request;
pub(crate) mod response;
pub(crate) mod service;

pub use authorization_request::AuthorizationRequest;
pub use request::ClientRequest;
pub(crate) use request::{ClientForm, Presented, TokenRequest, require_json};
pub use response::{
    AuthorizationResponse, AuthorizeAnswer, ErrorPage, Introspection, RegistrationResponse, TokenResponse, Visitor,
    page_headers,
};
pub(crate) use response::{ManagementAccess, Shaped};
