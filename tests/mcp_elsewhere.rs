//! The MCP server of the guide *Let agents in*, away from the authorization server: at an origin of its own, with nothing in
//! common but the store, or the published keys. An agent finds its way there, by HTTP, from one address.

#[path = "../src/guide/let_agents_in/elsewhere.rs"]
mod elsewhere;
#[path = "../examples/provider/mcp/gate.rs"]
mod gate;
#[path = "../src/guide/let_agents_in/mcp_server.rs"]
mod mcp_server;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use grantor::configuration::{EndpointPaths, ProtectedResource, Registration, RegistrationRules, RegistrationScope};
use grantor::jwt::{Algorithm, JwtVerifier, KeySet, SigningKey};
use grantor::policy::AccessTokenFormat;
use grantor::store::SqliteStore;
use grantor::{Approval, AuthorizationServer, Finding, Issuer, PathMatch, ResourceServer, Scope, SessionSecret};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use url::Url;

const REDIRECT_URI: &str = "http://127.0.0.1/callback";
/// Of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Checked {
    OverTheStore,
    Offline,
}

/// An authorization server, and an MCP server elsewhere.
struct Setup {
    server: AuthorizationServer,
    /// Where the MCP server is.
    mcp: String,
    /// The keys that it knows, unless it asks the store.
    keys: Option<JwtVerifier>,
    _directory: TempDir,
}

/// Serves at an address that is told before.
fn serve(listener: TcpListener, router: Router) {
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (listener, origin)
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn links(url: &str) -> ProtectedResource {
    ProtectedResource::new(url.parse().unwrap()).with_scope(scope("links:read links:write"))
}

/// What the guides call the adapter.
fn endpoints(server: &AuthorizationServer) -> Router {
    server.endpoints().iter().fold(Router::new(), |router, endpoint| {
        let server = server.clone();
        let path = match endpoint.matching() {
            PathMatch::Exact => endpoint.path().to_owned(),
            PathMatch::Subtree => format!("{}/{{*rest}}", endpoint.path()),
        };
        router.route(&path, any(async move |request: Request| server.handle(request).await))
    })
}

impl Setup {
    async fn new(checked: Checked) -> Self {
        let directory = TempDir::new().unwrap();
        let database = format!("sqlite://{}", directory.path().join("tokens.db").display());
        let (own, issuer) = listen().await;
        let (other, origin) = listen().await;
        let mcp = format!("{origin}/mcp");

        let rules = RegistrationRules::new()
            .with_scope(scope("links:read links:write"))
            .with_requested_scope(RegistrationScope::AsAllowed);
        let store = Arc::new(SqliteStore::connect(&database).await.unwrap());
        let mut builder = AuthorizationServer::builder(Issuer::parse(&issuer).unwrap(), store)
            .scope("links:read", "See your links")
            .scope("links:write", "Create links in your name")
            .default_scope(scope("links:read"))
            .resource(ProtectedResource::new(issuer.parse().unwrap()))
            .resource(links(&mcp))
            .registration(Registration::Open(rules))
            .paths(EndpointPaths::under("/oauth"));
        if checked == Checked::Offline {
            let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
            builder = builder.access_token_format(AccessTokenFormat::Jwt).access_token_keys(KeySet::new(key));
        }
        let server = builder.build().unwrap();
        serve(own, endpoints(&server));

        let resource = mcp.parse().unwrap();
        let (resource_server, keys) = match checked {
            Checked::OverTheStore => (elsewhere::over_the_store(&database, resource).await.unwrap(), None),
            Checked::Offline => {
                let jwks_uri = format!("{issuer}/.well-known/jwks.json");
                let keys = elsewhere::keys(server.issuer().clone(), &jwks_uri).await.unwrap();
                (ResourceServer::offline(keys.clone(), resource), Some(keys))
            }
        };
        let gate = mcp_server::gate(resource_server, origin.parse().unwrap()).unwrap();
        let metadata = elsewhere::metadata(server.issuer(), links(&mcp)).unwrap();
        serve(other, mcp_server::router("/mcp", gate).merge(metadata));
        Self { server, mcp, keys, _directory: directory }
    }

    /// What the user's browser comes back with, who approved all.
    async fn code(&self, client: &str, scope: &str, resource: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", REDIRECT_URI),
            ("scope", scope),
            ("resource", resource),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let (query, user) = (query.finish(), "user-1842".parse().unwrap());
        let session = SessionSecret::new([42; 32]).unwrap();
        let consent = self.server.authorize(&*query).await.unwrap().consent_token(&session, &user);
        let confirmed = self.server.authorize(&*query).await.unwrap().confirm(&session, &user, &consent).unwrap();
        let response = self.server.approve(confirmed, Approval::all()).await.unwrap();
        let location = Url::parse(response.location()).unwrap();
        location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }
}

/// What an agent has found out.
struct Agent {
    http: Client,
    setup: Setup,
    metadata: Value,
    client: String,
    session: Option<String>,
}

fn told<'a>(response: &'a Response, name: &str) -> &'a str {
    let challenge = response.headers()["www-authenticate"].to_str().unwrap();
    let (_, rest) = challenge.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("{name}: {challenge}"));
    rest.split_once('"').unwrap().0
}

