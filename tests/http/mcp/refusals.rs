//! What the gate in front of the MCP server turns away.

use futures_util::future::join_all;
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::{Agent, PATH, refused, send, token_for};
use crate::suite::support::{ADA, App, Browser, Example, Tokens, http_client};

// MCP-005, MCP-007
#[tokio::test]
async fn every_request_brings_a_token_whatever_its_method() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await;
    for (token, error) in [
        (None, None),
        (Some("xyz"), Some("invalid_token")),
        (Some(tokens.refresh.as_str()), Some("invalid_token")),
        (Some("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."), Some("invalid_token")),
    ] {
        let agent = token.map_or_else(|| agent.clone().without_token(), |token| agent.clone().with_token(token));
        for method in [Method::POST, Method::GET, Method::DELETE, Method::PUT, Method::OPTIONS] {
            refused(&send(agent.prepare(method)).await, 401, error);
        }
        refused(&agent.initialize().await, 401, error);
        refused(&agent.call("list_links", json!({})).await, 401, error);
    }
    agent.result("list_links", json!({})).await;
}

#[tokio::test]
async fn a_token_in_the_address_or_in_the_message_is_not_looked_at() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await.without_token();
    let named = Agent { url: format!("{}?access_token={}", agent.url, tokens.access), ..agent.clone() };
    refused(&named.call("list_links", json!({})).await, 401, None);
    let meta = json!({ "access_token": tokens.access, "authorization": format!("Bearer {}", tokens.access) });
    let parameters = json!({ "name": "list_links", "arguments": meta, "_meta": meta });
    refused(&agent.request("tools/call", parameters).await, 401, None);
}

// MCP-006, MCP-019
#[tokio::test]
async fn a_challenge_names_what_the_attempted_call_needs() {
    let example = Example::shared();
    let agent = Agent::new(&example);
    // What does no harm is asked for at once.
    let first = "links:read stats:read";
    for reply in [agent.initialize().await, agent.call("nosuch", json!({})).await] {
        assert_eq!(refused(&reply, 401, None), first);
    }
    for (tool, scope) in
        [("create_short_link", "links:read stats:read links:write"), ("list_links", first), ("read_stats", first)]
    {
        assert_eq!(refused(&agent.call(tool, json!({})).await, 401, None), scope);
    }
}

#[tokio::test]
async fn a_name_that_is_written_twice_opens_no_other_tool() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await;
    let before = agent.result("list_links", json!({})).await;
    let (read, write) = (r#""name":"list_links""#, r#""name":"create_short_link""#);
    for names in [[read, write], [write, read]] {
        let parameters = format!(r#"{{{},"arguments":{{"url":"https://example.com/"}}}}"#, names.join(","));
        for body in [
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{parameters}}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping","method":"tools/call","params":{parameters}}}"#),
            format!(r#"[{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{parameters}}}]"#),
        ] {
            let request = agent.prepare(Method::POST).header("content-type", "application/json");
            assert!(!send(request.body(body.clone())).await.status.is_server_error(), "{body}");
        }
    }
    assert_eq!(agent.result("list_links", json!({})).await, before);
}

#[tokio::test]
async fn pages_of_other_sites_may_not_call_whatever_they_bring() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await;
    let own = example.origin();
    let port = format!("{own}0");
    let below = format!("{own}.evil.example");
    for origin in ["https://evil.example", "null", "", "http://127.0.0.1", &port, &below] {
        for agent in [agent.clone(), agent.clone().without_token()] {
            for method in [Method::POST, Method::GET, Method::DELETE, Method::OPTIONS] {
                let reply = send(agent.prepare(method).header("origin", origin)).await.expect(403);
                assert!(!reply.headers.contains_key("access-control-allow-origin"), "{origin}");
            }
        }
    }
    let list = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list" }).to_string();
    let request = agent.prepare(Method::POST).header("content-type", "application/json").header("origin", own);
    send(request.body(list)).await.expect(200);
}

// MCP-008, MCP-010, RI-003
#[tokio::test]
async fn a_token_is_good_where_it_was_asked_for_and_one_that_names_no_place_at_both() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let (mcp, api) = (example.url(PATH), example.origin());
    for (resource, at_mcp, at_api) in [(&*mcp, 200, 401), (&*api, 401, 200), ("", 200, 200)] {
        let tokens = if resource.is_empty() {
            app.connect(&mut ada, "links:read").await
        } else {
            Tokens::of(&token_for(&app, &mut ada, "links:read", resource).await)
        };
        let agent = Agent::new(&example).with_token(&tokens.access);
        let reply = agent.initialize().await.expect(at_mcp);
        if at_mcp == 401 {
            refused(&reply, 401, Some("invalid_token"));
        }
        app.call("/links", &tokens.access).await.expect(at_api);
    }
}

