//! The client that is played.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use url::form_urlencoded::byte_serialize;

use super::{Authorize, Step, Tokens};
use crate::client::{Client, ClientId, GrantType, SecretMethod};
use crate::secret::{ClientSecret, Prefix};
use crate::testkit::fixtures::{self, parsed};
use crate::testkit::{Form, TestServer};

/// Which client to play; made by [`TestServer::client`].
#[derive(Clone, Debug)]
#[must_use = "choose a client"]
pub struct NewClient {
    server: TestServer,
    id: ClientId,
}

impl NewClient {
    pub(in crate::testkit) fn on(server: &TestServer) -> Self {
        Self { server: server.clone(), id: fixtures::client_id() }
    }

    /// Sets the identifier, which is a new one otherwise.
    ///
    /// # Panics
    ///
    /// If `id` cannot be one.
    #[track_caller]
    pub fn id(mut self, id: &str) -> Self {
        self.id = parsed(id);
        self
    }

    /// A public client with the redirect URI `https://app.example/callback`.
    pub fn public(self) -> TestClient {
        let client = Client::public(self.id.clone()).with_redirect_uri(parsed("https://app.example/callback"));
        self.of(client)
    }

    /// A confidential client with the redirect URI `https://app.example/callback`, which may also act for itself.
    pub fn confidential(self) -> TestClient {
        let secret = ClientSecret::generate(&Prefix::of_letters("cs_"));
        let client = Client::confidential(self.id.clone(), secret.hash())
            .with_redirect_uri(parsed("https://app.example/callback"))
            .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials]);
        self.of(client).secret(secret.expose())
    }

    /// A client of your own making. Tell its [`secret`](TestClient::secret), if it has one.
    pub fn of(self, client: Client) -> TestClient {
        TestClient {
            server: self.server,
            client,
            secret: None,
            method: SecretMethod::Basic,
            registered: Arc::new(AtomicBool::new(false)),
            registration_token: None,
        }
    }

    /// A client that is in the server's stores already. Tell its [`secret`](TestClient::secret), if it has one.
    pub fn existing(self, client: Client) -> TestClient {
        let client = self.of(client);
        client.registered.store(true, Ordering::Release);
        client
    }
}

/// A client that is played. It is registered when it first sends something; clones are the same client.
#[derive(Clone)]
#[must_use = "a client does nothing by itself"]
pub struct TestClient {
    pub(super) server: TestServer,
    client: Client,
    secret: Option<String>,
    method: SecretMethod,
    registered: Arc<AtomicBool>,
    registration_token: Option<String>,
}

impl fmt::Debug for TestClient {
    /// The client, without its secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient").field("client", &self.client).finish_non_exhaustive()
    }
}

impl TestClient {
    /// Changes how the client is registered, before it sends anything.
    ///
    /// ```
    /// use grantor::policy::RefreshPolicy;
    /// use grantor::testkit::{TestServer, block_on};
    ///
    /// let app = TestServer::new().client().public();
    /// let app = app.configure(|client| client.with_refresh_policy(RefreshPolicy::Never));
    /// let tokens = block_on(app.authorize().approve().exchange().into_future());
    /// assert_eq!(tokens.refresh_token, None);
    /// ```
    ///
    /// # Panics
    ///
    /// If it is registered already.
    #[track_caller]
    pub fn configure(mut self, change: impl FnOnce(Client) -> Client) -> Self {
        assert!(!self.registered.load(Ordering::Acquire), "{} is registered already", self.id());
        self.client = change(self.client);
        self
    }

    /// Makes `uri` the only redirect URI, before the client sends anything.
    ///
    /// # Panics
    ///
    /// If `uri` cannot be one, or the client is registered already.
    #[track_caller]
    pub fn redirect_uri(self, uri: &str) -> Self {
        let uri = parsed(uri);
        self.configure(|client| client.with_redirect_uris(vec![uri]))
    }

    /// Limits what the client may ask for, before it sends anything.
    ///
    /// # Panics
    ///
    /// If `scope` is malformed, or the client is registered already.
    #[track_caller]
    pub fn scope(self, scope: &str) -> Self {
        let scope = parsed(scope);
        self.configure(|client| client.with_scope(scope))
    }

    /// Sets the secret that the client sends from now on, whether it is the right one or not.
    pub fn secret(mut self, secret: &str) -> Self {
        self.secret = Some(secret.to_owned());
        self
    }

    /// Sets how the client sends its secret from now on; it is [`SecretMethod::Basic`] otherwise.
    pub fn secret_by(mut self, method: SecretMethod) -> Self {
        self.method = method;
        self
    }

    pub(super) fn with_registration_token(mut self, token: Option<&str>) -> Self {
        self.registration_token = token.map(str::to_owned);
        self
    }

    /// The identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        self.client.id().as_str()
    }

    /// The client as it was registered.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The token with which the client manages its registration, if it registered itself.
    #[must_use]
    pub fn registration_token(&self) -> Option<&str> {
        self.registration_token.as_deref()
    }

    /// Sends a user, whose browser asks for access for the client.
    pub fn authorize(&self) -> Authorize {
        Authorize::new(self)
    }

    /// Exchanges a code, of which nothing else is known: add `redirect_uri` and `code_verifier`.
    pub fn exchange(&self, code: &str) -> Step<Tokens> {
        let form = Form::of([("grant_type", "authorization_code"), ("code", code)]);
        Step::token("the exchange", self, form)
    }

    /// Uses a refresh token.
    pub fn refresh(&self, refresh_token: &str) -> Step<Tokens> {
        let form = Form::of([("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
        Step::token("the refresh", self, form)
    }

    /// Asks for a token for the client itself.
    pub fn client_credentials(&self) -> Step<Tokens> {
        let form = Form::of([("grant_type", "client_credentials")]);
        let form = self.default_scope().iter().fold(form, |form, scope| form.and("scope", scope));
        Step::token("the request for a token of the client's own", self, form)
    }

    /// Revokes a token: an access token alone, a refresh token with its whole grant.
    pub fn revoke(&self, token: &str) -> Step<()> {
        let path = self.server.server().configuration().paths.revoke();
        Step::new("the revocation", self, path, Form::of([("token", token)]))
    }

    /// Asks what there is to tell about a token; the answer is the JSON.
    pub fn introspect(&self, token: &str) -> Step<serde_json::Value> {
        let path = self.server.server().configuration().paths.introspect();
        Step::new("the introspection", self, path, Form::of([("token", token)]))
    }

    /// Registers the client, unless that was done.
    pub(super) async fn register(&self) {
        if !self.registered.load(Ordering::Acquire) {
            self.server.insert_client(&self.client).await;
            self.registered.store(true, Ordering::Release);
        }
    }

    /// What to ask for where the server has no default: all that the client may have.
    pub(super) fn default_scope(&self) -> Option<String> {
        let scopes = &self.server.server().configuration().scopes;
        if scopes.resolve(None, &self.client).is_ok() {
            return None;
        }
        Some(scopes.limit(&self.client).to_string())
    }

    /// Says who sends a form: a header, unless the form itself says it.
    pub(super) fn identify(&self, form: Form) -> (Form, Option<HeaderValue>) {
        if let (Some(secret), SecretMethod::Basic) = (&self.secret, self.method) {
            let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let credentials = STANDARD.encode(format!("{}:{}", encode(self.id()), encode(secret)));
            let credentials = HeaderValue::from_str(&format!("Basic {credentials}")).expect("base64 is printable");
            return (form, Some(credentials));
        }
        let form = form.and("client_id", self.id());
        (self.secret.iter().fold(form, |form, secret| form.and("client_secret", secret)), None)
    }
}