impl Agent {
    /// Goes from the address of the MCP server to an identifier, by what it is told and nothing else.
    async fn arrives(checked: Checked) -> Self {
        let (http, setup) = (Client::new(), Setup::new(checked).await);
        let refused = http.post(&setup.mcp).body("{}").send().await.unwrap();
        assert_eq!((refused.status().as_u16(), told(&refused, "scope")), (401, "links:read"));

        let resource: Value = http.get(told(&refused, "resource_metadata")).send().await.unwrap().json().await.unwrap();
        assert_eq!(
            (&resource["resource"], &resource["scopes_supported"]),
            (&json!(setup.mcp), &json!(["links:read", "links:write"]))
        );
        let issuer = resource["authorization_servers"][0].as_str().unwrap();
        let metadata = http.get(format!("{issuer}/.well-known/oauth-authorization-server")).send().await.unwrap();
        let metadata: Value = metadata.json().await.unwrap();
        assert_eq!(metadata["issuer"], issuer);

        let wanted = json!({
            "client_name": "Agent", "redirect_uris": [REDIRECT_URI], "scope": "links:read",
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        });
        let registered = http.post(metadata["registration_endpoint"].as_str().unwrap()).json(&wanted);
        let registered: Value = registered.send().await.unwrap().json().await.unwrap();
        let client = registered["client_id"].as_str().unwrap().to_owned();
        Self { http, setup, metadata, client, session: None }
    }

    fn endpoint(&self, name: &str) -> RequestBuilder {
        self.http.post(self.metadata[name].as_str().unwrap())
    }

    async fn token_for(&self, scope: &str, resource: &str) -> String {
        let code = self.setup.code(&self.client, scope, resource).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", &self.client),
            ("code_verifier", VERIFIER),
            ("resource", resource),
        ];
        let tokens: Value = self.endpoint("token_endpoint").form(&form).send().await.unwrap().json().await.unwrap();
        assert_eq!(tokens["scope"], scope, "{tokens}");
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    async fn token(&self, scope: &str) -> String {
        self.token_for(scope, &self.setup.mcp).await
    }

    async fn send(&self, token: &str, message: Value) -> Response {
        let mut request = self.http.post(&self.setup.mcp).bearer_auth(token).json(&message);
        request = request.header("accept", "application/json, text/event-stream");
        // Whatever name a proxy calls it by.
        request = request.header("host", "tools.example");
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-06-18");
        }
        request.send().await.unwrap()
    }

    async fn initialize(&mut self, token: &str) {
        let parameters = json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "agent", "version": "1" },
        });
        let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": parameters });
        let begun = self.send(token, message).await;
        assert_eq!(begun.status().as_u16(), 200);
        self.session = Some(begun.headers()["mcp-session-id"].to_str().unwrap().to_owned());
        let done = self.send(token, json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        assert_eq!(done.status().as_u16(), 202);
    }

    async fn call(&self, token: &str, tool: &str) -> Response {
        let parameters = json!({ "name": tool, "arguments": {} });
        self.send(token, json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": parameters })).await
    }
}

/// The message in a stream of one event.
async fn result(response: Response) -> Value {
    assert_eq!(response.status().as_u16(), 200);
    let text = response.text().await.unwrap();
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_else(|| panic!("{text}"));
    serde_json::from_str::<Value>(data).unwrap()["result"].take()
}

