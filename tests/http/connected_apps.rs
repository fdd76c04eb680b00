//! The page on which a person takes access back.

use std::time::Duration;

use serde_json::json;

use super::support::html::{Form, forms};
use super::support::{ADA, App, Browser, Example, GRACE};

/// The form that takes back the access of one app.
async fn revocation(browser: &mut Browser, app: &App) -> Option<Form> {
    let page = browser.get("/connected").await.expect(200);
    forms(&page.page()).into_iter().find(|form| form.values("client_id").any(|id| id == app.id))
}

#[tokio::test]
async fn access_that_is_taken_back_ends_at_once() {
    let example = Example::shared();
    let app = App::register(&example, json!({ "client_name": "Short-lived" })).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let first = app.connect(&mut ada, "links:read").await;
    let second = app.connect(&mut ada, "links:read stats:read").await;
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let other = app.connect(&mut grace, "links:read").await;
    let (pending, verifier) = app.code(&mut ada, "links:read").await;

    let form = revocation(&mut ada, &app).await.expect("the app is listed");
    assert_eq!(ada.get("/connected").await.texts("h2").iter().filter(|name| name.contains("Short-lived")).count(), 1);
    let done = ada.submit(&form).await;
    let page = ada.visit(done.redirect()).await;
    assert_eq!(page.texts("[role=status]").len(), 1);
    assert!(revocation(&mut ada, &app).await.is_none());

    for tokens in [&first, &second] {
        app.call("/me", &tokens.access).await.expect_error(401, "invalid_token");
        app.refresh(&tokens.refresh).await.expect_error(400, "invalid_grant");
    }
    // What was still under way comes to nothing, what somebody else granted stays, and the app may ask again.
    app.exchange(&pending, &verifier).await.expect_error(400, "invalid_grant");
    app.call("/me", &other.access).await.expect(200);
    app.refresh(&other.refresh).await.expect(200);
    ada.get(&app.request("links:read").path).await.form("/oauth/authorize");
}

#[tokio::test]
async fn the_page_says_what_an_app_may_do_and_whether_anybody_checked_it() {
    let example = Example::shared();
    let app = App::register(&example, json!({ "client_name": "Frugal" })).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut ada, "stats:read").await;
    let row = |rows: Vec<String>| rows.into_iter().find(|row| row.contains("Frugal")).expect("the app is listed");

    let before = row(ada.get("/connected").await.texts(".app"));
    assert!(before.contains("Unverified"), "{before}");
    assert!(before.contains("how often your links are followed") && !before.contains("See your links"), "{before}");
    app.call("/stats", &tokens.access).await.expect(200);
    // The use is noted beside the traffic, so it may show a moment later.
    let mut after = before.clone();
    for _ in 0..500 {
        after = row(ada.get("/connected").await.texts(".app"));
        if after != before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(before.contains("not used yet") && after.contains("last used"), "{before} then {after}");
}

#[tokio::test]
async fn nobody_takes_back_what_another_person_granted() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut ada, "links:read").await;
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let own = App::public(&example).await;
    own.connect(&mut grace, "links:read").await;

    let form = revocation(&mut grace, &own).await.unwrap();
    grace.submit(&form.with("client_id", &app.id)).await;
    app.call("/links", &tokens.access).await.expect(200);
    assert!(revocation(&mut ada, &app).await.is_some());
}

#[tokio::test]
async fn what_the_app_itself_gives_back_is_no_longer_listed() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut ada, "links:read").await;
    app.revoke(&tokens.refresh).await.expect(200);
    app.call("/me", &tokens.access).await.expect_error(401, "invalid_token");
    assert!(revocation(&mut ada, &app).await.is_none());
}
