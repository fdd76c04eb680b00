//! The file that teams copy from the examples, `provider/mcp/gate.rs`, by itself: in front of resource servers of every
//! kind, and without the service that it comes from.

#[path = "../examples/provider/mcp/gate.rs"]
mod gate;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use grantor::clock::{Clock as _, SystemClock};
use grantor::configuration::{EndpointPaths, ProtectedResource};
use grantor::jwt::{Algorithm, JwtVerifier, KeySet, SigningKey};
use grantor::policy::AccessTokenFormat;
use grantor::resource::ResourceIndicator;
use grantor::secret::Prefix;
use grantor::store::SqliteStore;
use grantor::testkit::ManualClock;
use grantor::{Access, AuthorizationServer, Issuer, ResourceServer, Scope};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use gate::{Gate, ToolScopes};

const ISSUER: &str = "https://as.test";
const MCP: &str = "https://mcp.test/mcp";
const ORIGIN: &str = "https://mcp.test";

/// An authorization server whose tokens are signed, and where its rows are.
struct Setup {
    server: AuthorizationServer,
    directory: TempDir,
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn mcp() -> ResourceIndicator {
    MCP.parse().unwrap()
}

impl Setup {
    async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = Arc::new(Self::store(&directory).await);
        let builder = AuthorizationServer::builder(Issuer::parse(ISSUER).unwrap(), store);
        let server = builder
            .scope("read", "Read your things")
            .scope("write", "Change your things")
            .default_scope(scope("read"))
            .resource(ProtectedResource::new("https://api.test".parse().unwrap()))
            .resource(ProtectedResource::new(mcp()))
            .paths(EndpointPaths::under("/oauth"))
            .access_token_format(AccessTokenFormat::Jwt)
            .access_token_keys(KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap()))
            .build()
            .unwrap();
        let client = json!({
            "client_id": "agent", "client_secret": "YWdlbnQtc2VjcmV0LW9mLXRoZS10ZXN0LTMyLWJ5dGVz",
            "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post",
        });
        server.install_client(client.to_string().as_bytes()).await.unwrap();
        Self { server, directory }
    }

    /// A connection of its own, as another process would have one.
    async fn store(directory: &TempDir) -> SqliteStore {
        let url = format!("sqlite://{}", directory.path().join("tokens.db").display());
        SqliteStore::connect(&url).await.unwrap()
    }

    /// What may be in front of the tools: the server's own, one over the store from elsewhere, one that asks nobody.
    async fn resource_servers(&self) -> [ResourceServer; 3] {
        let jwks = self.server.handle(Request::get("/.well-known/jwks.json").body(String::new()).unwrap()).await;
        let verifier = || JwtVerifier::from_jwks(self.server.issuer().clone(), jwks.body()).unwrap();
        let store = Arc::new(Self::store(&self.directory).await);
        [
            self.server.resource_server().clone().with_resource(mcp()),
            ResourceServer::new(store, Prefix::parse("gr_at_").unwrap(), mcp()).with_jwt(verifier()),
            ResourceServer::offline(verifier(), mcp()),
        ]
    }

    async fn token(&self, scope: &str, resource: &str) -> String {
        let form = format!("grant_type=client_credentials&scope={scope}&resource={resource}");
        let answer: Value = serde_json::from_str(self.send("/oauth/token", &form).await.body()).unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn revoke(&self, token: &str) {
        assert_eq!(self.send("/oauth/revoke", &format!("token={token}")).await.status(), StatusCode::OK);
    }

    async fn send(&self, path: &str, form: &str) -> Response<String> {
        let credentials = "client_id=agent&client_secret=YWdlbnQtc2VjcmV0LW9mLXRoZS10ZXN0LTMyLWJ5dGVz";
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.server.handle(request.body(format!("{credentials}&{form}")).unwrap()).await
    }
}

fn gate(resource_server: ResourceServer) -> Gate {
    let tools = [("look", scope("read")), ("change", scope("write"))].into();
    let resource_server = resource_server.with_step_up(scope("read"));
    let resource_server = resource_server.with_origins([ORIGIN, "http://localhost:6274"].map(HeaderValue::from_static));
    Gate::new(resource_server, ToolScopes { connection: Scope::empty(), tools })
}

fn call(token: Option<&str>, tool: &str) -> Request<Full<Bytes>> {
    let parameters = json!({ "name": tool, "arguments": {} });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters });
    let mut request = Request::post("/mcp").body(Full::from(message.to_string())).unwrap();
    if let Some(token) = token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    request
}

fn challenge(refusal: &Response<String>) -> &str {
    refusal.headers().get("www-authenticate").map_or("", |challenge| challenge.to_str().unwrap())
}

