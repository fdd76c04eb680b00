//! The resource server: checks the tokens that an API is called with (RFC 6750).

mod access;
mod again;
mod client;
mod offline;
mod request;
mod session_seal;
mod watched;

use std::sync::Arc;

use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue};

use self::access::Credential;
use self::client::ClientAuthenticator;
use crate::client::ClientId;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::configuration::{
    ConfigurationError, ImportedTokens, OFFLINE_ACCESS, ProtectedResource, Wording, WordingCatalog,
};
use crate::error::{BearerError, ChallengeContext, ErrorReason};
use crate::grant::AccessTokenRecord;
use crate::jwt::JwtVerifier;
use crate::observer::{Endpoint, Event, NoObserver, Observer, Operation};
use crate::rate_limit::{LimitedCall, RateLimits, Stage};
use crate::resource::ResourceIndicator;
use crate::scope::Scope;
use crate::secret::{GrantId, Kind, Origin, Prefix, Presented, Token, TokenKey};
use crate::store::{FoundAccessToken, TokenStore};
use crate::telemetry::{Telemetry, operate};
use crate::wire::header::{bearer, refused_bearer};

pub use access::Access;
pub use request::ResourceRequest;
pub use session_seal::{ForeignSession, SessionSeal};
pub use watched::Watched;

/// Checks access tokens. It needs only a [`TokenStore`], so it can run in another process than the authorization
/// server; for signed tokens it can do without (feature `jwt`).
///
/// ```no_run
/// # async fn call(server: grantor::AuthorizationServer, headers: http::HeaderMap) -> Result<(), grantor::error::BearerError> {
/// let access = server.resource_server().verify_scope(&headers, "links:read").await?;
/// println!("{:?} asks for links of {:?}", access.client_id(), access.subject());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ResourceServer {
    /// `None` if signed tokens are taken at their word.
    pub(crate) tokens: Option<Arc<dyn TokenStore>>,
    pub(crate) prefix: Prefix,
    pub(crate) personal_token_prefix: Option<Prefix>,
    pub(crate) resource: Option<ResourceIndicator>,
    context: Arc<ChallengeContext>,
    pub(crate) clock: Arc<dyn Clock>,
    imported_tokens: ImportedTokens,
    jwt: Option<JwtVerifier>,
    clients: Option<Arc<ClientAuthenticator>>,
    rate_limits: RateLimits,
    /// `None` if web pages of all origins may call.
    origins: Option<Arc<[HeaderValue]>>,
}

/// One for any resource, with an empty prefix.
fn unrestricted(tokens: Option<Arc<dyn TokenStore>>) -> ResourceServer {
    let telemetry = Telemetry::new(Arc::new(NoObserver));
    let context = ChallengeContext {
        realm: "api".to_owned(),
        resource_metadata: None,
        offers_basic: false,
        initial_scope: None,
        wording: None,
        telemetry,
    };
    ResourceServer {
        tokens,
        prefix: Prefix::of_letters(""),
        personal_token_prefix: None,
        resource: None,
        context: Arc::new(context),
        clock: Arc::new(SystemClock),
        imported_tokens: ImportedTokens::Refused,
        jwt: None,
        clients: None,
        rate_limits: RateLimits::default(),
        origins: None,
    }
}

impl ResourceServer {
    /// Accepts the tokens in `tokens` that begin with `prefix` and are for this resource, and tells clients where the
    /// resource's metadata is (RFC 9728 §5.1); [`ProtectedResourceMetadata`](crate::ProtectedResourceMetadata) serves that
    /// from another origin than the authorization server's. The prefix is
    /// [`Prefixes::access_token`](crate::configuration::Prefixes::access_token) of that server's.
    pub fn new(tokens: Arc<dyn TokenStore>, prefix: Prefix, resource: ResourceIndicator) -> Self {
        Self::for_any_resource(tokens, prefix).with_resource(resource)
    }

    /// Checks for another resource.
    #[must_use]
    pub fn with_resource(mut self, resource: ResourceIndicator) -> Self {
        let resource_metadata = Some(ProtectedResource::new(resource.clone()).metadata_url());
        self.context = Arc::new(ChallengeContext { resource_metadata, ..(*self.context).clone() });
        self.resource = Some(resource);
        self
    }

    /// Accepts the tokens in `tokens` that begin with `prefix`, for whatever resource they are: also those that were
    /// meant for another API over the same store.
    pub fn for_any_resource(tokens: Arc<dyn TokenStore>, prefix: Prefix) -> Self {
        Self { prefix, ..unrestricted(Some(tokens)) }
    }

