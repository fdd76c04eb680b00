//! Building a server: what can be set.

mod build;
#[cfg(feature = "cimd")]
mod client_documents;
mod registration;

use std::sync::Arc;
use std::time::Duration;

use super::account::AllowAll;
use super::{AuthorizationServer, CredentialPolicy, Stores};
#[cfg(feature = "cimd")]
use crate::cimd::ClientIdMetadataDocuments;
use crate::client::GrantType;
use crate::clock::{Clock, SystemClock};
use crate::configuration::{
    AuthorizationParameters, EndpointPaths, ImportedTokens, Prefixes, ProtectedResource, Registration,
    RememberedConsent, ResourceCredentials, ScopeDeclarations, TokenRequestBodies, TokenResponseShape, UnvettedErrors,
    Wording, client_id_prefix,
};
use crate::issuer::Issuer;
use crate::jwt::SignerSettings;
#[cfg(feature = "jwt")]
use crate::jwt::{JwtHeader, KeySet};
use crate::observer::{NoObserver, Observer};
use crate::policy::{AccessTokenFormat, Lifetimes, PkceRequirement, RefreshPolicy, UnknownScope};
use crate::rate_limit::RateLimiter;
use crate::redirect_uri::RedirectUriPolicy;
use crate::resource::ResourceIndicator;
use crate::scope::Scope;

/// Collects the configuration of an [`AuthorizationServer`].
///
/// # Defaults
///
/// | | |
/// |---|---|
/// | paths | `/authorize`, `/token`, `/revoke`, `/introspect`, `/register` |
/// | scopes | none, no default scope, and no wildcard; unknown ones are refused |
/// | resource | none: tokens are for whoever accepts them |
/// | registration | closed |
/// | errors of clients that registered themselves | taken to the client once somebody is signed in |
/// | client ID metadata documents | not read |
/// | lifetimes | [`Lifetimes::new`] |
/// | refresh | [`RefreshPolicy::default`]: rotation with ten seconds of grace |
/// | PKCE | [`PkceRequirement::Required`] |
/// | access tokens | [`AccessTokenFormat::Opaque`] |
/// | consent | remembered; a consent form is valid for 30 minutes |
/// | body limit | 64 KiB |
/// | token requests | forms only |
/// | retention | one hour |
/// | who may create apps and personal access tokens | every user |
/// | token responses | the members of the protocol |
/// | authorization parameters | those of the protocol |
/// | wording | the crate's, in English |
/// | imported tokens | refused |
/// | rate limits | none |
/// | API | access tokens only |
///
/// A client's own [`ClientPolicies`](crate::policy::ClientPolicies) win over lifetimes, refresh, PKCE, access tokens, the
/// default scope, and what becomes of unknown scopes.
#[derive(Debug)]
#[must_use = "call build"]
pub struct AuthorizationServerBuilder {
    issuer: Issuer,
    stores: Stores,
    scopes: ScopeDeclarations,
    resources: Vec<ProtectedResource>,
    default_resources: Vec<ResourceIndicator>,
    redirect_uris: RedirectUriPolicy,
    lifetimes: Lifetimes,
    refresh_policy: RefreshPolicy,
    grant_types: Vec<GrantType>,
    pkce: PkceRequirement,
    access_token_format: AccessTokenFormat,
    signer: SignerSettings,
    prefixes: Prefixes,
    paths: EndpointPaths,
    registration: Registration,
    unvetted_errors: UnvettedErrors,
    #[cfg(feature = "cimd")]
    client_documents: Option<ClientIdMetadataDocuments>,
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
    rate_limiter: Option<Arc<dyn RateLimiter>>,
    resource_credentials: ResourceCredentials,
}

