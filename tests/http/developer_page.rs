//! The page on which a developer registers apps.

use super::support::html::{Form, forms};
use super::support::{ADA, App, Browser, Example, GRACE, Reply};

pub async fn register(browser: &mut Browser, name: &str, redirect_uris: &str, confidential: bool) -> Reply {
    let form = browser.get("/developers").await.form("/developers").with("name", name);
    let form = form.with("type", if confidential { "confidential" } else { "public" });
    browser.submit(&form.with("redirect_uris", redirect_uris)).await
}

/// What the page that follows a registration shows.
pub fn registered(example: &Example, page: &Reply, redirect_uri: &str) -> App {
    let id = page.texts(".facts code").remove(0);
    App::known(example, &id, redirect_uri).with_secret(page.texts(".secret code").first().map(String::as_str))
}

async fn deletion(browser: &mut Browser, app: &App) -> Option<Form> {
    let page = browser.get("/developers").await;
    let mut forms = forms(&page.page()).into_iter().filter(|form| form.action == "/developers/delete");
    forms.find(|form| form.value("client_id") == app.id)
}

#[tokio::test]
async fn a_registered_app_works_and_its_secret_is_shown_once() {
    let example = Example::shared();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let page = register(&mut grace, "Server Side", "https://server.example/cb", true).await.expect(200);
    let app = registered(&example, &page, "https://server.example/cb");
    let secret = app.secret.clone().expect("a secret");
    assert!(!grace.get("/developers").await.body.contains(&secret));

    let mut ada = Browser::signed_in(&example, ADA).await;
    // Somebody signed in and registered it, so it does not count as unknown.
    let consent = ada.get(&app.request("links:read").path).await.texts("main").join(" ");
    assert!(consent.contains("Server Side") && consent.contains("server.example"));
    let tokens = app.connect(&mut ada, "links:read").await;
    app.call("/links", &tokens.access).await.expect(200);
    let own = app.token(&[("grant_type", "client_credentials")]).await.expect(200).text("access_token");
    assert_eq!(app.call("/me", &own).await.text("client_id"), app.id);
    // The secret is needed, and the right one.
    for wrong in [None, Some("wrong"), Some(&*format!("{secret}x"))] {
        let impostor = app.clone().with_secret(wrong);
        impostor.refresh(&tokens.refresh).await.expect_error(401, "invalid_client");
    }
    app.refresh(&tokens.refresh).await.expect(200);
}

#[tokio::test]
async fn an_app_on_the_users_device_gets_no_secret() {
    let example = Example::shared();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let uris = "https://device.example/cb\r\n  com.example.device:/cb  \r\n\r\nhttp://127.0.0.1/cb\r\n";
    let page = register(&mut grace, "Device", uris, false).await.expect(200);
    let app = registered(&example, &page, "com.example.device:/cb");
    assert_eq!(app.secret, None);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let consent = ada.get(&app.request("links:read").path).await.texts("main").join(" ");
    assert!(consent.contains("com.example.device"), "{consent}");
    let tokens = app.connect(&mut ada, "links:read").await;
    app.call("/links", &tokens.access).await.expect(200);
    app.token(&[("grant_type", "client_credentials")]).await.expect_error(400, "unauthorized_client");
}

#[tokio::test]
async fn a_deleted_app_is_locked_out_at_once() {
    let example = Example::shared();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let page = register(&mut grace, "Doomed", "https://doomed.example/cb", true).await.expect(200);
    let app = registered(&example, &page, "https://doomed.example/cb");
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut ada, "links:read").await;
    let (code, verifier) = app.code(&mut ada, "links:read").await;

    let form = deletion(&mut grace, &app).await.expect("the app is listed");
    grace.submit(&form).await.expect(303);
    assert!(deletion(&mut grace, &app).await.is_none());
    app.call("/links", &tokens.access).await.expect_error(401, "invalid_token");
    app.refresh(&tokens.refresh).await.expect_error(401, "invalid_client");
    app.exchange(&code, &verifier).await.expect_error(401, "invalid_client");
    ada.get(&app.request("links:read").path).await.expect_error_page(400);
    assert!(!ada.get("/connected").await.body.contains("Doomed"));
}

#[tokio::test]
async fn nobody_deletes_the_app_of_somebody_else() {
    let example = Example::shared();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let page = register(&mut grace, "Sturdy", "https://sturdy.example/cb", true).await.expect(200);
    let app = registered(&example, &page, "https://sturdy.example/cb");
    let mut ada = Browser::signed_in(&example, ADA).await;
    let page = register(&mut ada, "Mine", "https://mine.example/cb", false).await.expect(200);
    let mine = registered(&example, &page, "https://mine.example/cb");
    assert!(deletion(&mut ada, &app).await.is_none());

    let form = deletion(&mut ada, &mine).await.unwrap();
    for foreign in [app.id.as_str(), "demo", "nobody", "", "\u{e9}"] {
        ada.submit(&form.clone().with("client_id", foreign)).await.expect_error_page(404);
    }
    app.token(&[("grant_type", "client_credentials")]).await.expect(200);
}

#[tokio::test]
async fn what_is_wrong_with_an_app_is_said_and_nothing_is_registered() {
    let example = Example::shared();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    for (name, redirect_uris, confidential) in [
        ("", "https://bad.example/cb", false),
        ("   ", "https://bad.example/cb", false),
        (&*"x".repeat(5_000), "https://bad.example/cb", false),
        ("Bad Redirects", "", false),
        ("Bad Redirects", "javascript:alert(1)", true),
        ("Bad Redirects", "http://bad.example/cb", true),
        ("Bad Redirects", "https://bad.example/cb#fragment", true),
        ("Bad Redirects", "https://good.example/cb\r\nhttps://*.bad.example/cb", true),
        ("Bad Redirects", &*(0..100).map(|at| format!("https://bad.example/{at}\r\n")).collect::<String>(), true),
    ] {
        let page = register(&mut grace, name, redirect_uris, confidential).await.expect(422);
        assert_eq!(page.texts("[role=alert]").len(), 1);
        // Nothing has to be typed twice.
        let form = page.form("/developers");
        assert_eq!(
            (form.value("name"), form.value("type")),
            (name, if confidential { "confidential" } else { "public" })
        );
    }
    let page = grace.get("/developers").await;
    assert!(!page.body.contains("Bad Redirects") && !page.body.contains("bad.example"));
}
