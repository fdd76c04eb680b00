//! What the operator configures: scopes, resources, paths, prefixes, registration, lifetimes.

mod paths;
mod prefixes;
mod registration;
mod resources;
mod scopes;
mod wording;

use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorReason;
use crate::issuer::Issuer;
use crate::policy::{Lifetimes, RefreshPolicy};
use crate::rate_limit::RateLimits;
use crate::redirect_uri::RedirectUriPolicy;
use crate::telemetry::Telemetry;

pub use paths::EndpointPaths;
pub use prefixes::Prefixes;
pub use registration::{Registration, RegistrationRules};
pub use resources::ProtectedResource;
pub(crate) use resources::{ResourceCatalog, WELL_KNOWN as RESOURCE_METADATA, narrow as narrow_resources};
pub(crate) use scopes::{OFFLINE_ACCESS, ScopeCatalog, narrow as narrow_scope};
pub use wording::Wording;
pub(crate) use wording::{Choice, Readers, WordingCatalog, Words};

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
    /// A language is not a tag of BCP 47.
    #[error("{0:?} is not a language tag")]
    Language(String),
    /// The words for a reason are empty, or a description has a character that RFC 6749 §5.2 does not allow.
    #[error("the words for {0:?} are empty or have a character that a description must not have")]
    Wording(ErrorReason),
    /// Two reasons have different words, but must look alike to a client; or one reason has two.
    #[error("{0:?} and {1:?} must look alike, but have different words")]
    WordingDiffers(ErrorReason, ErrorReason),
    /// A lifetime below one second: everything would have expired when it is issued.
    #[error("a lifetime is below one second")]
    ZeroLifetime,
}

/// Whether a user who consented before is asked again for the same.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RememberedConsent {
    /// Not asked again, as long as a live grant covers the request and the client's identity is assured. Of the grants
    /// to one client up to 1,000 are looked at; who has more may be asked once too often.
    Enabled,
    /// Always asked.
    Disabled,
}

/// What an API lets callers in by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResourceCredentials {
    /// Access tokens only.
    #[default]
    AccessToken,
    /// Access tokens, and on the same endpoints the identifier and secret of a confidential client by HTTP Basic, which
    /// then acts for itself: see [`ResourceServer::with_client_authentication`].
    ///
    /// [`ResourceServer::with_client_authentication`]: crate::ResourceServer::with_client_authentication
    AccessTokenOrClientSecret,
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
    pub(crate) wording: Option<Arc<WordingCatalog>>,
    pub(crate) telemetry: Telemetry,
    pub(crate) rate_limits: RateLimits,
}

impl Configuration {
    /// Who reads the answer to an authorization request with these `ui_locales`; `None` if nothing was reworded.
    pub(crate) fn readers(&self, ui_locales: Option<&str>) -> Option<Box<Readers>> {
        let wording = Arc::clone(self.wording.as_ref()?);
        let ui_locales = ui_locales.unwrap_or_default().to_owned();
        Some(Box::new(Readers { wording, ui_locales, accept_language: String::new() }))
    }
}
