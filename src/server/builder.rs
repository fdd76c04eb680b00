//! Building a server.

use std::sync::Arc;
use std::time::Duration;

use super::{AuthorizationServer, Inner, Stores};
use crate::clock::{Clock, SystemClock};
use crate::configuration::{
    Configuration, ConfigurationError, EndpointPaths, Prefixes, ProtectedResource, Registration, RememberedConsent,
    ResourceCatalog, ResourceCredentials, ScopeCatalog, Wording,
};
use crate::endpoint::Documents;
use crate::issuer::Issuer;
use crate::observer::{NoObserver, Observer};
use crate::policy::{Lifetimes, RefreshPolicy};
use crate::rate_limit::{RateLimiter, RateLimits};
use crate::redirect_uri::RedirectUriPolicy;
use crate::resource_server::ResourceServer;
use crate::scope::Scope;
use crate::secret::Prefix;
use crate::store::TokenStore;
use crate::telemetry::Telemetry;

/// Collects the configuration of an [`AuthorizationServer`].
///
/// # Defaults
///
/// | | |
/// |---|---|
/// | paths | `/authorize`, `/token`, `/revoke`, `/introspect`, `/register` |
/// | scopes | none, and no default scope |
/// | resource | none: tokens are for whoever accepts them |
/// | registration | closed |
/// | lifetimes | [`Lifetimes::new`] |
/// | refresh | [`RefreshPolicy::default`]: rotation with ten seconds of grace |
/// | consent | remembered; a consent form is valid for 30 minutes |
/// | body limit | 64 KiB |
/// | wording | the crate's, in English |
/// | rate limits | none |
/// | API | access tokens only |
#[derive(Debug)]
#[must_use = "call build"]
pub struct AuthorizationServerBuilder {
    issuer: Issuer,
    stores: Stores,
    scopes: Vec<(String, String)>,
    default_scope: Option<Scope>,
    resources: Vec<ProtectedResource>,
    redirect_uris: RedirectUriPolicy,
    lifetimes: Lifetimes,
    refresh_policy: RefreshPolicy,
    prefixes: Prefixes,
    paths: EndpointPaths,
    registration: Registration,
    remembered_consent: RememberedConsent,
    consent_lifetime: Duration,
    body_limit: usize,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    wording: Wording,
    rate_limiter: Option<Arc<dyn RateLimiter>>,
    resource_credentials: ResourceCredentials,
}

impl AuthorizationServer {
    /// Begins with what every server must have: its name, and its stores.
    pub fn builder(issuer: Issuer, stores: impl Into<Stores>) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder {
            issuer,
            stores: stores.into(),
            scopes: Vec::new(),
            default_scope: None,
            resources: Vec::new(),
            redirect_uris: RedirectUriPolicy::new(),
            lifetimes: Lifetimes::new(),
            refresh_policy: RefreshPolicy::default(),
            prefixes: Prefixes::default(),
            paths: EndpointPaths::under(""),
            registration: Registration::Closed,
            remembered_consent: RememberedConsent::Enabled,
            consent_lifetime: Duration::from_mins(30),
            body_limit: 64 * 1024,
            clock: Arc::new(SystemClock),
            observer: Arc::new(NoObserver),
            wording: Wording::new(),
            rate_limiter: None,
            resource_credentials: ResourceCredentials::AccessToken,
        }
    }
}

impl AuthorizationServerBuilder {
    /// The longest that a consent form can be submitted; dead rows must be kept for as long.
    const MAX_CONSENT: Duration = Duration::from_hours(24);

    /// Declares a scope token, with the words that tell a person what it allows.
    pub fn scope(mut self, token: &str, description: &str) -> Self {
        self.scopes.push((token.to_owned(), description.to_owned()));
        self
    }

    /// Sets what a request gets that names no scope; without a default it is refused.
    pub fn default_scope(mut self, scope: Scope) -> Self {
        self.default_scope = Some(scope);
        self
    }

