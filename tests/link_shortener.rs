//! How a service tests itself that has become an OAuth provider: copy this, and put your own service in the place of
//! [`Snip`].
//!
//! `issue_access` is for tests of the API, which need a token and no OAuth. `TestServer` plays users and apps for the
//! rest.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantor::configuration::{EndpointPaths, ProtectedResource};
use grantor::error::{BearerError, Retry};
use grantor::store::MemoryStore;
use grantor::testkit::{Fault, FaultyStore, RecordingStore, TestServer, TestStores, When, issue_access};
use grantor::{AuthorizationServer, AuthorizationServerBuilder, Stores, Subject};
use http::{Method, Request, Response, StatusCode};

// The service.

/// What the authorization server of the service is like, in production and in tests.
fn authorization_server(stores: Stores) -> AuthorizationServerBuilder {
    AuthorizationServer::builder("https://snip.example".parse().unwrap(), stores)
        .scope("links:read", "See your links")
        .scope("links:write", "Create links in your name")
        .default_scope("links:read".parse().unwrap())
        .resource(ProtectedResource::new("https://snip.example/api/links".parse().unwrap()))
        .paths(EndpointPaths::under("/oauth"))
}

/// A link shortener. Its API is a function from a request to a response, which every framework can call.
struct Snip {
    oauth: AuthorizationServer,
    links: Mutex<Vec<(Subject, String)>>,
}

impl Snip {
    async fn api(&self, request: Request<String>) -> Response<String> {
        self.links(request).await.unwrap_or_else(BearerError::into_http)
    }

    async fn links(&self, request: Request<String>) -> Result<Response<String>, BearerError> {
        let creates = *request.method() == Method::POST;
        let scope = if creates { "links:write" } else { "links:read" };
        let access = self.oauth.resource_server().verify_scope(request.headers(), scope).await?;
        let Some(user) = access.subject() else { return Ok(answer(StatusCode::FORBIDDEN, "")) };
        let mut links = self.links.lock().unwrap();
        if creates {
            links.push((user.clone(), request.into_body()));
            return Ok(answer(StatusCode::CREATED, ""));
        }
        let own: Vec<_> = links.iter().filter(|(owner, _)| owner == user).map(|(_, link)| link.as_str()).collect();
        Ok(answer(StatusCode::OK, &own.join(" ")))
    }
}

fn answer(status: StatusCode, body: &str) -> Response<String> {
    Response::builder().status(status).body(body.to_owned()).unwrap()
}

// The service under test.

struct Service {
    snip: Snip,
    oauth: TestServer,
}

impl Service {
    fn start() -> Self {
        Self::on(Arc::new(MemoryStore::new()))
    }

    fn on(stores: impl Into<TestStores>) -> Self {
        let oauth = TestServer::of(stores, authorization_server);
        Self { snip: Snip { oauth: oauth.server().clone(), links: Mutex::default() }, oauth }
    }

    async fn list(&self, token: impl AsRef<str>) -> Response<String> {
        self.call(Method::GET, token, "").await
    }

    async fn create(&self, token: impl AsRef<str>, link: &str) -> Response<String> {
        self.call(Method::POST, token, link).await
    }

    async fn call(&self, method: Method, token: impl AsRef<str>, body: &str) -> Response<String> {
        let request = Request::builder().method(method).header("authorization", format!("Bearer {}", token.as_ref()));
        self.snip.api(request.body(body.to_owned()).unwrap()).await
    }
}

// The API: who may do what.

