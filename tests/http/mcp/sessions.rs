//! A session belongs to whoever began it, and lets nobody in by itself.

use reqwest::Method;
use serde_json::json;

use super::{Agent, PATH, refused, send, token_for};
use crate::suite::support::{ADA, App, Browser, Example, GRACE, Tokens};

/// A token of this app and person for the MCP server.
async fn token(example: &Example, app: &App, browser: &mut Browser) -> String {
    Tokens::of(&token_for(app, browser, "links:read", &example.url(PATH)).await).access
}

#[tokio::test]
async fn a_session_is_of_no_use_to_anybody_else() {
    let example = Example::shared();
    let (app, other) = (App::public(&example).await, App::public(&example).await);
    let (mut ada, mut grace) = (Browser::signed_in(&example, ADA).await, Browser::signed_in(&example, GRACE).await);
    let own = Agent::connected(&example, &token(&example, &app, &mut ada).await).await;
    let strangers = [
        token(&example, &app, &mut grace).await,
        token(&example, &other, &mut ada).await,
        // The same person and app, let into one workspace only.
        confined(&example, &app, &mut ada).await,
    ];
    for stranger in strangers {
        let agent = own.clone().with_token(&stranger);
        agent.call("list_links", json!({})).await.expect(404);
        agent.request("tools/list", json!({})).await.expect(404);
        for method in [Method::GET, Method::DELETE] {
            send(agent.prepare(method)).await.expect(404);
        }
        // Nothing is wrong with the stranger's token.
        Agent::connected(&example, &stranger).await.result("list_links", json!({})).await;
    }
    own.result("list_links", json!({})).await;
}

async fn confined(example: &Example, app: &App, browser: &mut Browser) -> String {
    let changes = [("prompt", "consent"), ("resource", &*example.url(PATH))];
    let request = app.request_with("links:read", &changes);
    let form = browser.get(&request.path).await.form("/oauth/authorize").with("workspace", "ada-personal");
    let answer = browser.submit(&form.press("decision", "approve")).await.answer_to(&app.redirect_uri);
    Tokens::of(&app.exchange(answer.code(), &request.verifier).await).access
}

#[tokio::test]
async fn what_is_no_session_is_not_found_and_what_comes_without_one_is_told_so() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let agent = Agent::connected(&example, &token(&example, &app, &mut ada).await).await;
    let session = agent.session.clone().unwrap();
    let (id, seal) = session.rsplit_once('.').unwrap();
    let (cut, unsealed) = (format!("{id}.{}", &seal[..seal.len() - 2]), format!("{id}."));
    let made_up = format!("00000000-0000-4000-8000-000000000000.{seal}");
    for wrong in ["x", ".", id, &cut, &unsealed, &made_up] {
        let agent = Agent { session: Some(wrong.to_owned()), ..agent.clone() };
        agent.request("tools/list", json!({})).await.expect(404);
    }
    let alone = Agent { session: None, ..agent.clone() };
    alone.call("list_links", json!({})).await.expect(400);
    agent.result("list_links", json!({})).await;
}

#[tokio::test]
async fn a_session_ends_when_its_owner_ends_it() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let token = token(&example, &app, &mut ada).await;
    let (agent, other) = (Agent::connected(&example, &token).await, Agent::connected(&example, &token).await);
    assert!(send(agent.prepare(Method::DELETE)).await.status.is_success());
    agent.request("tools/list", json!({})).await.expect(404);
    other.result("list_links", json!({})).await;
}

// A session takes memory until it ends, and one token can begin any number: a hundred go on.
#[tokio::test]
async fn of_very_many_sessions_of_one_person_the_first_end_and_nobody_elses_do() {
    let example = Example::start();
    let (app, other) = (App::public(&example).await, App::public(&example).await);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let hers = Agent::connected(&example, &token(&example, &app, &mut grace).await).await;
    let mut sessions = Vec::new();
    // Another app of the same person makes no difference.
    for app in [&app, &other] {
        let token = token(&example, app, &mut ada).await;
        for _ in 0..54 {
            sessions.push(Agent::connected(&example, &token).await);
        }
    }
    let (first, last) = sessions.split_at(8);
    for agent in first {
        agent.call("list_links", json!({})).await.expect(404);
    }
    for agent in last.iter().chain([&hers]) {
        agent.result("list_links", json!({})).await;
    }
    // Whose session has ended begins another.
    let again = Agent::connected(&example, first[0].token.as_deref().unwrap()).await;
    again.result("list_links", json!({})).await;
    last[0].call("list_links", json!({})).await.expect(404);
}

#[tokio::test]
async fn without_sessions_every_request_stands_for_itself() {
    let example = Example::start_with(&[("MCP_SESSIONS", "off")]);
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let token = token(&example, &app, &mut ada).await;
    let agent = Agent::new(&example).with_token(&token);
    let begun = agent.initialize().await.expect(200);
    assert!(!begun.headers.contains_key("mcp-session-id"), "{begun:?}");
    agent.post(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await.expect(202);
    agent.result("list_links", json!({})).await;
    let refusal = agent.call("create_short_link", json!({ "url": "https://example.com/" })).await;
    refused(&refusal, 403, Some("insufficient_scope"));
    refused(&agent.clone().without_token().call("list_links", json!({})).await, 401, None);
    // There is nothing to listen to and nothing to end, and a session from elsewhere is none.
    for method in [Method::GET, Method::DELETE] {
        send(agent.prepare(method)).await.expect(405);
    }
    let elsewhere = Agent { session: Some("x".to_owned()), ..agent };
    elsewhere.call("list_links", json!({})).await.expect(404);
}

#[cfg(unix)]
#[tokio::test]
async fn a_stream_that_is_open_does_not_keep_the_process_from_ending() {
    let mut example = Example::start();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let agent = Agent::connected(&example, &token(&example, &app, &mut ada).await).await;
    let mut stream = agent.prepare(Method::GET).send().await.unwrap();
    assert_eq!(
        (stream.status().as_u16(), &stream.headers()["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    let interrupt = format!("kill -INT {}", example.process_id());
    assert!(std::process::Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    // It ends as streams end, and not because the connection breaks.
    while stream.chunk().await.unwrap().is_some() {}
    assert!(example.wait().success(), "{}", example.output());
}
