//! From the address of the MCP server to the result of a tool, and on from there.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Agent, PATH, message, parameter, refused, result, send, token_for};
use crate::suite::support::sabotage::run_sqlite;
use crate::suite::support::{ADA, App, Browser, Example, Tokens, http_client};

async fn document(url: &str) -> Value {
    let request = http_client().get(url).header("mcp-protocol-version", super::REVISION);
    let reply = send(request.header("origin", "https://any.example")).await.expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    serde_json::from_str(&reply.body).unwrap()
}

fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document[member].as_str().unwrap_or_else(|| panic!("no {member} in {document}"))
}

// MCP-003, MCP-005, MCP-009, MCP-011, MCP-019, MCP-031, PRM-004, PRM-006, PRM-015
#[tokio::test]
async fn an_agent_finds_its_way_from_the_address_to_the_result_of_a_tool() {
    let example = Example::shared();
    let agent = Agent::new(&example);
    let refusal = agent.initialize().await;
    let scope = refused(&refusal, 401, None);
    let resource = document(parameter(refusal.header("www-authenticate").unwrap(), "resource_metadata").unwrap()).await;
    assert_eq!(text(&resource, "resource"), agent.url);
    for token in scope.split(' ') {
        assert!(resource["scopes_supported"].as_array().unwrap().contains(&json!(token)), "{token}: {resource}");
    }
    let issuer = resource["authorization_servers"][0].as_str().unwrap();
    let server = document(&format!("{issuer}/.well-known/oauth-authorization-server")).await;
    assert_eq!(text(&server, "issuer"), issuer);
    assert!(server["protected_resources"].as_array().unwrap().contains(&resource["resource"]));

    let metadata = json!({
        "client_name": "Agent", "redirect_uris": ["http://127.0.0.1:33418/"], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    let registered = send(http_client().post(text(&server, "registration_endpoint")).json(&metadata)).await.expect(201);
    let app = App::known(&example, &registered.text("client_id"), "http://127.0.0.1:33418/");
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, &scope, &agent.url).await);
    assert_eq!(tokens.scope, scope);

    let agent = Agent::connected(&example, &tokens.access).await;
    let listed = result(&agent.request("tools/list", json!({})).await);
    let names: Vec<&str> = listed["tools"].as_array().unwrap().iter().map(|tool| text(tool, "name")).collect();
    assert_eq!(names, ["create_short_link", "list_links", "read_stats"]);
    let links = agent.result("list_links", json!({})).await;
    assert!(links["links"].as_array().unwrap().iter().any(|link| link["slug"] == "engine"), "{links}");

    // The session goes on with the next token.
    let form = [("grant_type", "refresh_token"), ("refresh_token", &*tokens.refresh), ("resource", &agent.url)];
    let next = Tokens::of(&app.token(&form).await);
    assert!(agent.with_token(&next.access).result("read_stats", json!({})).await["visits"].is_u64());
}

// MCP-007, MCP-032
#[tokio::test]
async fn an_agent_that_may_not_do_more_yet_is_told_what_to_ask_for_and_goes_on_in_its_session() {
    let example = Example::start();
    // The SDKs register with the scope that they are told at first.
    let app = App::register(&example, json!({ "scope": "links:read" })).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await;
    let url = json!({ "url": "https://example.com/agents" });
    let refusal = agent.call("create_short_link", url.clone()).await;
    let scope = refused(&refusal, 403, Some("insufficient_scope"));
    // What it has is asked for again, or it would lose it.
    assert_eq!(scope, "links:read links:write");
    assert_eq!(agent.result("list_links", json!({})).await["links"].as_array().unwrap().len(), 3);

    let more = Tokens::of(&token_for(&app, &mut ada, &scope, &example.url(PATH)).await);
    assert_eq!(more.scope, scope);
    let agent = agent.with_token(&more.access);
    let made = agent.result("create_short_link", url).await;
    let short = text(&made, "short_url").strip_prefix(&example.origin()).unwrap().to_owned();
    assert_eq!(ada.get(&short).await.header("location"), Some("https://example.com/agents"));
    assert_eq!(agent.result("list_links", json!({})).await["links"].as_array().unwrap().len(), 4);
}

// MCP-007. Whichever store the others run on: what is moved into the past are the rows of this one.
#[tokio::test]
async fn an_expired_token_is_refused_in_the_middle_of_a_session_and_a_refreshed_one_goes_on() {
    let directory = TempDir::new().unwrap();
    let database = format!("sqlite://{}", directory.path().join("expired.db").display());
    let example = Example::start_with(&[("DATABASE_URL", &database)]);
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await;
    run_sqlite(&database, "UPDATE grantor_access_tokens SET expires_at = 1577836800000");

    let refusal = agent.call("list_links", json!({})).await;
    assert_eq!(refused(&refusal, 401, Some("invalid_token")), "links:read stats:read");
    refused(&agent.request("tools/list", json!({})).await, 401, Some("invalid_token"));
    let next = Tokens::of(&app.refresh(&tokens.refresh).await);
    assert!(agent.with_token(&next.access).result("list_links", json!({})).await["links"].is_array());
}

// MCP 2026-07-28 has neither sessions nor a handshake: each request says what it is.
#[tokio::test]
async fn the_revision_without_sessions_is_behind_the_same_gate() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let call = async |token: Option<&str>, tool: &str, arguments: Value| {
        let agent = token.map_or_else(|| Agent::new(&example), |token| Agent::new(&example).with_token(token));
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": { "name": "agent", "version": "1" },
        });
        let parameters = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": parameters });
        let request = agent.prepare(reqwest::Method::POST).header("content-type", "application/json");
        let request = request.header("mcp-protocol-version", "2026-07-28").header("mcp-method", "tools/call");
        send(request.header("mcp-name", tool).body(message.to_string())).await
    };
    let good = call(Some(&tokens.access), "list_links", json!({})).await;
    assert!(result(&good)["structuredContent"]["links"].is_array() && good.header("mcp-session-id").is_none());
    refused(&call(None, "list_links", json!({})).await, 401, None);
    let url = json!({ "url": "https://example.com/" });
    let refusal = call(Some(&tokens.access), "create_short_link", url).await;
    assert_eq!(refused(&refusal, 403, Some("insufficient_scope")), "links:read links:write");
}

#[tokio::test]
async fn what_cannot_be_done_is_the_answer_of_the_tool() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:write", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await;
    for (arguments, error) in [
        (json!({ "url": "javascript:alert(1)" }), "invalid_url"),
        (json!({ "url": "" }), "invalid_url"),
        (json!({ "url": 7 }), "invalid_request"),
        (json!({}), "invalid_request"),
    ] {
        let result = result(&agent.call("create_short_link", arguments.clone()).await);
        assert_eq!((&result["isError"], &result["structuredContent"]["error"]), (&json!(true), &json!(error)));
    }
    let unknown = message(&agent.call("delete_everything", json!({})).await);
    assert_eq!((&unknown["id"], &unknown["error"]["code"]), (&json!(7), &json!(-32602)), "{unknown}");
}