    /// Accepts tokens, too, that another server issued and that were imported; what that costs is said at
    /// [`ImportedTokens`].
    #[must_use]
    pub const fn with_imported_tokens(mut self) -> Self {
        self.imported_tokens = ImportedTokens::Accepted;
        self
    }

    /// Accepts tokens that begin with `prefix` as well: the personal access tokens of a server that has a prefix of their own
    /// for them ([`Prefixes::with_personal_token`](crate::configuration::Prefixes::with_personal_token)).
    #[must_use]
    pub fn with_personal_token_prefix(mut self, prefix: Prefix) -> Self {
        self.personal_token_prefix = Some(prefix);
        self
    }

    /// Sets the realm of challenges.
    #[must_use]
    pub fn with_realm(mut self, realm: &str) -> Self {
        self.context = Arc::new(ChallengeContext { realm: realm.to_owned(), ..(*self.context).clone() });
        self
    }

    /// Names more in challenges than the call needs, for clients that ask for what they are told and nothing else, and begin
    /// small, as agents do: a 401 names `initial` besides, lest the user is asked again at the next call; a 403 names what the
    /// token has already, which would be lost otherwise. `offline_access` is never among it: it is no part of what a call
    /// needs (MCP 2026-07-28).
    #[must_use]
    pub fn with_step_up(mut self, initial: Scope) -> Self {
        let initial_scope = Some(initial.without(OFFLINE_ACCESS));
        self.context = Arc::new(ChallengeContext { initial_scope, ..(*self.context).clone() });
        self
    }

    /// Sets the origins whose web pages may call, each exactly as a browser sends it: scheme, host, and the port unless it is
    /// the usual one. All others are refused, whatever they bring; so is more than one `Origin`. Programs, which send none,
    /// are let in as ever. It keeps out pages that have made a name of their own lead here (DNS rebinding), as an MCP server
    /// has to. An API that pages of anywhere may call does without.
    #[must_use]
    pub fn with_origins(mut self, origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        self.origins = Some(origins.into_iter().collect());
        self
    }

