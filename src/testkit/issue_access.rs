//! Access tokens out of nothing, for whoever tests an API and not OAuth.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::TestServer;
use super::driver::{Sending, bearer};
use super::fixtures::{self, parsed};
use crate::client::ClientId;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens};
use crate::identifier::{Extra, Subject, Tenant};
use crate::resource::{ResourceIndicator, Resources};
use crate::resource_server::ResourceServer;
use crate::scope::Scope;
use crate::secret::{AccessToken, GrantId, Kind, Prefix, Token};
use crate::server::AuthorizationServer;
use crate::store::{Insertion, TokenStore};

/// Issues an access token for a test of an API: one that [`ResourceServer::verify`] accepts, and that can be revoked.
///
/// The first argument says where it is valid: `&AuthorizationServer`, `&ResourceServer`, [`&TestServer`](TestServer),
/// or a pair of an [`Arc`] of a store and the [`Prefix`] of access tokens. Nobody is asked, and no client has to be
/// registered.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use grantor::ResourceServer;
/// use grantor::secret::Prefix;
/// use grantor::store::MemoryStore;
/// use grantor::testkit::{block_on, issue_access};
///
/// // The guard of your API, over a store of your choice.
/// let api = ResourceServer::for_any_resource(Arc::new(MemoryStore::new()), Prefix::parse("acme_at_")?);
///
/// let token = block_on(issue_access(&api, "links:read").subject("user-7").expires_in(Duration::from_secs(60)));
/// let access = block_on(api.verify(&token.headers()))?;
/// assert_eq!(access.subject(), Some(&"user-7".parse()?));
/// access.require("links:read")?;
///
/// let expired = block_on(issue_access(&api, "links:read").expired());
/// assert_eq!(block_on(api.verify(&expired.headers())).unwrap_err().into_http().status(), 401);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// If `scope` is malformed, and when it is awaited for a resource server without a store.
#[track_caller]
pub fn issue_access(valid_at: impl Into<TokenIssuer>, scope: &str) -> IssueAccess {
    let issuer = valid_at.into();
    let resource = issuer.resource.iter().cloned().collect();
    IssueAccess {
        scope: parsed(scope),
        client: Some(fixtures::client_id()),
        subject: Some(parsed("alice")),
        resource,
        tenant: None,
        extra: Extra::default(),
        life: Life::For(Duration::from_hours(1)),
        issuer,
    }
}

/// Where [`issue_access`] puts a token, and what makes it valid there.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    /// `None` for a resource server that takes signed tokens at their word.
    tokens: Option<Arc<dyn TokenStore>>,
    prefix: Prefix,
    resource: Option<ResourceIndicator>,
    clock: Arc<dyn Clock>,
}

impl From<&ResourceServer> for TokenIssuer {
    fn from(server: &ResourceServer) -> Self {
        Self {
            tokens: server.tokens.clone(),
            prefix: server.prefix.clone(),
            resource: server.resource.clone(),
            clock: Arc::clone(&server.clock),
        }
    }
}

impl From<&AuthorizationServer> for TokenIssuer {
    fn from(server: &AuthorizationServer) -> Self {
        server.resource_server().into()
    }
}

impl From<&TestServer> for TokenIssuer {
    fn from(server: &TestServer) -> Self {
        Self { tokens: Some(server.fixture_tokens()), ..server.server().into() }
    }
}

impl<S: TokenStore> From<(Arc<S>, Prefix)> for TokenIssuer {
    fn from((store, prefix): (Arc<S>, Prefix)) -> Self {
        Self { tokens: Some(store), prefix, resource: None, clock: Arc::new(SystemClock) }
    }
}

/// An access token to be issued; see [`issue_access`].
#[derive(Clone, Debug)]
#[must_use = "nothing is issued until this is awaited"]
pub struct IssueAccess {
    issuer: TokenIssuer,
    scope: Scope,
    client: Option<ClientId>,
    subject: Option<Subject>,
    resource: Resources,
    tenant: Option<Tenant>,
    extra: Extra,
    life: Life,
}

#[derive(Clone, Copy, Debug)]
enum Life {
    For(Duration),
    Over,
    Endless,
}

impl IssueAccess {
    /// Sets the user who granted access; it is `alice` otherwise.
    ///
    /// # Panics
    ///
    /// If `subject` cannot be one.
    #[track_caller]
    pub fn subject(mut self, subject: &str) -> Self {
        self.subject = Some(parsed(subject));
        self
    }