/// From the address to the tools, more of them, and out again.
async fn an_agent_finds_its_way(checked: Checked) {
    let mut agent = Agent::arrives(checked).await;
    let reading = agent.token("links:read").await;
    agent.initialize(&reading).await;
    let listed = result(agent.send(&reading, json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).await).await;
    let names: Vec<_> = listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["list_links", "create_link"]);
    let done = result(agent.call(&reading, "list_links").await).await;
    assert_eq!(done["structuredContent"], json!({ "done": "list_links", "for": "user-1842" }));

    let refused = agent.call(&reading, "create_link").await;
    assert_eq!((refused.status().as_u16(), told(&refused, "error")), (403, "insufficient_scope"));
    let writing = agent.token(told(&refused, "scope")).await;
    let done = result(agent.call(&writing, "create_link").await).await;
    assert_eq!(done["structuredContent"]["done"], "create_link");
    // What it had is not lost, nor is the session.
    result(agent.call(&writing, "list_links").await).await;

    let elsewhere = agent.token_for("links:read", agent.setup.server.issuer().as_str()).await;
    let refused = agent.call(&elsewhere, "list_links").await;
    assert_eq!((refused.status().as_u16(), told(&refused, "error")), (401, "invalid_token"));

    let form = [("token", writing.as_str()), ("client_id", &agent.client)];
    assert_eq!(agent.endpoint("revocation_endpoint").form(&form).send().await.unwrap().status().as_u16(), 200);
    let after = agent.call(&writing, "list_links").await.status().as_u16();
    assert_eq!(after, if checked == Checked::OverTheStore { 401 } else { 200 }, "{checked:?}");
}

// MCP-005, MCP-007, MCP-008, MCP-032, PRM-004, PRM-005, PRM-006
#[tokio::test]
async fn an_agent_finds_its_way_to_an_mcp_server_over_the_store() {
    an_agent_finds_its_way(Checked::OverTheStore).await;
}

#[tokio::test]
async fn an_agent_finds_its_way_to_an_mcp_server_that_asks_nobody() {
    an_agent_finds_its_way(Checked::Offline).await;
}

#[tokio::test]
async fn a_token_of_the_next_key_is_good_once_the_keys_are_fetched() {
    let agent = Agent::arrives(Checked::Offline).await;
    let next = KeySet::new(SigningKey::generate(Algorithm::EdDsa).unwrap());
    agent.setup.server.rotate_keys(next).unwrap();
    let token = agent.token("links:read").await;
    let list = || agent.send(&token, json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }));
    assert_eq!(list().await.status().as_u16(), 401);

    let (keys, jwks_uri) = (agent.setup.keys.as_ref().unwrap(), agent.metadata["jwks_uri"].as_str().unwrap());
    assert!(elsewhere::renew(keys, &format!("{jwks_uri}/nowhere")).await.is_err());
    assert_eq!(list().await.status().as_u16(), 401, "the keys are as they were");
    elsewhere::renew(keys, jwks_uri).await.unwrap();
    assert_ne!(list().await.status().as_u16(), 401);
}

// PRM-001, PRM-002, PRM-003, PRM-014, PRM-016
#[tokio::test]
async fn the_metadata_are_at_the_origin_of_the_mcp_server_for_anybody() {
    let setup = Setup::new(Checked::OverTheStore).await;
    let findings = setup.server.check().await;
    let reminded = findings.iter().any(|finding| matches!(finding, Finding::ForeignResource(url) if *url == setup.mcp));
    assert!(reminded, "{findings:?}");

    let http = Client::new();
    let origin = setup.mcp.strip_suffix("/mcp").unwrap();
    let at = |path: &str| format!("{origin}/.well-known/oauth-protected-resource{path}");
    let mut bodies = Vec::new();
    for path in ["", "/mcp"] {
        let response = http.get(at(path)).header("origin", "https://inspector.test").send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/json".parse().unwrap())
        );
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        bodies.push(response.text().await.unwrap());
        let preflight = http.request(reqwest::Method::OPTIONS, at(path)).header("origin", "https://inspector.test");
        let preflight =
            preflight.header("access-control-request-headers", "mcp-protocol-version").send().await.unwrap();
        assert_eq!(preflight.status().as_u16(), 204);
        let allowed = preflight.headers()["access-control-allow-headers"].to_str().unwrap().to_ascii_lowercase();
        assert!(allowed.contains("mcp-protocol-version"), "{allowed}");
        let posted = http.post(at(path)).send().await.unwrap();
        assert_eq!((posted.status().as_u16(), &posted.headers()["allow"]), (405, &"GET, HEAD".parse().unwrap()));
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(http.get(at("/nope")).send().await.unwrap().status().as_u16(), 404);
}
