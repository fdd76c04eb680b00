//! The API tokens that a person issues for programs of their own.

use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::json;
use tempfile::TempDir;

use super::developer_page::{register, registered};
use super::support::html::{self, Form, forms};
use super::support::sabotage::run_sqlite;
use super::support::{ADA, App, Browser, Example, GRACE, Reply, http_client};

const LAST_DAY: &str = "2099-12-31";

/// The form for a new token, filled in.
async fn form(browser: &mut Browser, name: &str, scopes: &[&str]) -> Form {
    let form = browser.get("/tokens").await.expect(200).form("/tokens").with("name", name);
    scopes.iter().fold(form, |form, scope| form.tick("scope", scope))
}

/// Issues a token; the page that answers shows it.
async fn issue(browser: &mut Browser, name: &str, scopes: &[&str]) -> String {
    let form = form(browser, name, scopes).await;
    issued(&browser.submit(&form).await)
}

/// The token that a page shows.
#[track_caller]
fn issued(page: &Reply) -> String {
    let shown = page.clone().expect(200).texts(".secret code");
    assert_eq!(shown.len(), 1, "{page:?}");
    shown[0].clone()
}

/// What a page lists of the token with this name.
#[track_caller]
fn row(page: &Reply, name: &str) -> String {
    page.texts(".token").into_iter().find(|row| row.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {page:?}"))
}

/// The form of a page for the first token with this name that has one.
async fn form_for(browser: &mut Browser, page: &str, action: &str, name: &str) -> Option<Form> {
    let page = browser.get(page).await.expect(200).page();
    let rows = html::select(&page, ".token").into_iter();
    let mut rows = rows.filter(|row| html::text(*row).starts_with(name));
    rows.find_map(|row| {
        let row = scraper::Html::parse_fragment(&row.html());
        forms(&row).into_iter().find(|form| form.action == action)
    })
}

async fn call(request: RequestBuilder, token: &str) -> Reply {
    Reply::of(request.bearer_auth(token).send().await.unwrap()).await
}

async fn get(example: &Example, path: &str, token: &str) -> Reply {
    call(http_client().get(example.url(path)), token).await
}

async fn works(example: &Example, token: &str) -> bool {
    let reply = get(example, "/api/v1/links", token).await;
    if reply.status != 200 {
        reply.expect_error(401, "invalid_token");
        return false;
    }
    true
}

#[tokio::test]
async fn a_token_is_shown_once_and_reaches_what_it_was_issued_for_and_no_more() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = form(&mut ada, "Backup", &["links:read"]).await.with("workspace", "analytical-engines");
    let page = ada.submit(&form.with("expires", LAST_DAY)).await;
    let token = issued(&page);
    assert_eq!(page.body.matches(&token).count(), 1);
    for path in ["/tokens", "/connected", "/"] {
        assert!(!ada.get(path).await.body.contains(&token), "{path}");
    }

    let links = get(&example, "/api/v1/links", &token).await.expect(200).json();
    assert_eq!(links["links"].as_array().unwrap().len(), 1);
    assert_eq!(links["links"][0]["slug"], "engine");
    assert_eq!(get(&example, "/api/v1/me", &token).await.text("name"), ADA.name);
    get(&example, "/api/v1/stats", &token).await.expect_error(403, "insufficient_scope");
    let made = http_client().post(example.url("/api/v1/links")).json(&json!({ "url": "https://example.com/" }));
    call(made, &token).await.expect_error(403, "insufficient_scope");

    let all = issue(&mut ada, "Everywhere", &["links:read", "links:write"]).await;
    assert_eq!(get(&example, "/api/v1/links", &all).await.json()["links"].as_array().unwrap().len(), 3);
    let made = http_client().post(example.url("/api/v1/links")).json(&json!({ "url": "https://example.com/" }));
    call(made, &all).await.expect(201);
}