impl AuthorizationServer {
    /// Begins with what every server must have: its name, and its stores.
    pub fn builder(issuer: Issuer, stores: impl Into<Stores>) -> AuthorizationServerBuilder {
        AuthorizationServerBuilder {
            issuer,
            stores: stores.into(),
            scopes: ScopeDeclarations::default(),
            resources: Vec::new(),
            default_resources: Vec::new(),
            redirect_uris: RedirectUriPolicy::new(),
            lifetimes: Lifetimes::new(),
            refresh_policy: RefreshPolicy::default(),
            grant_types: GrantType::ALL.to_vec(),
            pkce: PkceRequirement::default(),
            access_token_format: AccessTokenFormat::default(),
            signer: SignerSettings::default(),
            prefixes: Prefixes::default(),
            paths: EndpointPaths::under(""),
            registration: Registration::Closed,
            unvetted_errors: UnvettedErrors::AfterSignIn,
            #[cfg(feature = "cimd")]
            client_documents: None,
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
        self.scopes.tokens.push((token.to_owned(), description.to_owned()));
        self
    }

    /// Describes a declared scope token in a language too (a tag of BCP 47, such as `de` or `pt-BR`), for readers whom
    /// [`PendingAuthorization::scopes_for`](crate::PendingAuthorization::scopes_for) finds to prefer it.
    pub fn scope_in(mut self, language: &str, token: &str, description: &str) -> Self {
        self.scopes.translations.push((language.to_owned(), token.to_owned(), description.to_owned()));
        self
    }

    /// Says that whoever is granted `token` is granted other declared tokens along with it, and what those imply in their
    /// turn. They are written out when a scope is granted: the answer's `scope`, the consent page and introspection
    /// show them, and an API needs no table of its own. A client that may have `token` may have them too.
    ///
    /// Grants stay as they are: what is declared to be implied later comes with the next consent.
    pub fn scope_implies<T: AsRef<str>>(mut self, token: &str, implied: impl IntoIterator<Item = T>) -> Self {
        let implied = implied.into_iter().map(|token| token.as_ref().to_owned()).collect();
        self.scopes.implications.push((token.to_owned(), implied));
        self
    }

    /// Gives a name, such as `*`, to all that a client may have: its own scope, or every declared token. A request for it
    /// is granted exactly that, token by token; the wildcard itself is never granted, and not declared.
    ///
    /// It may stand in [`default_scope`](Self::default_scope), in the default of a client's policies, and in the scope of
    /// a client, which then may have every token, also those that are declared later. To a grant nothing is ever added.
    /// At a refresh it is all that was granted.
    pub fn wildcard_scope(mut self, token: &str) -> Self {
        self.scopes.wildcard = Some(token.to_owned());
        self
    }

    /// Sets what a request gets that names no scope; without a default it is refused.
    pub fn default_scope(mut self, scope: Scope) -> Self {
        self.scopes.default = Some(scope);
        self
    }

    /// Sets what becomes of scope tokens that do not exist, or that the client may not have. A refresh that asks for more
    /// than was granted is refused in any case.
    pub const fn unknown_scope(mut self, unknown: UnknownScope) -> Self {
        self.scopes.unknown = unknown;
        self
    }

    /// Sets whether an authorization request must carry a code challenge.
    pub const fn pkce(mut self, requirement: PkceRequirement) -> Self {
        self.pkce = requirement;
        self
    }

    /// Declares an API that accepts the server's tokens; the first one is the default audience, unless
    /// [`default_resources`](Self::default_resources) says otherwise.
    pub fn resource(mut self, resource: ProtectedResource) -> Self {
        self.resources.push(resource);
        self
    }

    /// Sets which of the declared APIs a token is for whose request names none (RFC 8707 §2.1), of a client that does not
    /// know `resource`, and a personal access token that is made for none in particular. Of several, it is for each: name
    /// those that are one service to its users, such as an API and the MCP server in front of it. A token that was asked
    /// for one API stays with that.
    pub fn default_resources(mut self, resources: impl IntoIterator<Item = ResourceIndicator>) -> Self {
        self.default_resources = resources.into_iter().collect();
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

    /// Sets in which ways clients may obtain tokens here, whatever they are registered for; without, in each.
    ///
    /// Another `grant_type` is one that the token endpoint does not support (RFC 6749 §5.2), the metadata does not name it
    /// (RFC 8414 §2), and clients that register themselves do not get it.
    pub fn grant_types(mut self, grant_types: impl IntoIterator<Item = GrantType>) -> Self {
        self.grant_types = grant_types.into_iter().collect();
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

    /// Decides who may create apps, their secrets and personal access tokens, and change apps.
    pub fn credential_policy(mut self, policy: Arc<dyn CredentialPolicy>) -> Self {
        self.credential_policy = policy;
        self
    }

    /// Demands that whoever creates an app, a secret of one or a personal access token proved who they are at most `max_age`
    /// ago, as the page tells by `with_authenticated_at`. Whether other changes of an app need that is for the
    /// [`CredentialPolicy`] to say.
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
}
