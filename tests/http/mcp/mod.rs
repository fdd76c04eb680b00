//! The MCP server, spoken to by hand: what agents send, and what they are answered.

mod flow;
mod pages;
mod reach;
mod refusals;
mod sessions;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::support::{App, Browser, Example, Reply, http_client};

const PATH: &str = "/api/mcp";
/// The last revision of the protocol that has sessions.
const REVISION: &str = "2025-11-25";

/// An agent with its token, if it has one, and the session that it is in.
#[derive(Clone)]
pub(super) struct Agent {
    url: String,
    token: Option<String>,
    session: Option<String>,
}

impl Agent {
    /// An agent that knows the address and no more.
    pub(super) fn new(example: &Example) -> Self {
        Self { url: example.url(PATH), token: None, session: None }
    }

    pub(super) fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// The same agent, led to another process of the same service.
    pub(super) fn at(&self, example: &Example) -> Self {
        Self { url: example.url(PATH), ..self.clone() }
    }

    fn without_token(self) -> Self {
        Self { token: None, ..self }
    }

    /// An agent in a session of its own.
    pub(super) async fn connected(example: &Example, token: &str) -> Self {
        let agent = Self::new(example).with_token(token);
        let reply = agent.initialize().await.expect(200);
        let agent = Self { session: Some(reply.header("mcp-session-id").expect("a session").to_owned()), ..agent };
        agent.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await.expect(202);
        agent
    }

    pub(super) async fn initialize(&self) -> Reply {
        let client = json!({ "name": "agent", "version": "1" });
        let parameters = json!({ "protocolVersion": REVISION, "capabilities": {}, "clientInfo": client });
        self.request("initialize", parameters).await
    }

    async fn request(&self, method: &str, parameters: Value) -> Reply {
        self.post(&json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": parameters })).await
    }

    pub(super) async fn call(&self, tool: &str, arguments: Value) -> Reply {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// What a tool answers that does what it should.
    pub(super) async fn result(&self, tool: &str, arguments: Value) -> Value {
        let result = result(&self.call(tool, arguments).await);
        assert_eq!(result["isError"], false, "{result}");
        result["structuredContent"].clone()
    }

    pub(super) async fn post(&self, message: &Value) -> Reply {
        send(self.prepare(Method::POST).header("content-type", "application/json").body(message.to_string())).await
    }

    /// A request with all that goes with one, and no body yet.
    fn prepare(&self, method: Method) -> RequestBuilder {
        let request = http_client().request(method, &self.url).header("accept", "application/json, text/event-stream");
        let request = self.token.iter().fold(request, |request, token| request.bearer_auth(token));
        self.session.iter().fold(request, |request, session| {
            request.header("mcp-session-id", session).header("mcp-protocol-version", REVISION)
        })
    }
}

async fn send(request: RequestBuilder) -> Reply {
    Reply::of(request.send().await.unwrap()).await
}

/// The message that answers a request, as an event or as it is.
#[track_caller]
fn message(reply: &Reply) -> Value {
    let reply = reply.clone().expect(200);
    let text = match reply.header("content-type") {
        Some("text/event-stream") => reply.body.lines().filter_map(|line| line.strip_prefix("data: ")).next_back(),
        _ => Some(reply.body.as_str()),
    };
    serde_json::from_str(text.unwrap_or_default()).unwrap_or_else(|error| panic!("{error} in {reply:?}"))
}

#[track_caller]
fn result(reply: &Reply) -> Value {
    let message = message(reply);
    assert!(message["id"] == 7 && message.get("error").is_none(), "{message}");
    message["result"].clone()
}

/// A refusal of the gate: its challenge is the one, and leads to the metadata of the MCP server.
#[track_caller]
fn refused(reply: &Reply, status: u16, error: Option<&str>) -> String {
    let reply = reply.clone().expect(status);
    let challenge = reply.header("www-authenticate").expect("a challenge");
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    assert!(
        parameter(challenge, "resource_metadata").unwrap().ends_with("/.well-known/oauth-protected-resource/api/mcp")
    );
    assert_eq!(parameter(challenge, "error"), error, "{challenge}");
    parameter(challenge, "scope").unwrap_or_default().to_owned()
}

/// A parameter of a challenge, in its quotes.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// What an app gets that asks for this resource, everything approved.
async fn token_for(app: &App, browser: &mut Browser, scope: &str, resource: &str) -> Reply {
    let request = app.request_with(scope, &[("resource", resource)]);
    let page = browser.get(&request.path).await;
    let answer = if page.status == 200 {
        browser.submit(&page.form("/oauth/authorize").press("decision", "approve")).await
    } else {
        page
    };
    let code = answer.answer_to(&app.redirect_uri).code().to_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code_verifier", &request.verifier),
        ("redirect_uri", &app.redirect_uri),
        ("resource", resource),
    ];
    app.token(&form).await.expect(200)
}