#[tokio::test]
async fn a_call_without_a_token_gets_401() {
    let reply = Service::start().snip.api(Request::default()).await;
    assert_eq!(reply.status(), 401);
    assert!(reply.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn an_expired_token_gets_401() {
    let service = Service::start();
    let token = issue_access(&service.oauth, "links:read").expired().await;
    assert_eq!(service.list(&token).await.status(), 401);
}

#[tokio::test]
async fn a_token_gets_401_from_the_moment_of_its_expiry() {
    let service = Service::start();
    let token = issue_access(&service.oauth, "links:read").expires_in(Duration::from_secs(60)).await;
    service.oauth.clock().advance(Duration::from_secs(59));
    assert_eq!(service.list(&token).await.status(), 200);
    service.oauth.clock().advance(Duration::from_secs(1));
    assert_eq!(service.list(&token).await.status(), 401);
}

#[tokio::test]
async fn a_token_without_the_scope_gets_403() {
    let service = Service::start();
    let token = issue_access(&service.oauth, "links:read").await;
    assert_eq!(service.create(&token, "https://example.com").await.status(), 403);
}

#[tokio::test]
async fn a_token_for_another_api_gets_401() {
    let service = Service::start();
    let token = issue_access(&service.oauth, "links:read").resource("https://elsewhere.example").await;
    assert_eq!(service.list(&token).await.status(), 401);
}

#[tokio::test]
async fn a_user_sees_their_own_links_only() {
    let service = Service::start();
    let ada = issue_access(&service.oauth, "links:read links:write").subject("ada").await;
    let grace = issue_access(&service.oauth, "links:read links:write").subject("grace").await;
    assert_eq!(service.create(&ada, "https://ada.example").await.status(), 201);
    assert_eq!(service.list(&ada).await.body(), "https://ada.example");
    assert_eq!(service.list(&grace).await.body(), "");
}

// Apps and their users.

#[tokio::test]
async fn an_app_gets_what_its_user_allows() {
    let service = Service::start();
    let app = service.oauth.client().public();
    let tokens = app.authorize().scope("links:read links:write").approve().only("links:read").exchange().await;
    assert_eq!(service.list(&tokens.access_token).await.status(), 200);
    assert_eq!(service.create(&tokens.access_token, "https://example.com").await.status(), 403);
}

#[tokio::test]
async fn a_user_who_denies_sends_the_app_home() {
    let app = Service::start().oauth.client().public();
    let callback = app.authorize().deny().await;
    assert!(callback.location().starts_with("https://app.example/callback?error=access_denied&"));
}

#[tokio::test]
async fn a_code_works_once() {
    let service = Service::start();
    let callback = service.oauth.client().public().authorize().approve().await;
    let tokens = callback.exchange().await;
    callback.exchange().send().await.expect_error(400, "invalid_grant");
    // Two parties had the code, so nobody keeps what came of it.
    assert_eq!(service.list(&tokens.access_token).await.status(), 401);
}

#[tokio::test]
async fn a_stolen_code_is_worth_nothing_without_its_verifier() {
    let app = Service::start().oauth.client().public();
    let stolen = app.authorize().approve().exchange().with("code_verifier", "guessed".repeat(7));
    stolen.send().await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn another_site_cannot_decide_for_a_user() {
    let app = Service::start().oauth.client().public();
    app.authorize().approve().consent_token("forged").send().await.expect_status(403);
}

#[tokio::test]
async fn revoking_the_app_stops_the_api_at_once() {
    let service = Service::start();
    let app = service.oauth.client().public();
    let tokens = app.authorize().subject("ada").approve().exchange().await;
    assert_eq!(service.list(&tokens.access_token).await.status(), 200);

    // What the page of connected apps does.
    service.oauth.server().withdraw(&"ada".parse().unwrap(), app.client().id()).await.unwrap();
    assert_eq!(service.list(&tokens.access_token).await.status(), 401);
    tokens.refresh().send().await.expect_error(400, "invalid_grant");
}

#[tokio::test]
async fn an_app_that_signs_out_takes_its_tokens_along() {
    let service = Service::start();
    let tokens = service.oauth.client().confidential().authorize().approve().exchange().await;
    tokens.revoke().await;
    assert_eq!(service.list(&tokens.access_token).await.status(), 401);
    assert_eq!(tokens.introspect().await["active"], false);
}

// A bad day.

#[tokio::test]
async fn the_token_endpoint_survives_a_store_outage() {
    let store = FaultyStore::new(MemoryStore::new());
    let service = Service::on(store.clone());
    let tokens = service.oauth.client().public().authorize().approve().exchange().await;

    store.break_down();
    let reply = tokens.refresh().send().await.expect_error(503, "temporarily_unavailable");
    assert!(reply.header("retry-after").is_some());
    assert_eq!(service.list(&tokens.access_token).await.status(), 503);

    // Nobody has to sign in again.
    store.repair();
    let tokens = tokens.refresh().await;
    assert_eq!(service.list(&tokens.access_token).await.status(), 200);
}

#[tokio::test]
async fn a_lost_answer_of_a_refresh_is_answered_again() {
    let store = FaultyStore::new(MemoryStore::new());
    let service = Service::on(store.clone());
    let tokens = service.oauth.client().public().authorize().approve().exchange().await;

    // The store replaces the refresh token, and then its connection breaks.
    store.inject_into("rotate_refresh_token", 0, When::After, Fault::Fail(Retry::CanHelp));
    tokens.refresh().send().await.expect_error(503, "temporarily_unavailable");
    let again = tokens.refresh().await;
    assert_eq!(service.list(&again.access_token).await.status(), 200);
}

#[tokio::test]
async fn a_call_of_the_api_asks_the_store_once() {
    let store = RecordingStore::new(MemoryStore::new());
    let service = Service::on(store.clone());
    let tokens = service.oauth.client().public().authorize().approve().exchange().await;

    store.clear();
    assert_eq!(service.list(&tokens.access_token).await.status(), 200);
    assert_eq!(store.take_calls(), ["find_access_token"]);
}
