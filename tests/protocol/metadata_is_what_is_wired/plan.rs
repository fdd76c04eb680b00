//! A server in process, as a configuration has it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use grantor::cimd::ClientIdMetadataDocuments;
use grantor::client::{Client, GrantType};
use grantor::configuration::{EndpointPaths, ProtectedResource};
use grantor::secret::SecretHash;
use grantor::store::MemoryStore;
use grantor::testkit::TestServer;
use grantor::{AuthorizationServer, AuthorizationServerBuilder, Issuer, Stores};
use http::Request;
use serde_json::json;
use url::Url;

use super::wiring::{Api, App, Documents, SignIn, Target};
use crate::client_documents::site::Site;

/// The document of a client that nobody registers.
const DOCUMENT: &str = "https://client.test/meta.json";
const SECRET: &str = "7Fjfp0ZBr1KtDRbnfVdmIw";

type Change = Box<dyn FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder>;

/// A configuration on its way to a server.
pub struct Plan {
    issuer: &'static str,
    paths: EndpointPaths,
    scopes: Vec<&'static str>,
    wildcard: Option<&'static str>,
    apis: Vec<Api>,
    initial_token: Option<&'static str>,
    change_web: fn(Client) -> Client,
    had_codes: bool,
    site: Arc<Site>,
    changes: Vec<Change>,
}

impl Plan {
    /// What no server can do without: two scope tokens.
    pub fn new() -> Self {
        Self {
            issuer: "https://as.test",
            paths: EndpointPaths::under(""),
            scopes: vec!["read", "write"],
            wildcard: None,
            apis: Vec::new(),
            initial_token: None,
            change_web: |client| client,
            had_codes: false,
            site: Arc::default(),
            changes: Vec::new(),
        }
    }

    pub fn issuer(self, issuer: &'static str) -> Self {
        Self { issuer, ..self }
    }

    pub fn paths(self, paths: EndpointPaths) -> Self {
        Self { paths, ..self }
    }

    /// One more scope token.
    pub fn scope(mut self, token: &'static str) -> Self {
        self.scopes.push(token);
        self
    }

    pub fn wildcard(self, token: &'static str) -> Self {
        Self { wildcard: Some(token), ..self }.with(move |builder| builder.wildcard_scope(token))
    }

    /// One more API.
    pub fn api(self, uri: &'static str) -> Self {
        self.api_with(uri, None, |resource| resource)
    }

    /// One more API, which has a name.
    pub fn named_api(self, uri: &'static str, name: &'static str) -> Self {
        self.api_with(uri, Some(name), move |resource| resource.with_name(name))
    }

    /// One more API, which understands this scope alone.
    pub fn limited_api(self, uri: &'static str, scope: &'static str) -> Self {
        self.api_with(uri, None, move |resource| resource.with_scope(scope.parse().unwrap()))
    }

    fn api_with(
        mut self,
        uri: &'static str,
        name: Option<&'static str>,
        change: impl FnOnce(ProtectedResource) -> ProtectedResource + 'static,
    ) -> Self {
        let path = Url::parse(uri).unwrap().path().to_owned();
        self.apis.push(Api { resource: Some(uri.to_owned()), name: name.map(ToOwned::to_owned), path });
        self.with(move |builder| builder.resource(change(ProtectedResource::new(uri.parse().unwrap()))))
    }

    /// What a client needs to register itself.
    pub fn initial_token(self, token: &'static str) -> Self {
        Self { initial_token: Some(token), ..self }
    }

    /// The client with a secret has something of its own.
    pub fn web(self, change_web: fn(Client) -> Client) -> Self {
        Self { change_web, ..self }
    }

    /// The server had codes yesterday, so that there are refresh tokens.
    pub fn had_codes(self) -> Self {
        Self { had_codes: true, ..self }
    }

