//! The page on which a developer registers apps.

use std::collections::BTreeSet;

use super::support::html::{Form, forms, select};
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

/// What a form asks for.
fn asked_for(page: &Reply, action: &str) -> BTreeSet<String> {
    let document = page.page();
    let controls = select(&document, &format!("form[action='{action}'] [name]"));
    controls.iter().map(|control| control.attr("name").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_service_asks_for_what_it_knows_and_for_nothing_else() {
    for (service, own, own_of_a_known_app) in [
        ("snip", &["type", "workspace"][..], &[][..]),
        ("linkkit", &["type"], &[]),
        ("clyk", &[], &[]),
        ("trimlink", &["type", "workspace", "password"], &[]),
        ("kit", &["type", "authorization_url"], &["authorization_url"]),
        ("klink", &["type", "workspace", "environment"], &["environment"]),
    ] {
        let example = Example::start_with(&[("--service", service)]);
        let mut ada = Browser::signed_in(&example, ADA).await;
        let page = ada.get("/developers").await;
        let every = ["csrf", "name", "description", "link", "logo", "redirect_uris"];
        let and = |more: &[&str]| every.iter().chain(more).map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!(asked_for(&page, "/developers"), and(own), "{service}");

        let filled = [("name", "Asked"), ("redirect_uris", "https://asked.example/cb")];
        let filled = filled.into_iter().chain([("type", "confidential"), ("password", ADA.password)]);
        let filled = filled.filter(|(field, _)| and(own).contains(*field));
        let form = filled.fold(page.form("/developers"), |form, (field, value)| form.with(field, value));
        let app = registered(&example, &ada.submit(&form).await.expect(200), "https://asked.example/cb");
        let page = ada.get(&format!("/developers/app?client_id={}", app.id)).await.expect(200);
        let of_a_known_app = [&["client_id"], own_of_a_known_app].concat();
        assert_eq!(asked_for(&page, "/developers/edit"), and(&of_a_known_app), "{service}");
        for action in ["rotate-secret", "reset-secret"] {
            let asked = asked_for(&page, &format!("/developers/{action}"));
            assert_eq!(asked.contains("client_id"), own.contains(&"type"), "{service} {action}");
            assert_eq!(asked.contains("password"), own.contains(&"password"), "{service} {action}");
        }
    }
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_taken_is_named_with_the_reason() {
    let example = Example::start_with(&[("--service", "klink")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = ada.get("/developers").await.form("/developers").with("name", "Refused");
    let many: Vec<String> = (0..21).map(|at| format!("https://many.example/{at}")).collect();
    for (typed, words) in [
        ("https://good.example/\nhttp://localhost/cb", ["http://localhost/cb", "In production"]),
        ("https://good.example/\nhttp://127.0.0.1/cb", ["http://127.0.0.1/cb", "In production"]),
        ("https://good.example/\nplanner:/cb", ["planner:/cb", "dot"]),
        ("https://good.example/\nhttp://plain.example/cb", ["http://plain.example/cb", "https"]),
        ("https://good.example/#x", ["https://good.example/#x", "fragment"]),
        (&*many.join("\n"), ["21", "redirect URIs"]),
    ] {
        let page = ada.submit(&form.clone().with("redirect_uris", typed)).await.expect(422);
        let said = page.texts("[role=alert]").join("|");
        assert!(words.iter().all(|word| said.contains(word)), "{words:?} in {said}");
        assert_eq!(page.form("/developers").value("redirect_uris"), typed);
    }
}

#[tokio::test]
async fn the_form_for_a_new_app_does_nothing_for_another_page_or_site() {
    let example = Example::shared();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let form = grace.get("/developers").await.form("/developers").with("name", "Forged App");
    let form = form.with("redirect_uris", "https://forged.example/cb");
    let links = grace.get("/").await.form("/links").value("csrf").to_owned();
    for csrf in ["", "x", &links] {
        grace.submit(&form.clone().with("csrf", csrf)).await.expect_error_page(403);
    }
    grace.submit(&form.clone().without("csrf")).await.expect_error_page(403);
    for headers in [[("origin", "https://evil.example")], [("sec-fetch-site", "same-site")]] {
        grace.submit_from(&form, &headers).await.expect_error_page(403);
    }
    Browser::signed_in(&example, ADA).await.submit(&form).await.expect_error_page(403);
    let sent = Browser::new(&example).submit(&form).await;
    assert!(sent.redirect().starts_with("/signin?"), "{sent:?}");
    assert!(!grace.get("/developers").await.body.contains("Forged App"));
}

#[tokio::test]
async fn a_stolen_session_is_no_way_to_guess_the_password_at_the_form_for_a_new_app() {
    let example = Example::start_with(&[("--service", "trimlink")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = ada.get("/developers").await.form("/developers").with("name", "Guessed");
    let form = form.with("redirect_uris", "https://guessed.example/cb");
    let mut guesses = 0;
    while ada.submit(&form.clone().with("password", "guess")).await.status == 422 {
        guesses += 1;
        assert!(guesses < 100);
    }
    ada.submit(&form.with("password", ADA.password)).await.expect_error_page(429);
    assert!(!ada.get("/developers").await.body.contains("Guessed"));
}