    /// The client acts for itself: there is no user.
    pub fn without_subject(mut self) -> Self {
        self.subject = None;
        self
    }

    /// Sets the client, which is a new one otherwise.
    ///
    /// # Panics
    ///
    /// If `client` cannot be one.
    #[track_caller]
    pub fn client(mut self, client: &str) -> Self {
        self.client = Some(parsed(client));
        self
    }

    /// There is no client: a personal access token.
    pub fn without_client(mut self) -> Self {
        self.client = None;
        self
    }

    /// Sets what the token is for, in place of the resource that is guarded; a test of two audiences needs another.
    ///
    /// # Panics
    ///
    /// If `resource` cannot be one.
    #[track_caller]
    pub fn resource(mut self, resource: &str) -> Self {
        self.resource = std::iter::once(parsed(resource)).collect();
        self
    }

    /// Confines the grant to a tenant.
    ///
    /// # Panics
    ///
    /// If `tenant` cannot be one.
    #[track_caller]
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(parsed(tenant));
        self
    }

    /// Keeps something of the host's own with the grant.
    pub fn extra(mut self, extra: Extra) -> Self {
        self.extra = extra;
        self
    }

    /// Sets how long the token is valid; it is an hour otherwise.
    pub const fn expires_in(mut self, lifetime: Duration) -> Self {
        self.life = Life::For(lifetime);
        self
    }

    /// The token's life is over.
    pub const fn expired(mut self) -> Self {
        self.life = Life::Over;
        self
    }

    /// Only revocation ends the token.
    pub const fn never_expires(mut self) -> Self {
        self.life = Life::Endless;
        self
    }

    async fn issue(self) -> IssuedAccess {
        let now = self.issuer.clock.now();
        let (issued_at, expires_at) = match self.life {
            Life::For(lifetime) => (now, Some(now.saturating_add(lifetime))),
            Life::Over => {
                let over = now.saturating_sub(Duration::from_secs(1));
                (over.saturating_sub(Duration::from_hours(1)), Some(over))
            }
            Life::Endless => (now, None),
        };
        let grant = Arc::new(Grant {
            id: GrantId::random(),
            client: self.client,
            subject: self.subject,
            scope: self.scope.clone(),
            resource: self.resource.clone(),
            tenant: self.tenant,
            name: None,
            extra: self.extra,
            created_at: issued_at,
        });
        let token = Token::random(Kind::AccessToken, grant.id);
        let (scope, resource) = (self.scope, self.resource);
        let access = AccessTokenRecord { key: token.key(), scope, resource, issued_at, expires_at };
        let tokens = IssuedTokens { grant: Arc::clone(&grant), access, refresh: None };
        let Some(store) = &self.issuer.tokens else { panic!("the resource server has no store to put a token in") };
        match store.insert_tokens(&tokens).await {
            Ok(Insertion::Inserted) => {}
            Ok(Insertion::Conflict) => panic!("the store takes a random identifier for one that it has"),
            Err(error) => panic!("the access token cannot be stored: {error}"),
        }
        IssuedAccess { token: AccessToken::new(&token, &self.issuer.prefix).expose().to_owned(), grant, expires_at }
    }
}

impl IntoFuture for IssueAccess {
    type Output = IssuedAccess;
    type IntoFuture = Sending<IssuedAccess>;

    fn into_future(self) -> Sending<IssuedAccess> {
        Box::pin(self.issue())
    }
}

/// An access token that [`issue_access`] issued. Not printed by `Debug`.
#[derive(Clone)]
pub struct IssuedAccess {
    token: String,
    grant: Arc<Grant>,
    expires_at: Option<Timestamp>,
}

impl fmt::Debug for IssuedAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedAccess").field("grant", &self.grant).finish_non_exhaustive()
    }
}

impl IssuedAccess {
    /// The token itself, as a client would have it.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The value of `Authorization` for a call with the token.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        bearer(&self.token)
    }

    /// The headers of a call with the token.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        [(AUTHORIZATION, self.authorization())].into_iter().collect()
    }

    /// The grant that the token belongs to; its id revokes it.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// When the token expires; `None` is never.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