    /// Clients are let in by the address of their document.
    pub fn documents(
        self,
        decide: impl FnOnce(ClientIdMetadataDocuments) -> ClientIdMetadataDocuments + 'static,
    ) -> Self {
        let site = Arc::clone(&self.site);
        self.with(move |builder| builder.client_id_metadata_documents(decide(ClientIdMetadataDocuments::new(site))))
    }

    /// Changes anything else.
    pub fn with(
        mut self,
        change: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder + 'static,
    ) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    fn builder(&self, stores: Stores) -> AuthorizationServerBuilder {
        let builder = AuthorizationServer::builder(Issuer::parse(self.issuer).unwrap(), stores);
        let scopes = self.scopes.iter();
        scopes.fold(builder, |builder, token| builder.scope(token, token)).paths(self.paths.clone())
    }

    /// The server, with its clients.
    pub async fn start(mut self) -> Target {
        let store = Arc::new(MemoryStore::new());
        let public =
            Client::public("public".parse().unwrap()).with_redirect_uri("https://app.test/cb".parse().unwrap());
        let web = Client::confidential("web".parse().unwrap(), SecretHash::of(SECRET))
            .with_redirect_uri("https://web.test/cb".parse().unwrap())
            .with_grant_types(GrantType::ALL);
        let refresh_token = if self.had_codes {
            let yesterday = TestServer::of(Arc::clone(&store), |stores| self.builder(stores));
            let client = yesterday.client().of(public.clone());
            client.authorize().scope(self.scopes[0]).approve().exchange().await.refresh_token
        } else {
            None
        };
        let changes = std::mem::take(&mut self.changes);
        let server = TestServer::of(store, |stores| {
            changes.into_iter().fold(self.builder(stores), |builder, change| change(builder))
        });
        server.insert_client(&public).await;
        server.insert_client(&(self.change_web)(web)).await;
        self.publish();
        self.target(server, refresh_token)
    }

    fn publish(&self) {
        let document = json!({
            "client_id": DOCUMENT, "client_name": "Example", "redirect_uris": ["https://client.test/cb"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        });
        self.site.publish(DOCUMENT, &document);
    }

    fn target(self, server: TestServer, refresh_token: Option<String>) -> Target {
        // Where the routes lead, and where they would lead by default.
        let mut places: Vec<_> = server.server().endpoints().iter().map(|route| route.path().to_owned()).collect();
        for paths in [&self.paths, &EndpointPaths::under(""), &EndpointPaths::under("/oauth")] {
            let all =
                [paths.authorize(), paths.token(), paths.revoke(), paths.introspect(), paths.register(), paths.jwks()];
            places.extend(all.map(ToOwned::to_owned));
        }
        places.sort_unstable();
        places.dedup();
        let app = |id: &str, secret: Option<&str>, redirect_uri: &str| App {
            id: id.to_owned(),
            secret: secret.map(ToOwned::to_owned),
            redirect_uri: redirect_uri.to_owned(),
        };
        let anonymous = Api { resource: None, name: None, path: "/api".to_owned() };
        let (site, fetched) = (self.site, AtomicUsize::new(0));
        Target {
            service: Box::new(move |request: Request<Bytes>| {
                let server = server.clone();
                async move { server.respond(request).await }
            }),
            origin: Url::parse(self.issuer).unwrap().origin().ascii_serialization(),
            places,
            sign_in: SignIn { path: "/signin", fields: &[("username", "alice")] },
            public: app("public", None, "https://app.test/cb"),
            web: app("web", Some(SECRET), "https://web.test/cb"),
            initial_token: self.initial_token,
            apis: if self.apis.is_empty() { vec![anonymous] } else { self.apis },
            scopes: self.scopes,
            wildcard: self.wildcard,
            refresh_token: Mutex::new(refresh_token),
            documents: Documents {
                app: app(DOCUMENT, None, "https://client.test/cb"),
                fetches: Box::new(move || {
                    let more = site.take().len();
                    fetched.fetch_add(more, Ordering::Relaxed) + more
                }),
            },
        }
    }
}
