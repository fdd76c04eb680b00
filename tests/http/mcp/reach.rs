//! How far a token reaches through the tools: as far as by the API.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{Agent, PATH, refused, result, send, token_for};
use crate::suite::support::html::{self, Form};
use crate::suite::support::{ADA, App, Browser, Example, GRACE, Reply, Tokens, http_client};

fn slugs(links: &Value) -> Vec<&str> {
    links["links"].as_array().unwrap().iter().map(|link| link["slug"].as_str().unwrap()).collect()
}

/// A token that a person makes for a program of their own.
async fn personal_token(browser: &mut Browser, scopes: &[&str], change: impl FnOnce(Form) -> Form) -> String {
    let form = browser.get("/tokens").await.expect(200).form("/tokens").with("name", "Agent");
    let form = scopes.iter().fold(form, |form, scope| form.tick("scope", scope));
    let page = browser.submit(&change(form)).await.expect(200);
    page.texts(".secret code").remove(0)
}

#[tokio::test]
async fn a_personal_token_opens_the_tools_and_the_api() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let token = personal_token(&mut ada, &["links:read"], |form| form).await;
    let agent = Agent::connected(&example, &token).await;
    assert_eq!(slugs(&agent.result("list_links", json!({})).await).len(), 3);
    send(http_client().get(example.url("/api/v1/links")).bearer_auth(&token)).await.expect(200);
    let refusal = agent.call("create_short_link", json!({ "url": "https://example.com/" })).await;
    assert_eq!(refused(&refusal, 403, Some("insufficient_scope")), "links:read links:write");
    // Each token is by itself: the session of one is none of the other's.
    let second = personal_token(&mut ada, &["links:read"], |form| form).await;
    agent.clone().with_token(&second).request("tools/list", json!({})).await.expect(404);

    for row in html::select(&ada.get("/tokens").await.page(), ".token") {
        let row = scraper::Html::parse_fragment(&row.html());
        for form in html::forms(&row).into_iter().filter(|form| form.action == "/tokens/revoke") {
            ada.submit(&form).await.expect(303);
        }
    }
    refused(&agent.call("list_links", json!({})).await, 401, Some("invalid_token"));
}

#[tokio::test]
async fn a_token_for_one_workspace_sees_and_makes_links_in_no_other() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let scopes = ["links:read", "links:write", "stats:read"];
    let token = personal_token(&mut ada, &scopes, |form| form.with("workspace", "analytical-engines")).await;
    let agent = Agent::connected(&example, &token).await;
    assert_eq!(slugs(&agent.result("list_links", json!({})).await), ["engine"]);
    assert_eq!(agent.result("read_stats", json!({})).await, json!({ "links": 1, "visits": 211 }));
    let made = agent.result("create_short_link", json!({ "url": "https://example.com/" })).await;
    assert_eq!(made["workspace"], "Analytical Engines");

    let mut grace = Browser::signed_in(&example, GRACE).await;
    let token = personal_token(&mut grace, &scopes, |form| form).await;
    let hers = Agent::connected(&example, &token).await.result("list_links", json!({})).await;
    assert!(!slugs(&hers).contains(&"engine") && !slugs(&hers).contains(&made["slug"].as_str().unwrap()), "{hers}");

    example.run_sql("DELETE FROM memberships WHERE workspace_id = 'analytical-engines'");
    let left = result(&agent.call("list_links", json!({})).await);
    assert_eq!((&left["isError"], &left["structuredContent"]["error"]), (&json!(true), &json!("workspace_forbidden")));
}

#[tokio::test]
async fn an_app_without_a_user_may_connect_and_has_no_links() {
    let example = Example::shared();
    let app = App::confidential(&example).await;
    let form = [("grant_type", "client_credentials"), ("scope", "links:read"), ("resource", &*example.url(PATH))];
    let token = app.token(&form).await.expect(200).text("access_token");
    let result = result(&Agent::connected(&example, &token).await.call("list_links", json!({})).await);
    assert_eq!((&result["isError"], &result["structuredContent"]["error"]), (&json!(true), &json!("user_required")));
}

