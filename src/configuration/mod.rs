//! What the operator configures: scopes, resources, paths, prefixes, registration, lifetimes.

mod paths;
mod prefixes;
mod registration;
mod resources;
mod scopes;

use std::time::Duration;

use crate::issuer::Issuer;
use crate::policy::{Lifetimes, RefreshPolicy};
use crate::redirect_uri::RedirectUriPolicy;
use crate::telemetry::Telemetry;

pub use paths::EndpointPaths;
pub use prefixes::Prefixes;
pub use registration::{Registration, RegistrationRules};
pub use resources::ProtectedResource;
pub(crate) use resources::{ResourceCatalog, WELL_KNOWN as RESOURCE_METADATA, narrow as narrow_resources};
pub(crate) use scopes::{OFFLINE_ACCESS, ScopeCatalog, narrow as narrow_scope};

/// Why an [`AuthorizationServer`](crate::AuthorizationServer) cannot be built.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Registration is open, but the stores have no registry to keep the clients in.
    #[error("clients cannot be registered: the stores have no registry")]
    NoRegistry,
    /// Two endpoints share a path, or a path does not begin with a slash.
    #[error("the endpoint path {0:?} is used twice or does not begin with a slash")]
    Path(String),
    /// A resource is neither `https` nor on a loopback host (RFC 9728 §2).
    #[error("the resource {0} must be https, without a fragment")]
    Resource(String),
    /// A scope token is not one token of RFC 6749 §3.3, or is declared twice.
    #[error("the scope token {0:?} is malformed or declared twice")]
    ScopeToken(String),
    /// A scope names a token that is not declared.
    #[error("the scope {0:?} names a token that is not declared")]
    UndeclaredScope(String),
    /// A lifetime below one second: everything would have expired when it is issued.
    #[error("a lifetime is below one second")]
    ZeroLifetime,
}

/// Whether a user who consented before is asked again for the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RememberedConsent {
    /// Not asked again, as long as a live grant covers the request and the client's identity is assured.
    Enabled,
    /// Always asked.
    Disabled,
}

/// Everything that is decided before the first request.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) issuer: Issuer,
    pub(crate) scopes: ScopeCatalog,
    pub(crate) resources: ResourceCatalog,
    pub(crate) redirect_uris: RedirectUriPolicy,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) refresh_policy: RefreshPolicy,
    pub(crate) prefixes: Prefixes,
    pub(crate) paths: EndpointPaths,
    pub(crate) registration: Registration,
    pub(crate) remembered_consent: RememberedConsent,
    pub(crate) consent_lifetime: Duration,
    pub(crate) body_limit: usize,
    pub(crate) telemetry: Telemetry,
}