    /// Declares an API that accepts the server's tokens; the first one is the default audience.
    pub fn resource(mut self, resource: ProtectedResource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Decides which redirect URIs are accepted.
    pub fn redirect_uris(mut self, policy: RedirectUriPolicy) -> Self {
        self.redirect_uris = policy;
        self
    }

    /// Sets how long codes and tokens live.
    pub const fn lifetimes(mut self, lifetimes: Lifetimes) -> Self {
        self.lifetimes = lifetimes;
        self
    }

    /// Sets what becomes of a refresh token that is used.
    pub const fn refresh_policy(mut self, policy: RefreshPolicy) -> Self {
        self.refresh_policy = policy;
        self
    }

    /// Sets what codes, tokens and secrets begin with.
    pub fn prefixes(mut self, prefixes: Prefixes) -> Self {
        self.prefixes = prefixes;
        self
    }

    /// Sets where the endpoints are.
    pub fn paths(mut self, paths: EndpointPaths) -> Self {
        self.paths = paths;
        self
    }

    /// Decides whether clients may register themselves; needs stores with a registry.
    pub fn registration(mut self, registration: Registration) -> Self {
        self.registration = registration;
        self
    }

    /// Decides whether a user who consented before is asked again.
    pub const fn remembered_consent(mut self, remembered: RememberedConsent) -> Self {
        self.remembered_consent = remembered;
        self
    }

    /// Sets for how long a consent form can be submitted; more than a day counts as that.
    pub const fn consent_lifetime(mut self, lifetime: Duration) -> Self {
        self.consent_lifetime = lifetime;
        self
    }

    /// Sets how large a body may be, in bytes. Of a larger one up to 4 MiB are read and thrown away, so that a client
    /// which sends first and listens then gets the refusal.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets the clock; for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets who is told of what happens.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Replaces what clients and people read of errors.
    pub fn wording(mut self, wording: Wording) -> Self {
        self.wording = wording;
        self
    }

    /// Limits how often clients may call the endpoints, and the API; see [`rate_limit`](crate::rate_limit).
    pub fn rate_limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.rate_limiter = Some(limiter);
        self
    }

    /// Decides whether clients may call the API by their secret, too.
    pub const fn resource_credentials(mut self, credentials: ResourceCredentials) -> Self {
        self.resource_credentials = credentials;
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] tells what contradicts itself or would be unsafe.
    pub fn build(self) -> Result<AuthorizationServer, ConfigurationError> {
        self.paths.check()?;
        for resource in &self.resources {
            resource.check()?;
        }
        let scopes = ScopeCatalog::new(self.scopes, self.default_scope)?;
        for resource in &self.resources {
            resource.scope.as_ref().map_or(Ok(()), |scope| scopes.check(scope))?;
        }
        if let Some(scope) = self.registration.rules().and_then(|rules| rules.scope.as_ref()) {
            scopes.check(scope)?;
        }
        let lifetimes = [
            Some(self.lifetimes.code()),
            Some(self.consent_lifetime),
            self.lifetimes.access_token(),
            self.lifetimes.refresh_idle(),
            self.lifetimes.refresh_absolute(),
        ];
        if lifetimes.into_iter().flatten().any(|lifetime| lifetime < Duration::from_secs(1)) {
            return Err(ConfigurationError::ZeroLifetime);
        }
        let no_registry = self.stores.registry.is_none() && self.registration.rules().is_some();
        if no_registry {
            return Err(ConfigurationError::NoRegistry);
        }

        let configuration = Arc::new(Configuration {
            issuer: self.issuer,
            scopes,
            resources: ResourceCatalog::new(self.resources),
            redirect_uris: self.redirect_uris,
            lifetimes: self.lifetimes,
            refresh_policy: self.refresh_policy,
            prefixes: self.prefixes,
            paths: self.paths,
            registration: self.registration,
            remembered_consent: self.remembered_consent,
            consent_lifetime: self.consent_lifetime.min(Self::MAX_CONSENT),
            body_limit: self.body_limit,
            wording: self.wording.catalog()?,
            telemetry: Telemetry::new(self.observer),
            rate_limits: RateLimits::new(self.rate_limiter),
        });
        let tokens: Arc<dyn TokenStore> = Arc::clone(&self.stores.grants) as _;
        let prefix: Prefix = configuration.prefixes.access_token.clone();
        let resource_server = match configuration.resources.iter().next() {
            Some(resource) => ResourceServer::new(tokens, prefix, resource.indicator.clone()),
            None => ResourceServer::for_any_resource(tokens, prefix),
        };
        let resource_server = resource_server
            .with_realm(configuration.issuer.authority())
            .with_clock(Arc::clone(&self.clock))
            .with_words(configuration.wording.clone())
            .with_telemetry(configuration.telemetry.clone())
            .with_rate_limits(configuration.rate_limits.clone());
        let resource_server = match self.resource_credentials {
            ResourceCredentials::AccessToken => resource_server,
            ResourceCredentials::AccessTokenOrClientSecret => {
                let clients = Arc::clone(&self.stores.clients);
                resource_server.with_client_authentication(clients, configuration.scopes.all().clone())
            }
        };
        Ok(AuthorizationServer {
            inner: Arc::new(Inner {
                documents: Documents::new(&configuration),
                configuration,
                clients: self.stores.clients,
                registry: self.stores.registry,
                grants: self.stores.grants,
                clock: self.clock,
                resource_server,
            }),
        })
    }
}