/// An app that registered itself with CLYK, which gives no refresh tokens.
async fn clyk_token(example: &Example, browser: &mut Browser, scope: &str, resource: Option<&str>) -> String {
    let metadata = json!({ "client_name": "Agent", "redirect_uris": ["https://app.example/cb"] });
    let registered = send(http_client().post(example.url("/oauth/register")).json(&metadata)).await.expect(201);
    let app = App::known(example, &registered.text("client_id"), "https://app.example/cb");
    match resource {
        Some(resource) => token_for(&app, browser, scope, resource).await.text("access_token"),
        None => {
            let (code, verifier) = app.code(browser, scope).await;
            app.exchange(&code, &verifier).await.expect(200).text("access_token")
        }
    }
}

#[tokio::test]
async fn clyk_lets_an_agent_connect_only_with_the_scope_for_it() {
    let example = Example::start_with(&[("--service", "clyk")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let agent = Agent::new(&example);
    assert_eq!(refused(&agent.initialize().await, 401, None), "links:read stats:read mcp:tools");
    let without = clyk_token(&example, &mut ada, "links:read", None).await;
    let refusal = agent.clone().with_token(&without).initialize().await;
    assert_eq!(refused(&refusal, 403, Some("insufficient_scope")), "links:read mcp:tools");

    let url = example.url(PATH);
    let token = clyk_token(&example, &mut ada, "mcp:tools links:read bio:read", Some(&url)).await;
    let agent = Agent::connected(&example, &token).await;
    assert!(agent.result("list_links", json!({})).await["links"].is_array());
    let refusal = agent.call("read_stats", json!({})).await;
    // Of what it may do, no more is named than the tools know.
    assert_eq!(refused(&refusal, 403, Some("insufficient_scope")), "mcp:tools links:read stats:read");
}

#[tokio::test]
async fn the_same_tokens_of_clyk_open_the_api_and_the_tools_and_count_against_one_limit() {
    let example = Example::start_with(&[("--service", "clyk"), ("PLAN", "free")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let me = |token: &str| -> RequestBuilder { http_client().get(example.url("/api/v1/me")).bearer_auth(token) };
    let of_app = clyk_token(&example, &mut ada, "mcp:tools links:read", None).await;
    let of_hand = personal_token(&mut ada, &["mcp:tools", "links:read"], |form| form).await;
    let mut calls = 0;
    for token in [&of_app, &of_hand] {
        let agent = Agent::connected(&example, token).await;
        agent.result("list_links", json!({})).await;
        send(me(token)).await.expect(200);
        calls += 4;
    }
    let limited: Reply = loop {
        let reply = Agent::new(&example).with_token(&of_hand).initialize().await;
        calls += 1;
        if reply.status != 200 {
            break reply;
        }
        assert!(calls < 30, "there is no end to it");
    };
    assert!(calls > 10, "{calls}");
    assert_eq!(limited.status, 429, "{limited:?}");
    assert!(limited.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert!(!limited.headers.contains_key("www-authenticate"));
    send(me(&of_app)).await.expect(429);
    // Another user has another limit.
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let hers = personal_token(&mut grace, &["mcp:tools"], |form| form).await;
    Agent::connected(&example, &hers).await;
}

#[tokio::test]
async fn a_service_that_knows_no_agents_has_no_mcp_server() {
    for service in ["linkkit", "trimlink", "kit", "klink"] {
        let example = Example::start_with(&[("--service", service)]);
        Agent::new(&example).initialize().await.expect(404);
        let metadata = format!("/.well-known/oauth-protected-resource{PATH}");
        send(http_client().get(example.url(&metadata))).await.expect(404);
    }
}

#[tokio::test]
async fn a_token_that_is_used_by_tools_only_is_used() {
    let example = Example::start();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = Tokens::of(&token_for(&app, &mut ada, "links:read", &example.url(PATH)).await);
    Agent::connected(&example, &tokens.access).await.result("list_links", json!({})).await;
    // The use is noted beside the traffic, so it may show a moment later.
    for _ in 0..500 {
        if ada.get("/connected").await.texts(".app .meta").join(" ").contains("last used") {
            return;
        }
    }
    panic!("{:?}", ada.get("/connected").await.texts(".app .meta"));
}