// MCP-005 to MCP-008: a token for another resource is refused, and none is passed on
#[tokio::test]
async fn whatever_checks_the_tokens_the_gate_does_the_same() {
    let setup = Setup::new().await;
    let (reading, elsewhere) = (setup.token("read", MCP).await, setup.token("read", "https://api.test").await);
    let unsigned = format!("{}.", reading.rsplit_once('.').unwrap().0);
    for resource_server in setup.resource_servers().await {
        let gate = gate(resource_server);
        let (request, access) = gate.admit(call(Some(&reading), "look")).await.unwrap();
        assert_eq!(access.client_id().unwrap().as_str(), "agent");
        assert_eq!(request.extensions().get::<Access>().unwrap().scope(), &scope("read"));
        assert!(!request.headers().contains_key("authorization"), "the tools do not see the token");
        let message = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(serde_json::from_slice::<Value>(&message).unwrap()["params"]["name"], "look");

        let metadata = "resource_metadata=\"https://mcp.test/.well-known/oauth-protected-resource/mcp\"";
        for (token, tool, status, scope) in [
            (None, "look", StatusCode::UNAUTHORIZED, "scope=\"read\""),
            (None, "change", StatusCode::UNAUTHORIZED, "scope=\"read write\""),
            (None, "unknown", StatusCode::UNAUTHORIZED, "scope=\"read\""),
            (Some(elsewhere.as_str()), "look", StatusCode::UNAUTHORIZED, "error=\"invalid_token\""),
            (Some(unsigned.as_str()), "look", StatusCode::UNAUTHORIZED, "error=\"invalid_token\""),
            (Some(reading.as_str()), "change", StatusCode::FORBIDDEN, "scope=\"read write\""),
        ] {
            let refusal = gate.admit(call(token, tool)).await.unwrap_err();
            assert_eq!(refusal.status(), status, "{tool}");
            assert!(challenge(&refusal).contains(scope) && challenge(&refusal).contains(metadata), "{refusal:?}");
        }
        // Nobody has said what it needs, so whatever the tools behind the gate make of it, none gets there.
        let answer = gate.admit(call(Some(&reading), "unknown")).await.unwrap_err();
        let message: Value = serde_json::from_str(answer.body()).unwrap();
        assert_eq!(
            (answer.status(), &answer.headers()["content-type"]),
            (StatusCode::OK, &HeaderValue::from_static("application/json"))
        );
        assert_eq!((&message["id"], &message["error"]["code"]), (&json!(1), &json!(-32602)), "{message}");
    }
}

#[tokio::test]
async fn a_session_opens_at_the_gate_that_sealed_it_and_at_no_other() {
    let setup = Setup::new().await;
    let token = setup.token("read", MCP).await;
    for resource_server in setup.resource_servers().await {
        let (own, other) = (gate(resource_server.clone()), gate(resource_server));
        let (_, access) = own.admit(call(Some(&token), "look")).await.unwrap();
        let begun = Response::builder().header("mcp-session-id", "s-1").body(Empty::<Bytes>::new()).unwrap();
        let sealed = own.release(begun, access.clone()).headers()["mcp-session-id"].clone();
        let within = || {
            let mut request = call(Some(&token), "look");
            request.headers_mut().insert("mcp-session-id", sealed.clone());
            request
        };
        let (request, _) = own.admit(within()).await.unwrap();
        assert_eq!(request.headers()["mcp-session-id"], "s-1");
        assert_eq!(other.admit(within()).await.unwrap_err().status(), StatusCode::NOT_FOUND);
        let nothing = own.release(Response::new(Empty::<Bytes>::new()), access);
        assert!(nothing.headers().is_empty(), "nothing begins, so nothing is sealed");
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_revoked_and_nothing_is_told_after_that() {
    let setup = Setup::new().await;
    // Whoever asks nobody does not hear of it.
    for resource_server in setup.resource_servers().await.into_iter().take(2) {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let gate = gate(resource_server.with_clock(clock.clone()));
        let tokens = [setup.token("read", MCP).await, setup.token("read", MCP).await];
        let mut open = Vec::new();
        for token in &tokens {
            let (_, access) = gate.admit(call(Some(token), "look")).await.unwrap();
            let (sender, receiver) = mpsc::unbounded_channel();
            let events = stream::unfold(receiver, async |mut events| Some((Ok(events.recv().await?), events)));
            let answer = Response::new(StreamBody::new(events.map_ok(Frame::data)));
            open.push((sender, gate.release::<StreamBody<_>>(answer, access).into_body()));
        }
        setup.revoke(&tokens[0]).await;
        clock.advance(Duration::from_secs(1));
        for (sender, _) in &open {
            sender.send(Bytes::from("data: 1\n\n")).unwrap();
        }
        let [(_, revoked), (_, other)] = &mut open[..] else { unreachable!() };
        let ended: Option<Result<Frame<Bytes>, Infallible>> = revoked.frame().await;
        assert!(ended.is_none());
        assert_eq!(other.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 1\n\n");
    }
}

#[tokio::test]
async fn pages_of_other_sites_and_messages_without_measure_are_turned_away_before_the_token() {
    let setup = Setup::new().await;
    let token = setup.token("read", MCP).await;
    let gate = gate(setup.server.resource_server().clone().with_resource(mcp()));
    for origin in ["https://evil.test", "null", "https://mcp.test:8443", "https://mcp.test.evil.test"] {
        for token in [None, Some(token.as_str())] {
            let mut request = call(token, "look");
            request.headers_mut().insert("origin", origin.parse().unwrap());
            let refusal = gate.admit(request).await.unwrap_err();
            assert_eq!((refusal.status(), challenge(&refusal)), (StatusCode::FORBIDDEN, ""), "{origin}");
        }
    }
    for origin in [ORIGIN, "http://localhost:6274"] {
        let mut own = call(Some(&token), "look");
        own.headers_mut().insert("origin", origin.parse().unwrap());
        assert!(gate.admit(own.clone()).await.is_ok(), "{origin}");
        own.headers_mut().append("origin", "https://evil.test".parse().unwrap());
        assert_eq!(gate.admit(own).await.unwrap_err().status(), StatusCode::FORBIDDEN, "{origin} and another");
    }
    let large = Request::post("/mcp").body(Full::<Bytes>::from("x".repeat(64 * 1024 + 1))).unwrap();
    let refusal = gate.admit(large).await.unwrap_err();
    assert_eq!((refusal.status(), challenge(&refusal)), (StatusCode::PAYLOAD_TOO_LARGE, ""));
}