#[tokio::test]
async fn the_list_says_what_each_token_may_do_where_and_since_when() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    assert_eq!(ada.get("/tokens").await.texts(".empty").len(), 1);
    let form = form(&mut ada, "  Limited  ", &["links:read", "stats:read"]).await;
    let form = form.with("workspace", "analytical-engines").with("expires", LAST_DAY);
    let token = issued(&ada.submit(&form).await);
    issue(&mut ada, "Endless", &["links:write"]).await;

    for path in ["/tokens", "/connected"] {
        let page = ada.get(path).await;
        let limited = row(&page, "Limited Active");
        for words in [
            "See your links",
            "how often",
            "In Analytical Engines ·",
            "created on",
            "not used yet",
            "works until 31 December 2099",
        ] {
            assert!(limited.contains(words), "{words} in {limited}");
        }
        assert!(!limited.contains("Create links"), "{limited}");
        let endless = row(&page, "Endless Active");
        assert!(endless.contains("In all workspaces ·") && endless.contains("never expires"), "{endless}");
    }

    get(&example, "/api/v1/links", &token).await.expect(200);
    // The use is noted beside the traffic, so it may show a moment later.
    for _ in 0..500 {
        if row(&ada.get("/tokens").await, "Limited").contains("last used on") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the use is not shown");
}

#[tokio::test]
async fn what_is_wrong_with_the_form_is_said_and_nothing_is_issued() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let good = form(&mut ada, "Never", &["links:read"]).await;
    let long = "x".repeat(300);
    for (name, bad) in [
        ("empty", good.clone().with("name", "")),
        ("blank", good.clone().with("name", "   ")),
        ("long", good.clone().with("name", &long)),
        ("control characters", good.clone().with("name", "a\u{1}b")),
        ("no name", good.clone().without("name")),
        ("no scope", good.clone().without("scope")),
        ("an unknown scope", good.clone().and("scope", "links:everything")),
        ("no scope at all", good.clone().with("scope", "l\u{e4}nks")),
        ("somebody else's workspace", good.clone().with("workspace", "compilers")),
        ("no workspace", good.clone().with("workspace", "nosuch\u{0}")),
        ("yesterday", good.clone().with("expires", "2020-02-29")),
        ("no day", good.clone().with("expires", "2099-02-30")),
        ("no month", good.clone().with("expires", "2099-13-01")),
        ("no date", good.clone().with("expires", "tomorrow")),
        ("too short", good.clone().with("expires", "2099-1-1")),
        ("a sign", good.clone().with("expires", "+099-01-01")),
        ("beyond time", good.clone().with("expires", "9999-12-31")),
        ("far beyond", good.clone().with("expires", "99999-12-31")),
    ] {
        let page = ada.submit(&bad).await.expect(422);
        assert_eq!(page.texts("[role=alert]").len(), 1, "{name}");
        assert!(page.texts(".secret").is_empty(), "{name}");
        // Nothing has to be typed twice.
        let again = page.form("/tokens");
        assert_eq!(again.value("name"), bad.values("name").next().unwrap_or_default(), "{name}");
        assert_eq!(again.value("expires"), bad.value("expires"), "{name}");
        let ticked: Vec<_> = bad.values("scope").filter(|scope| *scope == "links:read").collect();
        assert_eq!(again.values("scope").collect::<Vec<_>>(), ticked, "{name}");
    }
    assert!(ada.get("/tokens").await.texts(".token").is_empty());
    issued(&ada.submit(&good).await);
}

#[tokio::test]
async fn a_revoked_token_stops_at_once_and_stays_listed() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    for (path, action) in [("/tokens", "/tokens/revoke"), ("/connected", "/connected/revoke")] {
        let token = issue(&mut ada, "Short", &["links:read"]).await;
        let other = issue(&mut ada, "Other", &["links:read"]).await;
        assert!(works(&example, &token).await);

        let form = form_for(&mut ada, path, action, "Short").await.expect("a form");
        let done = ada.submit(&form).await;
        assert_eq!(done.redirect(), format!("{path}?revoked=1"));
        assert_eq!(ada.visit(done.redirect()).await.texts("[role=status]").len(), 1);
        assert!(!works(&example, &token).await && works(&example, &other).await);
        let row = row(&ada.get(path).await, "Short");
        assert!(row.starts_with("Short Revoked") && !row.contains("Reset"), "{row}");
        assert!(form_for(&mut ada, path, action, "Short").await.is_none());
        // Twice is no harm.
        ada.submit(&form).await.expect(303);
    }
}

