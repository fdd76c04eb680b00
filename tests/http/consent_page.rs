//! What a person decides on the consent page, and what is carried out.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::developer_page::{register, registered};
use super::support::html::forms;
use super::support::{ADA, App, Browser, Example, GRACE, Reply, Tokens, http_client};

const CALLBACK: &str = "https://app.example/cb";
const CLEAN: &str = "Delete all of your links";
const SEE: &str = "See your links";

/// An app that somebody registered and signed in for: it may ask for everything.
async fn app(example: &Example) -> App {
    let mut grace = Browser::signed_in(example, GRACE).await;
    let page = register(&mut grace, "Cleaner", CALLBACK, true).await.expect(200);
    registered(example, &page, CALLBACK)
}

/// What Ada's answer is worth.
async fn granted(app: &App, answer: &Reply, verifier: &str) -> Tokens {
    Tokens::of(&app.exchange(answer.answer_to(CALLBACK).code(), verifier).await)
}

#[tokio::test]
async fn a_scope_says_what_comes_with_it_and_is_not_approved_without() {
    let example = Example::shared();
    let app = app(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:delete stats:read");
    let page = ada.get(&request.path).await.expect(200);
    let rows = page.texts(".asks li");
    let row = rows.iter().find(|row| row.starts_with(CLEAN)).unwrap();
    assert!(row.contains(&format!("With it comes: {SEE}.")), "{rows:?}");

    let form = page.form("/oauth/authorize").with("workspace", "analytical-engines");
    let torn = form.clone().untick("scope", "links:read").untick("scope", "stats:read").press("decision", "approve");
    let again = ada.submit(&torn).await.expect(422);
    let problem = again.texts("[role=alert]").join(" ");
    assert!(problem.contains(SEE) && problem.contains(CLEAN), "{problem}");
    // As it was left, with what protects the page.
    let left = again.form("/oauth/authorize");
    assert_eq!(left.values("scope").collect::<Vec<_>>(), ["links:delete"]);
    assert_eq!(left.value("workspace"), "analytical-engines");
    assert_eq!(again.header("content-security-policy"), page.header("content-security-policy"));

    // It was not spent: what comes with it may be ticked again, or the whole left out.
    let whole = ada.submit(&left.clone().tick("scope", "links:read").press("decision", "approve")).await;
    let tokens = granted(&app, &whole, &request.verifier).await;
    assert_eq!(tokens.scope, "links:delete links:read");
    let request = app.request_with("links:delete stats:read", &[("prompt", "consent")]);
    let form = ada.get(&request.path).await.form("/oauth/authorize").untick("scope", "links:delete");
    let part = ada.submit(&form.press("decision", "approve")).await;
    assert_eq!(granted(&app, &part, &request.verifier).await.scope, "links:read stats:read");
    // Who denies owes no consistency.
    let form = ada.get(&app.request_with("links:delete", &[("prompt", "consent")]).path).await;
    let form = form.form("/oauth/authorize").untick("scope", "links:read").press("decision", "deny");
    assert_eq!(ada.submit(&form).await.answer_to(CALLBACK).error(), "access_denied");
}

#[tokio::test]
async fn the_workspace_that_was_chosen_is_remembered_for_as_long_as_it_is_the_persons() {
    let example = Example::start();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read");
    let form = ada.get(&request.path).await.form("/oauth/authorize").with("workspace", "analytical-engines");
    let answer = ada.submit(&form.press("decision", "approve")).await;
    Tokens::of(&app.exchange(answer.answer_to(CALLBACK).code(), &request.verifier).await);

    let request = app.request("links:read");
    let silent = ada.get(&request.path).await.answer_to(CALLBACK);
    let tokens = Tokens::of(&app.exchange(silent.code(), &request.verifier).await);
    let links = app.call("/links", &tokens.access).await.expect(200).json();
    assert_eq!(links["links"].as_array().unwrap().len(), 1, "in no other workspace");

    example.run_sql("DELETE FROM memberships WHERE workspace_id = 'analytical-engines'");
    let silent = ada.get(&app.request_with("links:read", &[("prompt", "none")]).path).await;
    assert_eq!(silent.answer_to(CALLBACK).error(), "consent_required");
    ada.get(&app.request("links:read").path).await.expect(200).form("/oauth/authorize");
}

#[tokio::test]
async fn access_is_taken_back_grant_by_grant() {
    let example = Example::start();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let mut tokens = Vec::new();
    for workspace in ["ada-personal", "analytical-engines", "analytical-engines"] {
        let request = app.request_with("links:read", &[("prompt", "consent")]);
        let form = ada.get(&request.path).await.form("/oauth/authorize").with("workspace", workspace);
        let answer = ada.submit(&form.press("decision", "approve")).await;
        tokens.push(granted(&app, &answer, &request.verifier).await);
    }
    let page = ada.get("/connected").await;
    let rows = page.texts(".grant");
    assert!(rows.len() == 2 && rows[1].contains("In Analytical Engines"), "what is the same is one row: {rows:?}");
    let single: Vec<_> = forms(&page.page()).into_iter().filter(|form| form.values("grant").count() > 0).collect();
    assert_eq!(single.iter().map(|form| form.values("grant").count()).collect::<Vec<_>>(), [1, 2]);
    ada.submit(&single[1]).await.expect(303);
    for (at, token) in tokens.iter().enumerate() {
        let status = if at == 0 { 200 } else { 401 };
        app.call("/links", &token.access).await.expect(status);
    }
    assert_eq!(ada.get("/connected").await.texts(".grant").len(), 1);

    let mut grace = Browser::signed_in(&example, GRACE).await;
    App::public(&example).await.connect(&mut grace, "links:read").await;
    let form = grace.get("/connected").await.form("/connected/revoke").without("client_id");
    let foreign = single[0].value("grant");
    grace.submit(&form.clone().and("grant", foreign)).await.expect_error_page(404);
    grace.submit(&form).await.expect_error_page(400);
    app.call("/links", &tokens[0].access).await.expect(200);
}

fn unattended(id: &str, service: &Value) -> Value {
    json!({
        "client_id": id, "client_secret": "a-secret-of-an-unattended-app-of-32-bytes", "client_name": "Unattended",
        "redirect_uris": [], "grant_types": ["client_credentials"], "service": service,
    })
}

#[tokio::test]
async fn a_program_that_acts_for_a_workspace_and_for_nobody_reads_and_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("clients.json");
    let clients = json!([unattended("reader", &json!({ "tenant": "analytical-engines" }))]);
    std::fs::write(&file, clients.to_string()).unwrap();
    for service in ["snip", "klink"] {
        let example = Example::start_with(&[("--service", service), ("CLIENTS", file.to_str().unwrap())]);
        let app = App::known(&example, "reader", "").with_secret(Some("a-secret-of-an-unattended-app-of-32-bytes"));
        let scope = if service == "snip" { "links:read links:write links:delete" } else { "links:read links:write" };
        let reply = app.token(&[("grant_type", "client_credentials"), ("scope", scope)]).await.expect(200);
        let token = reply.text("access_token");
        let links = || async { app.call("/links", &token).await.expect(200).json()["links"].as_array().unwrap().len() };
        assert_eq!(links().await, 1, "{service}");

        let url = example.url("/api/v1/links");
        let made = http_client().post(&url).json(&json!({ "url": "https://example.com/" })).bearer_auth(&token);
        Reply::of(made.send().await.unwrap()).await.expect_error(403, "user_required");
        if service == "snip" {
            let deleted = http_client().delete(&url).bearer_auth(&token).send().await.unwrap();
            Reply::of(deleted).await.expect_error(403, "user_required");
        }
        assert_eq!(links().await, 1, "{service}");
    }
}