    /// Sets the clock; for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets who is told of calls that are let in, or refused.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        self.with_telemetry(Telemetry::new(observer))
    }

    /// Replaces what clients are told.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] tells which words a client must not be told.
    pub fn with_wording(self, wording: &Wording) -> Result<Self, ConfigurationError> {
        Ok(self.with_words(wording.catalog()?))
    }

    pub(crate) fn with_words(mut self, wording: Option<Arc<WordingCatalog>>) -> Self {
        self.context = Arc::new(ChallengeContext { wording, ..(*self.context).clone() });
        self
    }

    pub(crate) fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.context = Arc::new(ChallengeContext { telemetry, ..(*self.context).clone() });
        self
    }

    pub(crate) fn with_verifier(mut self, verifier: Option<JwtVerifier>) -> Self {
        self.jwt = verifier;
        self
    }

    /// Checks the `Authorization` header of a call; a token anywhere else is not looked at (OAuth 2.1 §5.1).
    ///
    /// Takes headers, the parts of a request, or a [`ResourceRequest`]. One read of the store; a token that was never
    /// issued here is refused without one.
    ///
    /// # Errors
    ///
    /// [`BearerError`] says what to answer: 401, 400, 403 to a page that may not call
    /// ([`with_origins`](Self::with_origins)), 429 if a rate limiter says so, or 503 if the store cannot tell.
    pub async fn verify(&self, request: impl Into<ResourceRequest<'_>> + Send) -> Result<Access, BearerError> {
        let request = request.into();
        let verified = operate(Operation::Verify, self.check(request)).await;
        verified.map_err(|error| match &self.context.initial_scope {
            Some(initial) => error.with_scope(initial.clone()),
            None => error,
        })
    }

    async fn check(&self, request: ResourceRequest<'_>) -> Result<Access, BearerError> {
        let words = |reason| self.context.words(reason, request.headers());
        let claim = self.claim(request.headers());
        let limited = |stage| {
            let call = LimitedCall::new(Endpoint::Resource, stage).with_peer(request.peer());
            call.with_claimed_client(claim.client())
        };
        let arrived = match self.check_origin(request.headers()) {
            Ok(()) => self.limit(limited(Stage::Arrived)).await,
            Err(error) => Err(error),
        };
        let identified = match arrived {
            Ok(()) => self.identify(request.headers(), &claim).await,
            Err(error) => Err(error),
        };
        let credential = match identified {
            Ok(credential) => credential,
            Err(error) => {
                let guessed =
                    matches!(error.reason(), ErrorReason::AccessTokenUnknown | ErrorReason::ClientAuthenticationFailed);
                let limit = if guessed { self.limit(limited(Stage::Failed)).await } else { Ok(()) };
                let error = limit.err().unwrap_or(error);
                observe(&error, claim.client(), None);
                let words = words(error.reason());
                return Err(error.with_words(words));
            }
        };
        let insufficient = words(ErrorReason::ScopeInsufficient);
        let confined = words(ErrorReason::TenantMismatch);
        let now = self.clock.now();
        let context = Arc::clone(&self.context);
        let access = Access { credential, checked_at: now, context, insufficient, confined };
        let (client, subject) = (access.client_id(), access.subject());
        let refused = access.token().and_then(|token| self.refusal(token, now));
        let accepted = match refused {
            Some(reason) => Err(BearerError::new(Arc::clone(&self.context), reason)),
            None => {
                let call = limited(Stage::Authenticated).with_client(client).with_subject(subject);
                self.limit(call.with_tenant(access.tenant())).await
            }
        };
        accepted.map_err(|error| {
            let words = words(error.reason());
            access.refuse(error).with_words(words)
        })?;
        self.context.telemetry.observe(&match &access.credential {
            Credential::AccessToken(found) => Event::AccessGranted { grant: found.grant.id, client, subject },
            Credential::Client(own) => Event::Authenticated {
                endpoint: Endpoint::Resource,
                client: own.client.client().id(),
                secret_id: own.client.secret_id(),
            },
        });
        Ok(access)
    }

    /// Checks the `Authorization` header of a call as [`verify`](Self::verify) does, and demands scope tokens,
    /// separated by spaces: all of them. A client that has to get a token first, or a new one, is told at once what to
    /// ask for.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify), the 401 with the scope that is needed, and 403 `insufficient_scope`, with it
    /// too (RFC 6750 §3.1); [`with_step_up`](Self::with_step_up) adds to both.
    pub async fn verify_scope(
        &self,
        request: impl Into<ResourceRequest<'_>> + Send,
        scope: &str,
    ) -> Result<Access, BearerError> {
        let verified = self.verify(request).await;
        let asked_for = || self.context.asked_for(Scope::parse(scope).unwrap_or_default(), None);
        let access = verified.map_err(|error| error.with_scope(asked_for()))?;
        access.require(scope)?;
        Ok(access)
    }

    /// What stores know a token by, and who issued it: it has one of the two prefixes, or is signed, or, since it may look
    /// like anything, imported.
    pub(crate) fn read_token(&self, text: &str) -> Option<(TokenKey, Origin)> {
        let own = |prefix| Token::parse(Kind::AccessToken, prefix, text).map(|token| token.key());
        let key = own(&self.prefix)
            .or_else(|| self.personal_token_prefix.as_ref().and_then(own))
            .or_else(|| self.jwt.as_ref()?.token_key(text));
        key.map(|key| (key, Origin::Own)).or_else(|| {
            let presented = Presented::read(Kind::AccessToken, &self.prefix, self.imported_tokens, text)?;
            Some((presented.key, presented.origin))
        })
    }

    async fn find(&self, headers: &HeaderMap) -> Result<FoundAccessToken, BearerError> {
        let refuse = |reason| BearerError::new(Arc::clone(&self.context), reason);
        let text = bearer(headers).map_err(refuse)?;
        let Some(tokens) = &self.tokens else {
            return self.read(text).ok_or_else(|| refuse(refused_bearer(text)));
        };
        let (key, _) = self.read_token(text).ok_or_else(|| refuse(refused_bearer(text)))?;
        let found = tokens.find_access_token(&key).await;
        let found = found.map_err(|error| BearerError::store(Arc::clone(&self.context), error))?;
        found.ok_or_else(|| refuse(ErrorReason::AccessTokenUnknown))
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), BearerError> {
        let Some(origins) = &self.origins else { return Ok(()) };
        let mut named = headers.get_all(ORIGIN).iter();
        let known = named.next().is_none_or(|origin| origins.contains(origin)) && named.next().is_none();
        let refused = || BearerError::new(Arc::clone(&self.context), ErrorReason::OriginRefused);
        if known { Ok(()) } else { Err(refused()) }
    }

    /// Why a token that is known must not be accepted.
    fn refusal(&self, token: &AccessTokenRecord, now: Timestamp) -> Option<ErrorReason> {
        if token.expires_at.is_some_and(|at| at <= now) {
            return Some(ErrorReason::AccessTokenExpired);
        }
        let foreign = self.resource.as_ref().is_some_and(|resource| token.resource.find(resource).is_none());
        foreign.then_some(ErrorReason::AudienceMismatch)
    }
}

fn observe(error: &BearerError, client: Option<&ClientId>, grant: Option<GrantId>) {
    error.context.telemetry.observe(&Event::Refused {
        endpoint: Endpoint::Resource,
        reason: error.reason(),
        client,
        grant,
        source: error.store_error(),
    });
}