// Whichever store the others run on: what is moved into the past are the rows of this one.
#[tokio::test]
async fn a_token_whose_time_is_over_is_listed_as_expired_and_cannot_be_reset() {
    let directory = TempDir::new().unwrap();
    let url = format!("sqlite://{}", directory.path().join("expired.db").display());
    let example = Example::start_with(&[("DATABASE_URL", &url)]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = form(&mut ada, "Old", &["links:read"]).await;
    let token = issued(&ada.submit(&form.with("expires", LAST_DAY)).await);
    let reset = form_for(&mut ada, "/tokens", "/tokens/reset", "Old").await.unwrap();
    for table in ["grantor_access_tokens", "grantor_grants"] {
        run_sqlite(&url, &format!("UPDATE {table} SET expires_at = 1577836800000"));
    }
    assert!(!works(&example, &token).await);
    let row = row(&ada.get("/tokens").await, "Old Expired");
    assert!(row.contains("worked until 31 December 2019") && !row.contains("Reset"), "{row}");
    ada.submit(&reset).await.expect(422);
    assert!(form_for(&mut ada, "/tokens", "/tokens/revoke", "Old").await.is_none());
}

#[tokio::test]
async fn a_reset_token_stops_at_once_and_its_successor_has_the_same_limits() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    for page in ["/tokens", "/connected"] {
        let name = format!("From {page}");
        let form = form(&mut ada, &name, &["links:read"]).await.with("workspace", "analytical-engines");
        let old = issued(&ada.submit(&form.with("expires", LAST_DAY)).await);

        let form = form_for(&mut ada, page, "/tokens/reset", &name).await.expect("a form");
        let new = issued(&ada.submit(&form).await);
        assert_ne!(old, new);
        assert!(!works(&example, &old).await && works(&example, &new).await);
        assert!(!ada.get(page).await.body.contains(&new));
        let links = get(&example, "/api/v1/links", &new).await.json();
        assert_eq!(links["links"].as_array().unwrap().len(), 1);
        get(&example, "/api/v1/stats", &new).await.expect_error(403, "insufficient_scope");
        let rows = ada.get("/tokens").await.texts(".token");
        let of_name: Vec<_> = rows.iter().filter(|row| row.starts_with(&name)).collect();
        assert!(of_name[0].contains("Active") && of_name[0].contains("works until 31 December 2099"), "{of_name:?}");
        assert!(of_name[1].contains("Revoked") && of_name.len() == 2, "{of_name:?}");

        // What was replaced is not replaced again.
        let refused = ada.submit(&form).await.expect(422);
        assert!(refused.texts("[role=alert]").join(" ").contains("has ended"), "{refused:?}");
        assert!(works(&example, &new).await);
    }
}

#[tokio::test]
async fn nobody_sees_ends_or_resets_the_tokens_of_somebody_else() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let token = issue(&mut ada, "Mine alone", &["links:read"]).await;
    let grant = form_for(&mut ada, "/tokens", "/tokens/revoke", "Mine").await.unwrap().value("grant").to_owned();

    let mut grace = Browser::signed_in(&example, GRACE).await;
    issue(&mut grace, "Hers", &["links:read"]).await;
    for (page, action) in
        [("/tokens", "/tokens/revoke"), ("/tokens", "/tokens/reset"), ("/connected", "/connected/revoke")]
    {
        assert!(!grace.get(page).await.body.contains("Mine alone"), "{page}");
        let form = form_for(&mut grace, page, action, "Hers").await.unwrap();
        for foreign in [grant.as_str(), "AAAAAAAAAAAAAAAAAAAAAA", "nonsense", "", "\u{e9}"] {
            grace.submit(&form.clone().with("grant", foreign)).await.expect_error_page(404);
        }
    }
    assert!(works(&example, &token).await);
    assert!(row(&grace.get("/tokens").await, "Hers").starts_with("Hers Active"));
}

