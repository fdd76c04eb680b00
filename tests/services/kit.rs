//! Kit: an app store, secure apps and single-page apps, and a name for the tenant.

mod app_store;

use grantor::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::harness::dashboard::{listed, make_token, press};
use super::harness::{
    CHALLENGE, Known, Place, Service, VERIFIER, answer_members, changed, expect_members, expect_refusal, integer, text,
};
use super::support::{ADA, Browser, Reply};

/// A secure app: one that keeps a secret on its server.
const SECURE: Known = Known {
    id: "kit-secure",
    secret: Some("a-secret-that-only-the-secure-app-has-0123"),
    redirect_uris: &["https://secure.example/cb", "https://staging.secure.example/cb"],
};
/// An app in a web page.
const PAGE: Known = Known { id: "kit-page", secret: None, redirect_uris: &["https://page.example/"] };
const ORIGIN: &str = "https://page.example";

const TWO_DAYS: u64 = 172_800;
const TWO_HOURS: u64 = 7_200;

scenarios! {
    the_refresh_token_flow_gives_exactly_the_documented_members
    each_refresh_gives_another_refresh_token_and_two_hours
    the_scope_is_public_unless_the_app_says_otherwise
    the_name_of_the_tenant_is_shown_and_kept_with_the_grant
    connected_apps_show_the_name_of_the_tenant
    a_page_of_another_origin_gets_its_token_from_the_browser
    an_app_without_a_secret_needs_a_code_challenge
    api_keys_exist_beside_oauth
}

fn start(place: Place) -> Service {
    Service::start(place, "kit", &json!([SECURE.document(), PAGE.document()]), &[])
}

/// The authorization request as it is documented; the scope is left out, so it is the default.
fn request() -> Vec<(&'static str, &'static str)> {
    vec![
        ("client_id", SECURE.id),
        ("response_type", "code"),
        ("redirect_uri", SECURE.redirect_uri()),
        ("state", "xyz 1/2"),
        ("tenant_name", "Acme Inc."),
    ]
}