impl AsRef<str> for IssuedAccess {
    fn as_ref(&self) -> &str {
        &self.token
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resource_server::Access;
    use crate::store::MemoryStore;
    use crate::testkit::{FaultyStore, RecordingStore, block_on};

    fn verify(server: &ResourceServer, token: &IssuedAccess) -> Result<Access, u16> {
        block_on(server.verify(&token.headers())).map_err(|error| error.into_http().status().as_u16())
    }

    #[test]
    fn everything_that_is_said_of_a_token_is_what_an_api_is_told() {
        let server = TestServer::new();
        let extra = Extra::of(&json!({ "plan": "bulk" })).unwrap();
        let token = issue_access(&server, "read write").subject("bob").client("board").tenant("acme");
        let token = token.extra(extra.clone()).resource("https://api.test/two").expires_in(Duration::from_secs(60));
        let token = block_on(token);
        assert_eq!(verify(server.resource_server(), &token).err(), Some(401));
        let two = server.resource_server().clone().with_resource("https://api.test/two".parse().unwrap());
        let access = verify(&two, &token).unwrap();
        assert_eq!(access.subject().unwrap().as_str(), "bob");
        assert_eq!(access.client_id().unwrap().as_str(), "board");
        assert_eq!(access.tenant().unwrap().as_str(), "acme");
        assert_eq!((access.extra(), access.scope().as_str()), (&extra, "read write"));
        assert_eq!((access.grant_id(), access.expires_at()), (Some(token.grant().id), token.expires_at()));
        server.clock().advance(Duration::from_millis(59_999));
        assert!(verify(&two, &token).is_ok());
        server.clock().advance(Duration::from_millis(1));
        assert_eq!(verify(&two, &token).err(), Some(401));
        assert!(!format!("{token:?}").contains(token.token()));
    }

    #[test]
    fn a_token_is_expired_on_purpose_or_never() {
        let server = TestServer::new();
        let api = server.resource_server();
        assert_eq!(verify(api, &block_on(issue_access(&server, "read").expired())).err(), Some(401));
        let token = block_on(issue_access(&server, "read").never_expires().without_client().without_subject());
        server.clock().advance(Duration::from_hours(1_000_000));
        let access = verify(api, &token).unwrap();
        assert_eq!((access.client_id(), access.subject(), access.expires_at()), (None, None, None));
    }

    #[test]
    fn a_token_is_revoked_like_any_other() {
        let server = TestServer::new();
        let issue = || block_on(issue_access(&server, "read").client("board"));
        let (one, other) = (issue(), issue());
        block_on(server.server().revoke_client(&"board".parse().unwrap())).unwrap();
        assert_eq!(block_on(server.call(&one)).status(), 401);
        assert_eq!(block_on(server.call(other.token())).status(), 401);
        let token = issue();
        assert_eq!(block_on(server.call(&token)).status(), 200);
        block_on(server.server().withdraw(&"alice".parse().unwrap(), &"board".parse().unwrap())).unwrap();
        assert_eq!(block_on(server.call(&token)).status(), 401);
    }

    #[test]
    fn a_bare_store_and_a_plain_server_will_do() {
        let (store, prefix) = (Arc::new(MemoryStore::new()), Prefix::parse("acme_at_").unwrap());
        let token = block_on(issue_access((Arc::clone(&store), prefix.clone()), "links:read"));
        assert!(token.as_ref().starts_with("acme_at_"));
        let api = ResourceServer::for_any_resource(Arc::clone(&store) as _, prefix);
        assert!(verify(&api, &token).unwrap().require("links:read").is_ok());

        let server = AuthorizationServer::builder("https://links.example".parse().unwrap(), store);
        let server = server.scope("links:read", "See your links").build().unwrap();
        assert!(verify(server.resource_server(), &block_on(issue_access(&server, "links:read"))).is_ok());
    }

    #[test]
    fn a_token_that_a_test_begins_with_is_not_recorded_and_its_store_does_not_fail() {
        let store = RecordingStore::new(FaultyStore::new(MemoryStore::new()));
        let token = block_on(issue_access(&TestServer::on(store.clone()), "read"));
        assert!(store.take_calls().is_empty());
        drop(token);
        let store = FaultyStore::new(MemoryStore::new());
        let server = TestServer::on(store.clone());
        store.break_down();
        let token = block_on(issue_access(&server, "read"));
        assert_eq!(block_on(server.call(&token)).status(), 503);
    }
}
