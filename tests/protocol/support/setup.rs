//! The server under test.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantor::client::{Client, GrantType, Vetting};
use grantor::clock::Timestamp;
use grantor::configuration::{EndpointPaths, ProtectedResource, Registration, RegistrationRules};
use grantor::error::AuthorizeError;
use grantor::policy::PkceRequirement;
use grantor::secret::SecretHash;
use grantor::store::{ClientRegistry, GrantStore, Insertion, MemoryStore, SqliteStore};
use grantor::testkit::ManualClock;
use grantor::{
    Approval, AuthorizationServer, AuthorizationServerBuilder, AuthorizeAnswer, Issuer, PendingAuthorization,
    SessionSecret, Stores, Subject, Visitor,
};
use http::{HeaderMap, Request};

use super::output::Everywhere;
use super::secrets::Secrets;
use super::{Answer, Form};

/// The verifier of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The secret of every confidential client but `1PpG/Q 1`.
pub const SECRET: &str = "7Fjfp0ZBr1KtDRbnfVdmIw";
/// The secret of `1PpG/Q 1`.
pub const ENC_SECRET: &str = "z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=";

/// Which store a test runs on.
pub enum Start {
    Memory(Arc<MemoryStore>),
    Sqlite(Arc<SqliteStore>, PathBuf),
}

/// A server, its clock, its stores, and a signed-in user called alice.
pub struct Setup {
    pub server: AuthorizationServer,
    pub clock: Arc<ManualClock>,
    pub grants: Arc<dyn GrantStore>,
    pub registry: Arc<dyn ClientRegistry>,
    pub session: SessionSecret,
    pub alice: Subject,
    /// What nobody may write while this lives.
    pub secrets: Secrets,
    directory: Option<PathBuf>,
}

impl Drop for Setup {
    /// Whatever a test is about: nothing that it held in its hands may have been written anywhere.
    fn drop(&mut self) {
        let leaks = if std::thread::panicking() { Vec::new() } else { self.secrets.leaks() };
        if let Some(directory) = &self.directory {
            let _ = std::fs::remove_dir_all(directory);
        }
        assert!(leaks.is_empty(), "secrets were written:\n{}", leaks.join("\n"));
    }
}

impl Setup {
    pub async fn memory() -> Self {
        Self::memory_with(|builder| builder).await
    }

    pub async fn sqlite() -> Self {
        Self::sqlite_with(|builder| builder).await
    }

    pub async fn memory_with(configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder) -> Self {
        Self::start(Start::Memory(Arc::new(MemoryStore::new())), configure).await
    }

    pub async fn sqlite_with(configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder) -> Self {
        Self::start(Self::sqlite_file().await, configure).await
    }