#[tokio::test]
async fn a_revoked_token_ends_in_the_middle_of_a_session() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let connect = async |ada: &mut Browser| {
        let tokens = Tokens::of(&token_for(&app, ada, "links:read", &example.url(PATH)).await);
        (Agent::connected(&example, &tokens.access).await, tokens)
    };
    let (agent, tokens) = connect(&mut ada).await;
    agent.result("list_links", json!({})).await;
    app.revoke(&tokens.refresh).await.expect(200);
    refused(&agent.call("list_links", json!({})).await, 401, Some("invalid_token"));
    for method in [Method::GET, Method::DELETE] {
        refused(&send(agent.prepare(method)).await, 401, Some("invalid_token"));
    }

    // By the person, on the page of connected apps.
    let (agent, _) = connect(&mut ada).await;
    let page = ada.get("/connected").await;
    let forms = super::super::support::html::forms(&page.page());
    let revoke = forms.into_iter().find(|form| form.fields.contains(&("client_id".to_owned(), app.id.clone())));
    ada.submit(&revoke.expect("the app is listed")).await.expect(303);
    refused(&agent.call("list_links", json!({})).await, 401, Some("invalid_token"));
}

// MCP-007
#[tokio::test]
async fn a_broken_message_is_the_callers_fault_once_it_is_let_in() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    let agent = Agent::connected(&example, &tokens.access).await;
    for body in ["", "{", "[]", "null", "7", r#"{"jsonrpc":"1.0"}"#, r#"{"jsonrpc":"2.0","id":7}"#] {
        let request = agent.prepare(Method::POST).header("content-type", "application/json");
        let reply = send(request.body(body)).await;
        assert!(reply.status.is_client_error(), "{body}: {reply:?}");
    }
    let large = json!({ "jsonrpc": "2.0", "id": 7, "method": "ping", "params": { "x": "x".repeat(1 << 17) } });
    agent.post(&large).await.expect(413);
    agent.clone().without_token().post(&large).await.expect(413);
    let request = agent.prepare(Method::POST).header("content-type", "application/json");
    let again = request.header(AUTHORIZATION, "Bearer xyz").body("{}");
    refused(&send(again).await, 400, Some("invalid_request"));
    agent.result("list_links", json!({})).await;
}

// MCP-001, MCP-024, META-003
#[tokio::test]
async fn where_clients_look_for_an_openid_provider_they_are_led_on() {
    let example = Example::shared();
    for place in ["/.well-known/openid-configuration", "/.well-known/openid-configuration/api/mcp"] {
        let request = http_client().get(example.url(place)).header("origin", "https://any.example");
        let reply = send(request).await.expect(404);
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{place}");
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        assert!(body["error"].is_string(), "{place}: {body}");
        let preflight =
            http_client().request(Method::OPTIONS, example.url(place)).header("origin", "https://any.example");
        let preflight = preflight.header("access-control-request-method", "GET");
        let preflight = send(preflight.header("access-control-request-headers", "mcp-protocol-version")).await;
        assert!(preflight.status.is_success(), "{place}: {preflight:?}");
        let allowed = preflight.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        assert!(allowed.split(", ").any(|header| header == "mcp-protocol-version"), "{allowed}");
    }
}

// TOK-010: whoever tries tokens out is kept out here as well, since it is known where a call comes from.
#[tokio::test]
async fn whoever_guesses_tokens_without_end_is_told_to_wait() {
    let example = Example::start();
    let guess = Agent::new(&example).with_token("snip_at_guess");
    let mut limited = None;
    for _ in 0..60 {
        let answers = join_all((0..50).map(|_| guess.initialize())).await;
        assert!(answers.iter().all(|reply| matches!(reply.status.as_u16(), 401 | 429)), "{answers:?}");
        limited = limited.or(answers.into_iter().find(|reply| reply.status == 429));
    }
    let limited = limited.expect("three thousand guesses are too many").expect_error(429, "too_many_requests");
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() > 0, "{limited:?}");
}
