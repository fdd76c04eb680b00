//! Workspaces: what a page shows, where a link goes, and how far a token reaches.

use serde_json::{Value, json};

use super::support::{ADA, App, Browser, Example, GRACE, Reply, Tokens, http_client};

const SCOPE: &str = "links:read links:write stats:read";

/// A token of the person in `browser`, confined to what they choose on the consent page.
async fn confined_to(app: &App, browser: &mut Browser, workspace: &str) -> Tokens {
    let request = app.request_with(SCOPE, &[("prompt", "consent")]);
    let form = browser.get(&request.path).await.form("/oauth/authorize").with("workspace", workspace);
    let answer = browser.submit(&form.press("decision", "approve")).await.answer_to(&app.redirect_uri);
    Tokens::of(&app.exchange(answer.code(), &request.verifier).await)
}

async fn slugs(app: &App, tokens: &Tokens) -> Vec<String> {
    let links = app.call("/links", &tokens.access).await.expect(200).json();
    let slug = |link: &Value| link["slug"].as_str().unwrap().to_owned();
    links["links"].as_array().unwrap().iter().map(slug).collect()
}

async fn make(example: &Example, tokens: &Tokens) -> Value {
    let request = http_client().post(example.url("/api/v1/links")).bearer_auth(&tokens.access);
    let reply = request.json(&json!({ "url": "https://example.com/" })).send().await.unwrap();
    Reply::of(reply).await.expect(201).json()
}

#[tokio::test]
async fn a_token_for_one_workspace_sees_and_makes_links_in_no_other() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    let all = confined_to(&app, &mut ada, "").await;
    let personal = confined_to(&app, &mut ada, "ada-personal").await;
    let engines = confined_to(&app, &mut ada, "analytical-engines").await;

    let mut everywhere = slugs(&app, &all).await;
    everywhere.sort();
    assert_eq!(everywhere, ["bernoulli", "engine", "notes"]);
    assert_eq!(slugs(&app, &engines).await, ["engine"]);
    let stats = app.call("/stats", &engines.access).await.expect(200).json();
    assert_eq!(stats, json!({ "links": 1, "visits": 211 }));

    let made = make(&example, &engines).await;
    assert_eq!(made["workspace"], "Analytical Engines");
    let slug = made["slug"].as_str().unwrap().to_owned();
    assert!(slugs(&app, &engines).await.contains(&slug));
    assert!(slugs(&app, &all).await.contains(&slug));
    assert!(!slugs(&app, &personal).await.contains(&slug));
    // Without a choice, a new link goes into the first.
    assert_eq!(make(&example, &all).await["workspace"], "Personal");

    // A refresh does not widen it.
    let engines = Tokens::of(&app.refresh(&engines.refresh).await);
    assert_eq!(slugs(&app, &engines).await.len(), 2);
}

#[tokio::test]
async fn a_workspace_of_somebody_else_cannot_be_chosen_whatever_is_sent() {
    let example = Example::shared();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    for foreign in ["compilers", "nosuch", "nul\0", "ada-personal\0"] {
        let consent = ada.get(&app.request_with(SCOPE, &[("prompt", "consent")]).path).await;
        let form = consent.form("/oauth/authorize").with("workspace", foreign).press("decision", "approve");
        ada.submit(&form).await.expect(400);
        let form = ada.get("/").await.form("/workspace").press("workspace", "ada-personal").with("workspace", foreign);
        ada.submit(&form).await.expect(404);
    }
    // Grace has one workspace, so there is nothing to choose; hers is found, Ada's is not.
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let form = grace.get(&app.request("links:read").path).await.form("/oauth/authorize");
    assert_eq!(form.values("workspace").count(), 0);
}

#[tokio::test]
async fn who_left_a_workspace_reaches_nothing_there_with_an_old_token() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    let engines = confined_to(&app, &mut ada, "analytical-engines").await;
    let all = confined_to(&app, &mut ada, "").await;
    example.run_sql("DELETE FROM memberships WHERE workspace_id = 'analytical-engines'");

    app.call("/links", &engines.access).await.expect_error(403, "workspace_forbidden");
    app.call("/stats", &engines.access).await.expect_error(403, "workspace_forbidden");
    assert!(!slugs(&app, &all).await.contains(&"engine".to_owned()));
    app.call("/me", &engines.access).await.expect(200);
}

#[tokio::test]
async fn the_page_of_links_shows_the_workspace_that_was_chosen_and_new_links_go_there() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let rows = |page: &Reply| page.texts(".link-list li").len();
    let page = ada.get("/").await.expect(200);
    assert_eq!((rows(&page), page.texts(".workspaces [aria-pressed=true]")), (3, vec!["All workspaces".to_owned()]));

    let switch = page.form("/workspace").press("workspace", "analytical-engines");
    let switched = ada.submit(&switch).await;
    let page = ada.visit(switched.redirect()).await.expect(200);
    assert_eq!(rows(&page), 1);
    assert_eq!(page.texts(".workspaces [aria-pressed=true]"), ["Analytical Engines"]);
    let made = ada.submit(&page.form("/links").with("url", "https://example.com/")).await;
    assert_eq!(rows(&ada.visit(made.redirect()).await), 2);

    // It is where the consent page begins, too.
    let app = App::public(&example).await;
    let consent = ada.get(&app.request("links:read").path).await.form("/oauth/authorize");
    assert_eq!(consent.value("workspace"), "analytical-engines");
    // A forged switch does nothing, and the choice is this browser's alone.
    let forged = ada.get("/").await.form("/workspace").press("workspace", "").with("csrf", "x");
    ada.submit(&forged).await.expect(403);
    assert_eq!(rows(&ada.get("/").await), 2);
    let mut elsewhere = Browser::signed_in(&example, ADA).await;
    assert_eq!(rows(&elsewhere.get("/").await), 4);
    let all = ada.get("/").await.form("/workspace").press("workspace", "");
    let back = ada.submit(&all).await;
    assert_eq!(rows(&ada.visit(back.redirect()).await), 4);
}

#[tokio::test]
async fn connected_apps_say_which_workspace_they_were_let_into() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    confined_to(&app, &mut ada, "analytical-engines").await;
    let row = ada.get("/connected").await.texts(".app .meta").join(" ");
    assert!(row.starts_with("In Analytical Engines ·"), "{row}");
    confined_to(&app, &mut ada, "").await;
    let rows = ada.get("/connected").await.texts(".app .meta");
    assert!(rows.len() == 2 && rows[1].starts_with("In all workspaces ·"), "{rows:?}");
}

#[tokio::test]
async fn links_that_are_older_than_workspaces_are_in_the_first_one_after_a_restart() {
    let mut example = Example::start();
    example.kill();
    example.run_sql("DELETE FROM memberships");
    example.run_sql("UPDATE links SET workspace_id = NULL");
    example.run_sql("DELETE FROM workspaces");
    example.restart_with(&[]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    let all = confined_to(&app, &mut ada, "").await;
    assert_eq!(slugs(&app, &all).await.len(), 3);
}