#[tokio::test]
async fn a_form_counts_only_where_it_was_made_and_from_a_page_of_ours() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let token = issue(&mut ada, "Guarded", &["links:read"]).await;
    let new = form(&mut ada, "Forged", &["links:read"]).await;
    let mut all = vec![new.clone()];
    for (page, action) in
        [("/tokens", "/tokens/revoke"), ("/tokens", "/tokens/reset"), ("/connected", "/connected/revoke")]
    {
        all.push(form_for(&mut ada, page, action, "Guarded").await.unwrap());
    }
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let origin = example.origin();
    for form in &all {
        let other = all.iter().find(|other| other.action != form.action).unwrap().value("csrf").to_owned();
        for csrf in ["", "x", &other] {
            ada.submit(&form.clone().with("csrf", csrf)).await.expect_error_page(403);
        }
        ada.submit(&form.clone().without("csrf")).await.expect_error_page(403);
        grace.submit(form).await.expect_error_page(403);
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("sec-fetch-site", "cross-site")],
            &[("origin", &origin), ("sec-fetch-site", "same-site")],
        ] {
            ada.submit_from(form, headers).await.expect_error_page(403);
        }
        let sent = Browser::new(&example).submit(form).await;
        assert!(sent.redirect().starts_with("/signin?"), "{sent:?}");
    }
    assert!(Browser::new(&example).get("/tokens").await.redirect().starts_with("/signin?"));
    let rows = ada.get("/tokens").await.texts(".token");
    assert!(rows.len() == 1 && rows[0].starts_with("Guarded Active"), "{rows:?}");
    assert!(works(&example, &token).await);
}

