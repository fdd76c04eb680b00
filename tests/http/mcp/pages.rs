//! Agents that are web pages: those that the operator names may call, and read what they are answered.

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::{Agent, PATH, refused, result, send, token_for};
use crate::suite::support::{ADA, App, Browser, Example, Reply, Tokens, http_client};

const INSPECTOR: &str = "http://localhost:6274";
const WANTED: [&str; 6] =
    ["authorization", "content-type", "last-event-id", "mcp-param-url", "mcp-protocol-version", "mcp-session-id"];

fn example() -> Example {
    Example::start_with(&[("MCP_ORIGINS", "http://localhost:6274, https://agent.example")])
}

fn preflight(example: &Example) -> RequestBuilder {
    let request = http_client().request(Method::OPTIONS, example.url(PATH));
    let request = request.header("access-control-request-method", "POST");
    request.header("access-control-request-headers", WANTED.join(","))
}

/// The items of a header.
fn items(reply: &Reply, name: &str) -> BTreeSet<String> {
    let values = reply.headers.get_all(name).iter();
    let values = values.flat_map(|value| value.to_str().unwrap().split(','));
    values.map(|item| item.trim().to_ascii_lowercase()).collect()
}

/// A page of this origin may read the answer, whatever it is.
#[track_caller]
fn expect_shared(reply: &Reply, origin: &str) {
    assert_eq!(reply.header("access-control-allow-origin"), Some(origin), "{reply:?}");
    assert!(!reply.headers.contains_key("access-control-allow-credentials"), "{reply:?}");
    assert!(items(reply, "vary").contains("origin"), "{reply:?}");
    let exposed = items(reply, "access-control-expose-headers");
    for header in ["www-authenticate", "mcp-session-id", "retry-after"] {
        assert!(exposed.contains(header), "{header}: {reply:?}");
    }
}

// CORS-003, CORS-005, CORS-014
#[tokio::test]
async fn a_page_that_may_call_is_told_so_before_it_has_a_token() {
    let example = example();
    for origin in [INSPECTOR, "https://agent.example", &example.origin()] {
        let reply = send(preflight(&example).header("origin", origin)).await.expect(204);
        expect_shared(&reply, origin);
        let allowed = items(&reply, "access-control-allow-headers");
        assert!(WANTED.iter().all(|header| allowed.contains(*header)), "{allowed:?}");
        let methods = items(&reply, "access-control-allow-methods");
        assert!(["get", "post", "delete"].iter().all(|method| methods.contains(*method)), "{methods:?}");
        let age: u32 = reply.header("access-control-max-age").unwrap().parse().unwrap();
        assert!(age <= 86_400, "{age}");
    }
    // Whoever is no page asks for nothing.
    refused(&send(preflight(&example)).await, 401, None);
}

// CORS-007, CORS-009, CORS-010
#[tokio::test]
async fn a_page_that_may_call_can_read_every_answer_also_one_that_refuses() {
    let example = example();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await;
    let from_page = async |agent: &Agent, method: Method, body: String| {
        let request = agent.prepare(method).header("content-type", "application/json").header("origin", INSPECTOR);
        let reply = send(request.body(body)).await;
        expect_shared(&reply, INSPECTOR);
        reply
    };
    let call = |tool: &str| {
        json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": tool, "arguments": {} } })
            .to_string()
    };
    result(&from_page(&agent, Method::POST, call("list_links")).await);
    let refusal = from_page(&agent, Method::POST, call("create_short_link")).await;
    refused(&refusal, 403, Some("insufficient_scope"));
    refused(&from_page(&agent.clone().without_token(), Method::POST, call("list_links")).await, 401, None);
    let other = Agent { session: Some("x".to_owned()), ..agent.clone() };
    from_page(&other, Method::POST, call("list_links")).await.expect(404);
    from_page(&agent, Method::PUT, String::new()).await.expect(405);
    from_page(&agent, Method::POST, "x".repeat(64 * 1024 + 1)).await.expect(413);
    // A program gets the same, and what it gets may not be kept for a page.
    let reply = agent.call("list_links", json!({})).await;
    assert!(result(&reply)["structuredContent"]["links"].is_array() && items(&reply, "vary").contains("origin"));
    assert!(!reply.headers.contains_key("access-control-allow-origin"), "{reply:?}");
}

// CORS-010, CORS-011, CORS-015, ATK-105
#[tokio::test]
async fn pages_that_nobody_named_stay_outside() {
    let example = example();
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost",
        "http://localhost:62740",
        "https://localhost:6274",
        "http://127.0.0.1:6274",
        "https://agent.example.evil.example",
        "https://AGENT.example",
        "http://localhost:6274, https://agent.example",
        "http://localhost:6274/",
    ] {
        for request in [preflight(&example), Agent::new(&example).prepare(Method::POST)] {
            let reply = send(request.header("origin", origin)).await.expect(403);
            assert!(items(&reply, "vary").contains("origin"), "{origin}");
            let allowed = reply.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(allowed.count(), 0, "{origin}: {reply:?}");
        }
    }
    let both = preflight(&example).header("origin", INSPECTOR).header("origin", "https://evil.example");
    let reply = send(both).await.expect(403);
    assert!(!reply.headers.contains_key("access-control-allow-origin"), "{reply:?}");
}
