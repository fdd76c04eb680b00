//! Building a server.

use std::sync::Arc;
use std::time::Duration;

use super::account::AllowAll;
use super::{AuthorizationServer, CredentialPolicy, Inner, Stores};
use crate::clock::{Clock, SystemClock};
use crate::configuration::{
    AuthorizationParameters, Configuration, ConfigurationError, EndpointPaths, ImportedTokens, Prefixes,
    ProtectedResource, Registration, RememberedConsent, ResourceCatalog, ScopeCatalog, TokenRequestBodies,
    TokenResponseShape, Wording, client_id_prefix,
};
use crate::endpoint::Documents;
use crate::issuer::Issuer;
use crate::jwt::SignerSettings;
#[cfg(feature = "jwt")]
use crate::jwt::{JwtHeader, KeySet};
use crate::observer::{NoObserver, Observer};
use crate::policy::{AccessTokenFormat, Lifetimes, RefreshPolicy};
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
/// | access tokens | opaque |
/// | consent | remembered; a consent form is valid for 30 minutes |
/// | body limit | 64 KiB |
/// | token requests | forms only |
/// | retention | one hour |
/// | who may create apps and personal access tokens | every user |
/// | token responses | the members of the protocol |
/// | authorization parameters | those of the protocol |
/// | wording | the crate's, in English |
/// | imported tokens | refused |
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
    access_token_format: AccessTokenFormat,
    signer: SignerSettings,
    prefixes: Prefixes,
    paths: EndpointPaths,
    registration: Registration,
    remembered_consent: RememberedConsent,
    consent_lifetime: Duration,
    body_limit: usize,
    token_requests: TokenRequestBodies,
    retention: Duration,
    app_id_prefix: String,
    credential_policy: Arc<dyn CredentialPolicy>,
    reauthentication: Option<Duration>,
    token_response: TokenResponseShape,
    authorization_parameters: AuthorizationParameters,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    wording: Wording,
    imported_tokens: ImportedTokens,
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
            access_token_format: AccessTokenFormat::default(),
            signer: SignerSettings::default(),
            prefixes: Prefixes::default(),
            paths: EndpointPaths::under(""),
            registration: Registration::Closed,
            remembered_consent: RememberedConsent::Enabled,
            consent_lifetime: Duration::from_mins(30),
            body_limit: 64 * 1024,
            token_requests: TokenRequestBodies::Form,
            retention: Duration::ZERO,
            app_id_prefix: "app_".to_owned(),
            credential_policy: Arc::new(AllowAll),
            reauthentication: None,
            token_response: TokenResponseShape::new(),
            authorization_parameters: AuthorizationParameters::default(),
            clock: Arc::new(SystemClock),
            observer: Arc::new(NoObserver),
            wording: Wording::new(),
            imported_tokens: ImportedTokens::default(),
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

    /// Sets what access tokens look like, of clients that have no format of their own.
    pub const fn access_token_format(mut self, format: AccessTokenFormat) -> Self {
        self.access_token_format = format;
        self
    }

    /// Sets the keys of signed access tokens, and publishes their public halves. They sign where the format of a client, or
    /// else that of the server, is [`AccessTokenFormat::Jwt`].
    #[cfg(feature = "jwt")]
    pub fn access_token_keys(mut self, keys: KeySet) -> Self {
        self.signer.keys = Some(keys);
        self
    }

    /// Sets which header signed access tokens have.
    #[cfg(feature = "jwt")]
    pub const fn access_token_header(mut self, header: JwtHeader) -> Self {
        self.signer.header = header;
        self
    }

    /// Shows this member of what the host keeps with a grant ([`Grant::extra`](crate::grant::Grant::extra)) in its signed
    /// access tokens, as a claim of the same name; whoever gets a token can read it.
    #[cfg(feature = "jwt")]
    pub fn access_token_claim(mut self, member: &str) -> Self {
        self.signer.extra_claims.insert(member.to_owned());
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

    /// Decides whether clients may send JSON in place of a form.
    pub const fn token_requests(mut self, bodies: TokenRequestBodies) -> Self {
        self.token_requests = bodies;
        self
    }

    /// Sets how long grants and tokens whose life is over stay listed, as expired or revoked, before
    /// [`purge`](AuthorizationServer::purge) deletes them; less than an hour counts as that. A store that evicts by itself, as
    /// Redis does, forgets what has expired earlier.
    pub const fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Sets what the identifiers of developers' apps begin with: `app_` by default. Characters other than ASCII letters,
    /// digits, `-` and `_` are dropped.
    pub fn app_id_prefix(mut self, prefix: &str) -> Self {
        self.app_id_prefix = client_id_prefix(prefix);
        self
    }

    /// Decides who may create apps and personal access tokens.
    pub fn credential_policy(mut self, policy: Arc<dyn CredentialPolicy>) -> Self {
        self.credential_policy = policy;
        self
    }

    /// Demands that whoever creates an app or a personal access token proved who they are at most `max_age` ago, as the page
    /// tells by `with_authenticated_at`.
    pub const fn reauthentication(mut self, max_age: Duration) -> Self {
        self.reauthentication = Some(max_age);
        self
    }

    /// Sets what token responses say beyond the protocol.
    pub fn token_response(mut self, shape: TokenResponseShape) -> Self {
        self.token_response = shape;
        self
    }

    /// Declares a parameter of authorization requests that the service has of its own, such as `tenant_name`.
    ///
    /// Its value is read by [`PendingAuthorization::extra`](crate::PendingAuthorization::extra), as that of any
    /// parameter is, and kept with the grant, in [`Grant::extra`](crate::grant::Grant::extra) under the same name. A
    /// consent is remembered only for the same value. The value has up to 1,000 bytes and no control characters, and
    /// comes once; where it is empty, it counts as not sent. What a client says there is its own claim: show it to the
    /// user, and trust it no further.
    pub fn authorization_parameter(mut self, name: &str) -> Self {
        self.authorization_parameters.declare(name);
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

    /// Decides whether tokens are accepted that another server issued, and that were imported.
    pub const fn imported_tokens(mut self, imported: ImportedTokens) -> Self {
        self.imported_tokens = imported;
        self
    }

    /// Builds the server.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] tells what contradicts itself or would be unsafe.
    pub fn build(self) -> Result<AuthorizationServer, ConfigurationError> {
        self.paths.check()?;
        self.token_response.check()?;
        self.authorization_parameters.check()?;
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

        let signer = self.signer.signer(&self.issuer)?;
        if self.access_token_format == AccessTokenFormat::Jwt {
            signer.as_ref().ok_or(ConfigurationError::NoAccessTokenKeys)?;
            self.lifetimes.access_token().ok_or(ConfigurationError::EndlessJwt)?;
        }

        let configuration = Arc::new(Configuration {
            issuer: self.issuer,
            scopes,
            resources: ResourceCatalog::new(self.resources),
            redirect_uris: self.redirect_uris,
            lifetimes: self.lifetimes,
            refresh_policy: self.refresh_policy,
            access_token_format: self.access_token_format,
            signer,
            prefixes: self.prefixes,
            imported_tokens: self.imported_tokens,
            paths: self.paths,
            registration: self.registration,
            remembered_consent: self.remembered_consent,
            consent_lifetime: self.consent_lifetime.min(Self::MAX_CONSENT),
            body_limit: self.body_limit,
            token_requests: self.token_requests,
            retention: self.retention,
            app_id_prefix: self.app_id_prefix,
            token_response: (!self.token_response.is_plain()).then(|| Arc::new(self.token_response)),
            authorization_parameters: self.authorization_parameters,
            wording: self.wording.catalog()?,
            telemetry: Telemetry::new(self.observer),
        });
        let tokens: Arc<dyn TokenStore> = Arc::clone(&self.stores.grants) as _;
        let prefix: Prefix = configuration.prefixes.access_token.clone();
        let resource_server = match configuration.resources.iter().next() {
            Some(resource) => ResourceServer::new(tokens, prefix, resource.indicator.clone()),
            None => ResourceServer::for_any_resource(tokens, prefix),
        };
        let resource_server = match configuration.imported_tokens {
            ImportedTokens::Accepted => resource_server.with_imported_tokens(),
            ImportedTokens::Refused => resource_server,
        };
        let mut resource_server = resource_server
            .with_realm(configuration.issuer.authority())
            .with_clock(Arc::clone(&self.clock))
            .with_words(configuration.wording.clone())
            .with_telemetry(configuration.telemetry.clone())
            .with_verifier(configuration.signer.as_ref().map(|signer| signer.verifier().clone()));
        resource_server.personal_token_prefix.clone_from(&configuration.prefixes.personal_token);
        Ok(AuthorizationServer {
            inner: Arc::new(Inner {
                documents: Documents::new(&configuration),
                configuration,
                clients: self.stores.clients,
                registry: self.stores.registry,
                grants: self.stores.grants,
                clock: self.clock,
                resource_server,
                credential_policy: self.credential_policy,
                reauthentication: self.reauthentication,
            }),
        })
    }
}