    /// A fresh database file in a directory of its own.
    pub async fn sqlite_file() -> Start {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("grantor-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let url = format!("sqlite://{}", directory.join("test.db").display());
        Start::Sqlite(Arc::new(SqliteStore::connect(&url).await.unwrap()), directory)
    }

    pub async fn start(
        start: Start,
        configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        match start {
            Start::Memory(store) => Self::build(store.clone().into(), store.clone(), store, None, configure).await,
            Start::Sqlite(store, directory) => {
                Self::build(store.clone().into(), store.clone(), store, Some(directory), configure).await
            }
        }
    }

    /// A server on `stores`, which may be wrapped; the fixtures are put into `registry` directly.
    pub async fn build(
        stores: Stores,
        grants: Arc<dyn GrantStore>,
        registry: Arc<dyn ClientRegistry>,
        directory: Option<PathBuf>,
        configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let secrets = Secrets::watch();
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_millis(1_800_000_000_000)));
        let builder = AuthorizationServer::builder(Issuer::parse("https://as.test").unwrap(), stores)
            .scope("read", "Read your things")
            .scope("write", "Change your things")
            .scope("admin", "Administer everything")
            .default_scope("read".parse().unwrap())
            .resource(ProtectedResource::new("https://api.test/one".parse().unwrap()))
            .resource(ProtectedResource::new("https://api.test/two".parse().unwrap()))
            .registration(Registration::Open(RegistrationRules::new().with_scope("read write".parse().unwrap())))
            .paths(EndpointPaths::under("/oauth"))
            .observer(Arc::new(Everywhere))
            .clock(clock.clone());
        let server = configure(builder).build().unwrap();
        for client in fixtures() {
            assert_eq!(registry.insert_client(&client).await.unwrap(), Insertion::Inserted);
        }
        let session = SessionSecret::new([7; 32]).unwrap();
        Self { server, clock, grants, registry, session, alice: "alice".parse().unwrap(), secrets, directory }
    }

    /// The baseline authorization request of a client.
    pub fn request(&self, client: &str) -> Form {
        let form = Form::of(&[
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", redirect_uri(client)),
            ("scope", "read"),
            ("state", "af0ifjsldkj"),
        ]);
        if client == "exempt" {
            return form;
        }
        form.and("code_challenge", CHALLENGE).and("code_challenge_method", "S256")
    }

    /// The request, checked, for a test that decides itself.
    pub async fn pending(&self, request: &Form) -> Result<PendingAuthorization, AuthorizeError> {
        self.secrets.note_form(request);
        self.server.authorize(&request.encode()).await
    }

    /// The consent token of the page that is shown to alice.
    pub fn consent_token(&self, pending: &PendingAuthorization) -> String {
        let token = pending.consent_token(&self.session, &self.alice);
        self.secrets.note("consent token", &token);
        token
    }

    /// What a signed-in browser gets that opens the request and approves all of it.
    pub async fn approve(&self, request: &Form) -> Answer {
        self.approve_with(request, Approval::all()).await
    }

    pub async fn approve_with(&self, request: &Form, approval: Approval) -> Answer {
        match self.decide(request, approval).await {
            Ok(answer) => answer,
            Err(error) => self.answer(error, Visitor::SignedIn),
        }
    }

    async fn decide(&self, request: &Form, approval: Approval) -> Result<Answer, AuthorizeError> {
        let shown = self.pending(request).await?;
        let token = self.consent_token(&shown);
        let confirmed = self.pending(request).await?.confirm(&self.session, &self.alice, &token)?;
        let answer = self.server.approve(confirmed, approval).await?.into_http().into();
        self.secrets.note_answer(&answer);
        Ok(answer)
    }

    /// What a browser gets for an error: a redirect, or a page whose text is its description.
    pub fn answer(&self, error: AuthorizeError, visitor: Visitor) -> Answer {
        match error.answer(visitor) {
            AuthorizeAnswer::Redirect(response) => response.into_http().into(),
            AuthorizeAnswer::Page(page) => {
                let mut response = http::Response::new(page.description().to_owned());
                *response.status_mut() = page.status();
                response.into()
            }
        }
    }

    /// A fresh code of a client.
    pub async fn code(&self, client: &str) -> String {
        self.code_for(&self.request(client)).await
    }

    pub async fn code_for(&self, request: &Form) -> String {
        let answer = self.approve(request).await;
        let location = answer.header("location").unwrap_or_else(|| panic!("no redirect: {answer:?}"));
        let (_, query) = location.split_once('?').unwrap();
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.into_owned().find(|(name, _)| name == "code").unwrap_or_else(|| panic!("no code: {location}")).1
    }

    /// The baseline exchange of a code.
    pub fn exchange(&self, client: &str, code: &str) -> Form {
        let form =
            Form::of(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri(client))]);
        let form = if client == "exempt" { form } else { form.and("code_verifier", VERIFIER) };
        self.identify(client, form)
    }

    /// The baseline refresh.
    pub fn refresh(&self, client: &str, refresh_token: &str) -> Form {
        self.identify(client, Form::of(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]))
    }

    /// Adds the client's identity, and its secret in the body if it has one.
    pub fn identify(&self, client: &str, form: Form) -> Form {
        let form = form.and("client_id", client);
        match client {
            "pub" | "multi" | "native" | "other-pub" | "self" => form,
            "1PpG/Q 1" => form.and("client_secret", ENC_SECRET),
            _ => form.and("client_secret", SECRET),
        }
    }

    /// A token response for a fresh code of a client.
    pub async fn tokens(&self, client: &str) -> Answer {
        let code = self.code(client).await;
        self.token(&self.exchange(client, &code)).await.expect_ok()
    }

    pub async fn token(&self, form: &Form) -> Answer {
        self.post("/oauth/token", form, None).await
    }

    /// Posts a form, with an `Authorization` header if one is given.
    pub async fn post(&self, path: &str, form: &Form, authorization: Option<&str>) -> Answer {
        let mut request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.send(request.body(form.encode()).unwrap()).await
    }

    /// Sends any request to the endpoints that clients call.
    pub async fn send(&self, request: Request<String>) -> Answer {
        self.secrets.note_request(&request);
        let answer = self.server.handle(request).await.into();
        self.secrets.note_answer(&answer);
        answer
    }

    /// Whether the API accepts the token.
    pub async fn is_accepted(&self, access_token: &str) -> bool {
        self.secrets.note("access token", access_token);
        self.server.resource_server().verify(&bearer(access_token)).await.is_ok()
    }
}

/// An `Authorization` header for Basic, form-encoded as RFC 6749 §2.3.1 wants it.
pub fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

/// Headers with a bearer token.
pub fn bearer(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    headers
}

/// The baseline redirect URI of a client.
pub fn redirect_uri(client: &str) -> &'static str {
    match client {
        "pub" => "https://app.test/cb",
        "multi" => "https://app.test/cb2?x=1&y=a%20b",
        "native" => "http://127.0.0.1:51004/cb",
        "other-pub" => "https://other.test/cb",
        "self" => "https://self.test/cb",
        _ => "https://web.test/cb",
    }
}

fn fixtures() -> Vec<Client> {
    let public = |id: &str, uris: &[&str]| {
        let client = Client::public(id.parse().unwrap());
        uris.iter().fold(client, |client, uri| client.with_redirect_uri(uri.parse().unwrap()))
    };
    let confidential = |id: &str, secret: &str| {
        Client::confidential(id.parse().unwrap(), SecretHash::of(secret))
            .with_redirect_uri("https://web.test/cb".parse().unwrap())
    };
    vec![
        public("pub", &["https://app.test/cb"]),
        public("multi", &["https://app.test/cb", "https://app.test/cb2?x=1&y=a%20b"]),
        public("native", &["http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb", "com.example.app:/cb"]),
        public("other-pub", &["https://other.test/cb"]),
        public("self", &["https://self.test/cb"]).with_vetting(Vetting::SelfRegistered),
        confidential("web", SECRET),
        confidential("other", SECRET),
        confidential("1PpG/Q 1", ENC_SECRET),
        confidential("exempt", SECRET).with_pkce(PkceRequirement::Exempt),
        Client::confidential("svc".parse().unwrap(), SecretHash::of(SECRET))
            .with_grant_types([GrantType::ClientCredentials])
            .with_scope("read write".parse().unwrap()),
    ]
}