fn page_request() -> Vec<(&'static str, &'static str)> {
    vec![
        ("client_id", PAGE.id),
        ("response_type", "code"),
        ("redirect_uri", PAGE.redirect_uri()),
        ("scope", "public"),
        ("state", "xyz 1/2"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// The token request of a secure app as it is documented.
async fn exchange(kit: &Service, code: &str, changes: &[(&str, &str)]) -> Reply {
    let fields = [
        ("client_id", SECURE.id),
        ("client_secret", SECURE.secret.unwrap()),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", SECURE.redirect_uri()),
    ];
    kit.form("/v4/oauth/token", &[], &changed(&fields, changes)).await
}

async fn refresh(kit: &Service, token: &str) -> Reply {
    let fields = [
        ("client_id", SECURE.id),
        ("client_secret", SECURE.secret.unwrap()),
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
    ];
    kit.form("/v4/oauth/token", &[], &fields).await
}

async fn code(kit: &Service, browser: &mut Browser) -> String {
    kit.approve(browser, &request()).await.answer_to(SECURE.redirect_uri()).code().to_owned()
}

fn unix_seconds() -> u64 {
    SystemClock.now().unix_seconds().try_into().unwrap()
}

/// The members of a token response that was made since `before`.
fn documented(expires_in: u64, before: u64) -> Value {
    json!({
        "access_token": text(""),
        "token_type": "Bearer",
        "expires_in": expires_in,
        "refresh_token": text(""),
        "scope": "public",
        "created_at": integer(before..=unix_seconds()),
    })
}

async fn the_refresh_token_flow_gives_exactly_the_documented_members(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    for redirect_uri in SECURE.redirect_uris {
        let before = unix_seconds();
        let answer = kit.approve(&mut ada, &changed(&request(), &[("redirect_uri", redirect_uri)])).await;
        let members = answer_members(&answer, redirect_uri);
        assert_eq!(members.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
        assert_eq!(members["state"], "xyz 1/2");
        let tokens = exchange(&kit, &members["code"], &[("redirect_uri", redirect_uri)]).await.expect(200);
        expect_members(&tokens, documented(TWO_DAYS, before));
        kit.call("/v4/account", &tokens.text("access_token")).await.expect(200).json();
    }
    for wrong in ["https://secure.example/cb/", "https://secure.example/", "https://page.example/"] {
        let asked = kit.authorize(&changed(&request(), &[("redirect_uri", wrong)]));
        ada.get(&asked).await.expect_error_page(400);
    }
    // The code is for the URI that received it, and for who has the secret.
    let code = code(&kit, &mut ada).await;
    let elsewhere = [("redirect_uri", SECURE.redirect_uris[1])];
    expect_refusal(exchange(&kit, &code, &elsewhere).await, 400, "invalid_grant");
    for secret in ["wrong", ""] {
        expect_refusal(exchange(&kit, &code, &[("client_secret", secret)]).await, 401, "invalid_client");
    }
    exchange(&kit, &code, &[]).await.expect(200);
}

async fn each_refresh_gives_another_refresh_token_and_two_hours(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    let first = exchange(&kit, &code(&kit, &mut ada).await, &[]).await.expect(200);
    let mut refresh_tokens = vec![first.text("refresh_token")];
    let mut access_tokens = vec![first.text("access_token")];
    for _ in 0..3 {
        let before = unix_seconds();
        let again = refresh(&kit, refresh_tokens.last().unwrap()).await.expect(200);
        expect_members(&again, documented(TWO_HOURS, before));
        assert!(!refresh_tokens.contains(&again.text("refresh_token")));
        assert!(!access_tokens.contains(&again.text("access_token")));
        refresh_tokens.push(again.text("refresh_token"));
        access_tokens.push(again.text("access_token"));
    }
    let newest = access_tokens.last().unwrap();
    kit.call("/v4/account", newest).await.expect(200);
    // A token that was replaced, and whose successor was used, is in wrong hands: everything ends (RFC 9700 §4.14.2).
    expect_refusal(refresh(&kit, &refresh_tokens[0]).await, 400, "invalid_grant");
    expect_refusal(refresh(&kit, refresh_tokens.last().unwrap()).await, 400, "invalid_grant");
    kit.call("/v4/account", newest).await.expect_error(401, "invalid_token");
}

async fn the_scope_is_public_unless_the_app_says_otherwise(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    for scope in [&[][..], &[("scope", "public")], &[("scope", "")]] {
        let asked = [&request()[..], scope, &[("prompt", "consent")]].concat();
        let code = kit.approve(&mut ada, &asked).await.answer_to(SECURE.redirect_uri()).code().to_owned();
        assert_eq!(exchange(&kit, &code, &[]).await.expect(200).text("scope"), "public");
    }
    let asked = [&request()[..], &[("scope", "private")]].concat();
    let refused = ada.get(&kit.authorize(&asked)).await.answer_to(SECURE.redirect_uri());
    assert_eq!((refused.error(), refused.get("state")), ("invalid_scope", Some("xyz 1/2")));
}

async fn the_name_of_the_tenant_is_shown_and_kept_with_the_grant(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    let name = "Acme <b>Inc.</b> & Söhne";
    let asked = changed(&request(), &[("tenant_name", name)]);
    let page = ada.get(&kit.authorize(&asked)).await.expect(200);
    assert!(page.texts("main").join(" ").contains(name), "{}", page.body);
    let answer = ada.submit(&page.form("/v4/oauth/authorize").press("decision", "approve")).await;
    exchange(&kit, answer.answer_to(SECURE.redirect_uri()).code(), &[]).await.expect(200);

    // Whoever approved it for one tenant is asked again for another, and not for the same.
    let asked_again = kit.authorize(&asked);
    assert_eq!(ada.get(&asked_again).await.status, 303);
    let other = kit.authorize(&changed(&asked, &[("tenant_name", "Other Ltd.")]));
    assert!(ada.get(&other).await.expect(200).texts("main").join(" ").contains("Other Ltd."));
    // Nobody has to name one.
    let page = ada.get(&kit.authorize(&changed(&asked, &[("tenant_name", "")]))).await.expect(200);
    assert!(!page.texts("main").join(" ").contains("Acme"), "{}", page.body);
}

async fn connected_apps_show_the_name_of_the_tenant(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    code(&kit, &mut ada).await;
    let row = listed(&ada.get("/connected").await, "The kit-secure app").unwrap();
    assert!(row.contains("Acme Inc."), "{row}");
}

async fn a_page_of_another_origin_gets_its_token_from_the_browser(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    let before = unix_seconds();
    let answer = kit.approve(&mut ada, &page_request()).await;
    let code = answer.answer_to(PAGE.redirect_uri()).code().to_owned();

    let preflight = kit.preflight("/v4/oauth/token", ORIGIN, "POST", "content-type").await;
    assert!([200, 204].contains(&preflight.status.as_u16()), "{preflight:?}");
    expect_cors(&preflight);
    expect_words(&preflight, "access-control-allow-methods", "POST");
    expect_words(&preflight, "access-control-allow-headers", "content-type");

    let fields = [
        ("client_id", PAGE.id),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", PAGE.redirect_uri()),
        ("code_verifier", VERIFIER),
    ];
    // A mistake can be read by the page, too.
    let wrong = changed(&fields, &[("code_verifier", CHALLENGE)]);
    let refused = kit.form("/v4/oauth/token", &[("origin", ORIGIN)], &wrong).await;
    expect_cors(&refused);
    expect_refusal(refused, 400, "invalid_grant");
    let unknown = changed(&fields, &[("client_id", "nobody")]);
    let refused = kit.form("/v4/oauth/token", &[("origin", ORIGIN)], &unknown).await;
    expect_cors(&refused);
    expect_words(&refused, "access-control-expose-headers", "www-authenticate");
    expect_refusal(refused, 401, "invalid_client");
    let tokens = kit.form("/v4/oauth/token", &[("origin", ORIGIN)], &fields).await.expect(200);
    expect_cors(&tokens);
    expect_members(&tokens, documented(TWO_DAYS, before));

    // The API is called from there as well.
    let preflight = kit.preflight("/v4/account", ORIGIN, "GET", "authorization").await;
    assert!([200, 204].contains(&preflight.status.as_u16()), "{preflight:?}");
    expect_cors(&preflight);
    expect_words(&preflight, "access-control-allow-headers", "authorization");
    let bearer = format!("Bearer {}", tokens.text("access_token"));
    let account = kit.get("/v4/account", &[("origin", ORIGIN), ("authorization", &bearer)]).await.expect(200);
    expect_cors(&account);
    let refused = kit.get("/v4/account", &[("origin", ORIGIN)]).await.expect(401);
    expect_cors(&refused);
    expect_words(&refused, "access-control-expose-headers", "www-authenticate");
    // The pages are for people, and no other site's script reads them.
    for path in [kit.authorize(&page_request()), "/connected".to_owned(), "/signin".to_owned()] {
        let page = kit.get(&path, &[("origin", ORIGIN)]).await;
        let preflight = kit.preflight(&path, ORIGIN, "GET", "content-type").await;
        for reply in [page, preflight] {
            let names = reply.headers.keys().map(|name| name.as_str());
            assert!(names.into_iter().all(|name| !name.starts_with("access-control")), "{reply:?}");
        }
    }
}

/// The script may read it, and no cookie has anything to do with it.
#[track_caller]
fn expect_cors(reply: &Reply) {
    let origin = reply.header("access-control-allow-origin");
    assert!([Some("*"), Some(ORIGIN)].contains(&origin), "{reply:?}");
    assert_eq!(reply.header("access-control-allow-credentials"), None, "{reply:?}");
    // What differs from origin to origin says so to caches.
    assert!(origin == Some("*") || reply.header("vary").is_some_and(|vary| vary.to_lowercase().contains("origin")));
}

#[track_caller]
fn expect_words(reply: &Reply, header: &str, wanted: &str) {
    let value = reply.header(header).unwrap_or_else(|| panic!("no {header} in {reply:?}"));
    assert!(value.split(',').any(|word| word.trim().eq_ignore_ascii_case(wanted)), "{reply:?}");
}

async fn an_app_without_a_secret_needs_a_code_challenge(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    for changes in [
        &[("code_challenge", ""), ("code_challenge_method", "")][..],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "")],
    ] {
        let refused = ada.get(&kit.authorize(&changed(&page_request(), changes))).await;
        let members = answer_members(&refused, PAGE.redirect_uri());
        assert_eq!((members["error"].as_str(), members["state"].as_str()), ("invalid_request", "xyz 1/2"));
    }
    // And no secret of anybody else's makes up for the verifier.
    let app = kit.app(PAGE);
    let (code, verifier) = app.code(&mut ada, "public").await;
    let fields = [
        ("client_id", PAGE.id),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", PAGE.redirect_uri()),
    ];
    expect_refusal(kit.form("/v4/oauth/token", &[], &fields).await, 400, "invalid_grant");
    let with_secret = [&fields[..], &[("client_secret", SECURE.secret.unwrap())]].concat();
    expect_refusal(kit.form("/v4/oauth/token", &[], &with_secret).await, 401, "invalid_client");
    app.exchange(&code, &verifier).await.expect(200);
}

async fn api_keys_exist_beside_oauth(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    let code = code(&kit, &mut ada).await;
    let access = exchange(&kit, &code, &[]).await.expect(200).text("access_token");
    let key = make_token(&mut ada, &[("name", "Automation"), ("scope", "public")]).await;
    let answers = [kit.call("/v4/account", &access).await.expect(200), kit.call("/v4/account", &key).await.expect(200)];
    assert_eq!(answers[0].json(), answers[1].json());
    press(&mut ada, "/tokens", "Automation", "/revoke").await;
    kit.call("/v4/account", &key).await.expect_error(401, "invalid_token");
    kit.call("/v4/account", &access).await.expect(200);
}
