#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! | | |
//! |---|---|
//! | [`guide`] | whole tasks: an adapter for any framework, a service that has run OAuth for years, and agents |
//! | [`configuration`], [`policy`] | what a server can be set to, and what one client has of its own |
//! | [`client`], [`grant`], [`identifier`], [`scope`], [`resource`], [`secret`], [`redirect_uri`], [`pkce`], [`issuer`], [`clock`] | what is stored, shown and sent; each is parsed once, and valid from then on |
//! | [`store`] | the contracts of stores, those that ship, and running at scale |
//! | [`error`], [`observer`] | why a request was refused, and what the operator is told |
//! | [`rate_limit`] | who may call how often |
//! | `jwt` | signed access tokens, and how to change their keys (feature `jwt`) |
//! | `cimd` | clients that identify themselves by the URL of a document (feature `cimd`) |
//! | `testkit` | a server for tests, and the suites (feature `testkit`) |
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(missing_debug_implementations, unnameable_types, unreachable_pub)]
#![warn(
    clippy::exhaustive_enums,
    clippy::expect_used,
    clippy::future_not_send,
    clippy::indexing_slicing,
    clippy::or_fun_call,
    clippy::panic,
    clippy::unwrap_used
)]

#[cfg(feature = "cimd")]
pub mod cimd;
pub mod client;
pub mod clock;
pub mod configuration;
mod endpoint;
pub mod error;
pub mod grant;
pub mod guide;
pub mod host_pattern;
pub mod identifier;
pub mod issuer;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(not(feature = "jwt"))]
mod jwt;
mod language;
pub mod observer;
pub mod pkce;
pub mod policy;
pub mod rate_limit;
mod redirect_target;
pub mod redirect_uri;
pub mod resource;
mod resource_server;
mod return_target;
pub mod scope;
pub mod secret;
mod server;
pub mod store;
mod telemetry;
#[cfg(feature = "testkit")]
pub mod testkit;
mod wire;

pub use client::Client;
pub use endpoint::{EndpointRoute, PathMatch, ProtectedResourceMetadata, Recall, RegistrationRequest};
pub use grant::{Approval, ConfirmedAuthorization, PendingAuthorization, SessionSecret};
pub use identifier::{Subject, Tenant};
pub use issuer::Issuer;
pub use resource_server::{Access, ForeignSession, ResourceRequest, ResourceServer, SessionSeal, Watched};
pub use return_target::{InvalidReturnTarget, ReturnTarget};
pub use scope::Scope;
pub use server::{
    AppChanges, AuthorizationServer, AuthorizationServerBuilder, CredentialDecision, CredentialPolicy,
    CredentialRequest, Developer, DeveloperApp, Finding, ImportError, Imported, InstallLinkError, NewApp,
    NewPersonalToken, PersonalToken, Revocation, Stores,
};
pub use wire::{
    AuthorizationRequest, AuthorizationResponse, AuthorizeAnswer, ClientRequest, ErrorPage, Introspection,
    RegistrationResponse, TokenResponse, Visitor, page_headers,
};
