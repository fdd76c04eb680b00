//! What the protocol demands, through `AuthorizationServer` in process, on `MemoryStore` and `SqliteStore` both.

#[macro_use]
mod support;

mod authorization;
mod authorization_errors;
mod authorization_response;
mod browser;
mod issuer;
mod native_apps;
mod pkce;
mod redirect_uris;
mod scope;
mod smoke;
