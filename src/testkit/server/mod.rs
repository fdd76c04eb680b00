//! An authorization server for tests: in process, with a clock that stands still, in one line.

mod api;
mod host;
mod pages;
mod signed_in;
mod stores;
mod visitor;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::client::Client;
use crate::configuration::{EndpointPaths, ProtectedResource, Registration, RegistrationRules};
use crate::identifier::Tenant;
use crate::resource_server::ResourceServer;
use crate::secret::random;
use crate::server::{AuthorizationServer, AuthorizationServerBuilder, Stores};
use crate::store::{MemoryStore, TokenStore};
use crate::testkit::ManualClock;
use crate::testkit::driver::{Call, NewClient, Register, Reply};
use crate::testkit::fixtures::{parsed, scope};

pub(super) use host::Failure;
pub use signed_in::SignedIn;
use stores::Fixtures;
pub use stores::TestStores;
use visitor::Sessions;
pub(super) use visitor::Visitor;

/// An authorization server for a test, with a [`ManualClock`].
///
/// | | |
/// |---|---|
/// | issuer | `https://as.test` |
/// | paths | under `/oauth` |
/// | scopes | `read` (the default), `write`, `admin` |
/// | resources | `https://api.test/one` (the default), `https://api.test/two` |
/// | registration | open, for `read` and `write` |
/// | stores | a [`MemoryStore`] |
///
/// [`with`](Self::with) changes any of it, [`on`](Self::on) takes other stores, and [`of`](Self::of) a configuration of
/// your own. Clones are the same server.
#[derive(Clone)]
pub struct TestServer {
    inner: Arc<Inner>,
}

struct Inner {
    server: AuthorizationServer,
    clock: Arc<ManualClock>,
    fixtures: Fixtures,
    sessions: Sessions,
    /// The secret of the session that the driver plays.
    browser_session: [u8; 32],
}

impl fmt::Debug for TestServer {
    /// Its name; sessions are nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer").field("issuer", &self.server().configuration().issuer).finish_non_exhaustive()
    }
}

impl Default for TestServer {
    fn default() -> Self {
        Self::new()
    }
}

impl TestServer {
    /// A server on an empty memory store.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A server on an empty memory store, configured further.
    ///
    /// # Panics
    ///
    /// If what is configured contradicts itself.
    #[must_use]
    #[track_caller]
    pub fn with(configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder) -> Self {
        Self::on_with(Arc::new(MemoryStore::new()), configure)
    }

    /// A server on stores of your choice.
    #[must_use]
    pub fn on(stores: impl Into<TestStores>) -> Self {
        Self::on_with(stores, |builder| builder)
    }

    /// A server on stores of your choice, configured further.
    ///
    /// # Panics
    ///
    /// If what is configured contradicts itself.
    #[must_use]
    #[track_caller]
    pub fn on_with(
        stores: impl Into<TestStores>,
        configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        Self::of(stores, |stores| configure(Self::builder(stores)))
    }

    fn builder(stores: Stores) -> AuthorizationServerBuilder {
        AuthorizationServer::builder(parsed("https://as.test"), stores)
            .scope("read", "Read your things")
            .scope("write", "Change your things")
            .scope("admin", "Administer everything")
            .default_scope(scope("read"))
            .resource(ProtectedResource::new(parsed("https://api.test/one")))
            .resource(ProtectedResource::new(parsed("https://api.test/two")))
            .registration(Registration::Open(RegistrationRules::new().with_scope(scope("read write"))))
            .paths(EndpointPaths::under("/oauth"))
    }

    /// A server on stores of your choice that is configured by you alone, as your service configures its own; only the
    /// clock is replaced.
    ///
    /// ```
    /// use grantor::store::MemoryStore;
    /// use grantor::testkit::{FaultyStore, TestServer, block_on};
    /// use grantor::{AuthorizationServer, AuthorizationServerBuilder, Stores};
    ///
    /// /// What the service calls as well, with stores that last.
    /// fn configuration(stores: Stores) -> AuthorizationServerBuilder {
    ///     let issuer = "https://links.example".parse().expect("an issuer");
    ///     AuthorizationServer::builder(issuer, stores).scope("links:read", "See your links")
    /// }
    ///
    /// let store = FaultyStore::new(MemoryStore::new());
    /// let server = TestServer::of(store.clone(), configuration);
    /// let tokens = block_on(server.client().public().authorize().approve().exchange());
    /// assert_eq!(tokens.scope, "links:read");
    /// ```
    ///
    /// # Panics
    ///
    /// If what is configured contradicts itself.
    #[must_use]
    #[track_caller]
    pub fn of(stores: impl Into<TestStores>, configure: impl FnOnce(Stores) -> AuthorizationServerBuilder) -> Self {
        let (stores, fixtures) = stores.into().into_parts();
        Self::start(configure(stores), fixtures)
    }