#[tokio::test]
async fn where_the_service_asks_for_the_password_again_nothing_is_made_without_it() {
    let example = Example::start_with(&[("--service", "trimlink")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = form(&mut ada, "Guarded", &["short-urls:read"]).await;
    for wrong in ["", "battery staple"] {
        let refused = ada.submit(&form.clone().with("password", wrong)).await.expect(422);
        assert!(refused.texts("[role=alert]").join(" ").contains("password"), "{refused:?}");
        assert_eq!(refused.form("/tokens").value("password"), "");
    }
    ada.submit(&form.clone().without("password")).await.expect(422);
    assert!(ada.get("/tokens").await.texts(".token").is_empty());
    let old = issued(&ada.submit(&form.clone().with("password", ADA.password)).await);
    let list = "/api/1.0/short-urls/list-all-short-urls";
    get(&example, list, &old).await.expect(200);

    let reset = form_for(&mut ada, "/tokens", "/tokens/reset", "Guarded").await.unwrap();
    let refused = ada.submit(&reset.clone().with("password", "wrong")).await.expect(422);
    assert!(refused.texts("[role=alert]").join(" ").contains("password"), "{refused:?}");
    get(&example, list, &old).await.expect(200);
    let new = issued(&ada.submit(&reset.with("password", ADA.password)).await);
    get(&example, list, &old).await.expect_error(401, "invalid_token");
    get(&example, list, &new).await.expect(200);

    // A stolen session is no way to guess the password.
    let mut last = None;
    for _ in 0..12 {
        last = Some(ada.submit(&form.clone().with("password", "guess")).await);
    }
    last.unwrap().expect_error_page(429);
    ada.submit(&form.with("password", ADA.password)).await.expect_error_page(429);
}

#[tokio::test]
async fn only_the_owner_of_a_workspace_issues_tokens_for_it_with_trimlink() {
    let example = Example::start_with(&[("--service", "trimlink")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    example.run_sql("UPDATE memberships SET role = 'member' WHERE workspace_id = 'ada-personal'");
    let form = form(&mut ada, "Owned", &["short-urls:read"]).await.with("password", ADA.password);
    for not_owned in ["", "ada-personal"] {
        let refused = ada.submit(&form.clone().with("workspace", not_owned)).await.expect(422);
        assert!(refused.texts("[role=alert]").join(" ").contains("owner"), "{refused:?}");
    }
    let token = issued(&ada.submit(&form.with("workspace", "analytical-engines")).await);
    let list = "/api/1.0/short-urls/list-all-short-urls";
    assert_eq!(get(&example, list, &token).await.expect(200).json()["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn each_service_issues_tokens_for_its_own_api_with_its_own_scopes() {
    for (service, prefix, scope, path, has_workspaces) in [
        ("snip", "snip_at_", "links:read", "/api/v1/links", true),
        ("linkkit", "linkkit_at_", "analytics:read", "/v1/analytics", false),
        ("clyk", "clyk_live_", "stats:read", "/api/v1/stats", false),
        ("trimlink", "trimlink_at_", "domains:read", "/api/1.0/domains/list-all-domains", true),
        ("kit", "kit_at_", "public", "/v4/account", false),
        ("klink", "klink_at_", "contacts:read", "/api/v1/contacts", true),
    ] {
        let example = Example::start_with(&[("--service", service)]);
        let mut ada = Browser::signed_in(&example, ADA).await;
        let form = form(&mut ada, "Script", &[scope]).await;
        assert_eq!(form.values("workspace").count(), usize::from(has_workspaces), "{service}");
        let form = match form.values("password").count() {
            0 => form,
            _ => form.with("password", ADA.password),
        };
        let token = issued(&ada.submit(&form).await);
        assert!(token.starts_with(prefix), "{service}");
        get(&example, path, &token).await.expect(200);
        if !has_workspaces {
            let form = form.without("workspace").and("workspace", "ada-personal").with("name", "Confined");
            ada.submit(&form).await.expect(422);
        }
    }
}

#[tokio::test]
async fn nobody_has_more_tokens_at_a_time_than_can_be_looked_after() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = form(&mut ada, "One of many", &["links:read"]).await;
    for _ in 0..100 {
        ada.submit(&form).await.expect(200);
    }
    ada.submit(&form).await.expect(422);
    let revoke = form_for(&mut ada, "/tokens", "/tokens/revoke", "One").await.unwrap();
    ada.submit(&revoke).await.expect(303);
    ada.submit(&form).await.expect(200);
}

#[tokio::test]
async fn a_token_for_a_program_has_nothing_to_do_with_the_apps() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let token = issue(&mut ada, "Own", &["links:read"]).await;
    let app = App::public(&example).await;
    let tokens = app.connect(&mut ada, "links:read").await;
    let page = ada.get("/connected").await;
    assert_eq!((page.texts(".app:not(.token)").len(), page.texts(".token").len()), (1, 1));
    let all = forms(&page.page()).into_iter().find(|form| form.values("client_id").count() == 1).unwrap();
    ada.submit(&all).await.expect(303);
    assert!(works(&example, &token).await && !works(&example, &tokens.access).await);
    assert_eq!(ada.get("/tokens").await.texts(".token").len(), 1);
}

#[tokio::test]
async fn a_token_may_be_for_an_app_of_ones_own_and_ends_with_it() {
    let example = Example::shared();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let page = register(&mut grace, "Token Taker", "https://taker.example/cb", true).await.expect(200);
    let app = registered(&example, &page, "https://taker.example/cb");
    let page = grace.get(&format!("/developers/app?client_id={}", app.id)).await.expect(200);
    assert!(page.body.contains(&format!("/tokens?app={}", app.id)), "{page:?}");

    let form = grace.get(&format!("/tokens?app={}", app.id)).await.form("/tokens");
    assert_eq!(form.value("app"), app.id);
    let form = form.with("name", "For the app").tick("scope", "links:read");
    for foreign in ["demo", "nobody", "\u{e9}"] {
        grace.submit(&form.clone().with("app", foreign)).await.expect_error_page(404);
    }
    let token = grace.submit(&form).await.expect(200).texts(".secret code").remove(0);
    app.call("/links", &token).await.expect(200);
    assert_eq!(app.introspect(&token).await.json()["client_id"], app.id);

    let form = grace.get(&format!("/developers/app?client_id={}", app.id)).await.form("/developers/delete");
    grace.submit(&form).await.expect(303);
    app.call("/links", &token).await.expect_error(401, "invalid_token");
}