    #[track_caller]
    fn start(builder: AuthorizationServerBuilder, fixtures: Option<Fixtures>) -> Self {
        let clock = Arc::new(ManualClock::new());
        let server = match builder.clock(Arc::clone(&clock) as _).build() {
            Ok(server) => server,
            Err(error) => panic!("the server is configured wrongly: {error}"),
        };
        let fixtures = fixtures.unwrap_or_else(|| Fixtures::of(&server));
        Self {
            inner: Arc::new(Inner {
                server,
                clock,
                fixtures,
                sessions: Sessions::default(),
                browser_session: random(),
            }),
        }
    }

    /// The authorization server, for whatever a host does with it.
    #[must_use]
    pub fn server(&self) -> &AuthorizationServer {
        &self.inner.server
    }

    /// What checks the tokens of the default resource.
    #[must_use]
    pub fn resource_server(&self) -> &ResourceServer {
        self.server().resource_server()
    }

    /// The clock of the server. It stands at the instant at which the server was made, until it is moved.
    #[must_use]
    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.inner.clock
    }

    /// Plays a client: see [`driver`](crate::testkit::driver).
    pub fn client(&self) -> NewClient {
        NewClient::on(self)
    }

    /// Lets a client register itself.
    ///
    /// ```
    /// use grantor::testkit::{TestServer, block_on};
    /// use serde_json::json;
    ///
    /// block_on(async {
    ///     let uri = "https://app.example/callback";
    ///     let metadata = json!({ "redirect_uris": [uri], "token_endpoint_auth_method": "none" });
    ///     let app = TestServer::new().register(metadata).await;
    ///     app.authorize().approve().exchange().await;
    /// });
    /// ```
    pub fn register(&self, metadata: Value) -> Register {
        Register::on(self, metadata)
    }

    /// Calls the API of [`respond`](Self::respond) with an access token.
    pub fn call(&self, access_token: impl AsRef<str>) -> Call {
        Call::of(self, access_token.as_ref())
    }

    /// Sends any other request, and gives what comes back.
    pub async fn send(&self, request: Request<impl Into<Bytes>>) -> Reply {
        Reply::new("the request", self.respond(request).await)
    }

    /// Registers a client that a test begins with, unless there is one with its identifier.
    ///
    /// # Panics
    ///
    /// If the stores have no registry, or fail.
    pub async fn insert_client(&self, client: &Client) {
        self.inner.fixtures.insert(client).await;
    }

    /// Answers a request as a whole service would that has the server in it: its endpoints, sign-in and consent pages,
    /// and an API.
    ///
    /// | | |
    /// |---|---|
    /// | the authorization path | the consent page, and where it posts to: `consent_token`, `scope` for each that is ticked, `decision` |
    /// | `/signin`, `/signout` | forms: `username` signs in whoever is named, without a password; `next` is the way back |
    /// | the path of each resource | an API: GET wants the scope `read`, POST `write`, as far as the server has them |
    /// | the well-known path of each resource | its metadata (RFC 9728) |
    /// | everything else | [`AuthorizationServer::handle`] |
    ///
    /// Without a resource the API is at `/api`. The session is a cookie. A caller keeps it as a browser does.
    pub async fn respond(&self, request: Request<impl Into<Bytes>>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let body = body.into();
        host::respond(self, &parts, body).await.map(Bytes::from)
    }

    /// What a visitor sees who opens an authorization request, in a host that confines it to `tenant`.
    pub(super) async fn show(&self, visitor: &Visitor, here: &str, tenant: Option<&Tenant>) -> Response<String> {
        host::show(self, visitor, here, tenant).await
    }

    pub(super) async fn find_client(&self, id: &str) -> Option<Client> {
        self.inner.fixtures.find(&parsed(id)).await
    }

    pub(super) fn fixture_tokens(&self) -> Arc<dyn TokenStore> {
        Arc::clone(&self.inner.fixtures.tokens)
    }

    pub(super) fn browser_session(&self) -> [u8; 32] {
        self.inner.browser_session
    }
}
