//! Kit: an app store, secure apps and single-page apps, and a name for the tenant.

use grantor::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::harness::dashboard::{
    app_action, app_page, form_of, listed, make_token, press, register_app, secret, switch_secure,
};
use super::harness::{Known, Place, Service, answer_members, changed, expect_members, integer, query, sentence, text};
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

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

scenarios! {
    the_refresh_token_flow_gives_exactly_the_documented_members
    each_refresh_gives_another_refresh_token_and_two_hours
    the_scope_is_public_unless_the_app_says_otherwise
    the_name_of_the_tenant_is_shown_and_kept_with_the_grant
    connected_apps_show_the_name_of_the_tenant
    a_page_of_another_origin_gets_its_token_from_the_browser
    an_app_without_a_secret_needs_a_code_challenge
    the_switch_makes_an_app_secure_and_takes_that_back
    the_app_store_sends_people_to_an_app_and_the_app_sends_them_back
    nobody_is_sent_to_a_foreign_address_after_an_installation
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

#[track_caller]
fn expect_refusal(reply: Reply, status: u16, error: &str) {
    let reply = reply.expect_error(status, error);
    expect_members(&reply, json!({ "error": error, "error_description": sentence() }));
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

const MADE_URI: &str = "https://made.example/cb";
const AUTHORIZATION_URL: &str = "https://made.example/install?from=kit";

fn fields(kind: &str) -> Vec<(&str, &str)> {
    vec![("name", "Made App"), ("redirect_uris", MADE_URI), ("type", kind), ("authorization_url", AUTHORIZATION_URL)]
}

async fn the_switch_makes_an_app_secure_and_takes_that_back(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    let app = register_app(&mut ada, &fields("confidential")).await;
    let first_secret = app.secret.clone().unwrap();
    let ask = changed(&request(), &[("client_id", &app.client_id), ("redirect_uri", MADE_URI)]);
    let own = [("client_id", app.client_id.as_str()), ("redirect_uri", MADE_URI)];
    let exchange_by = async |code: &str, proof: (&str, &str)| {
        let none = ("client_secret", "");
        exchange(&kit, code, &[own[0], own[1], none, proof]).await
    };
    // Secure: it needs its secret, and no code challenge.
    let code = kit.approve(&mut ada, &ask).await.answer_to(MADE_URI).code().to_owned();
    expect_refusal(exchange_by(&code, ("client_secret", "")).await, 401, "invalid_client");
    exchange_by(&code, ("client_secret", &first_secret)).await.expect(200);

    // Not secure: it needs a code challenge, and its secret is none any more.
    switch_secure(&mut ada, &app.client_id, "off").await;
    let refused = ada.get(&kit.authorize(&ask)).await.answer_to(MADE_URI);
    assert_eq!(refused.error(), "invalid_request");
    let proof = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256"), ("prompt", "consent")];
    let proven = [&ask[..], &proof].concat();
    let code = kit.approve(&mut ada, &proven).await.answer_to(MADE_URI).code().to_owned();
    expect_refusal(exchange_by(&code, ("client_secret", &first_secret)).await, 401, "invalid_client");
    exchange_by(&code, ("code_verifier", VERIFIER)).await.expect(200);

    // And secure again: with a secret that is shown then.
    let page = switch_secure(&mut ada, &app.client_id, "on").await;
    let second_secret = secret(&page).expect("a secret");
    assert_ne!(second_secret, first_secret);
    assert!(!app_page(&mut ada, &app.client_id).await.body.contains(&second_secret));
    let asked = [&ask[..], &[("prompt", "consent")]].concat();
    let code = kit.approve(&mut ada, &asked).await.answer_to(MADE_URI).code().to_owned();
    for wrong in ["", first_secret.as_str()] {
        expect_refusal(exchange_by(&code, ("client_secret", wrong)).await, 401, "invalid_client");
    }
    exchange_by(&code, ("client_secret", &second_secret)).await.expect(200);
    // Whose secret was lost gets another one.
    let page = app_action(&mut ada, &app.client_id, "/developers/reset-secret").await;
    assert_ne!(secret(&page).expect("another secret"), second_secret);
}

async fn the_app_store_sends_people_to_an_app_and_the_app_sends_them_back(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    let app = register_app(&mut ada, &fields("public")).await;
    register_app(&mut ada, &[("name", "Uninstallable"), ("redirect_uris", "https://none.example/cb")]).await;
    let store = ada.get("/apps").await.expect(200);
    assert!(listed(&store, "Made App").is_some() && listed(&store, "Uninstallable").is_none(), "{}", store.body);

    // To the app's own address, with where to come back to.
    let away = ada.submit(&form_of(&store, "Made App", "/apps/install")).await;
    let rest = away.redirect().strip_prefix(AUTHORIZATION_URL).expect("the address of the app").to_owned();
    let parameters: Vec<(String, String)> =
        form_urlencoded::parse(rest.trim_start_matches('&').as_bytes()).into_owned().collect();
    assert_eq!(parameters.len(), 1, "{rest}");
    assert_eq!(parameters[0].0, "redirect");
    let back = parameters[0].1.clone();
    assert!(back.starts_with(&kit.url("/")), "{back}");
    assert!(app.secret.is_none());

    // The demo is such an app: it asks for access, and brings the person back to the store.
    let store = ada.get("/apps").await.expect(200);
    let away = ada.submit(&form_of(&store, "Link Board", "/apps/install")).await;
    let installation = away.redirect().strip_prefix(&kit.example.origin()).expect("a page of the demo").to_owned();
    assert!(installation.starts_with("/demo/install?redirect="), "{installation}");
    let target = installation.split_once("redirect=").unwrap().1;
    let target = form_urlencoded::parse(format!("t={target}").as_bytes()).next().unwrap().1.into_owned();
    let consent = ada.visit(&installation).await.expect(200);
    let answer = ada.submit(&consent.form("/v4/oauth/authorize").press("decision", "approve")).await;
    let callback = answer.redirect().strip_prefix(&kit.example.origin()).unwrap().to_owned();
    let end = ada.get(&callback).await;
    let end = end.redirect().strip_prefix(&kit.example.origin()).unwrap_or(end.redirect()).to_owned();
    assert_eq!(format!("{}{end}", kit.example.origin()), target);
    assert!(end.starts_with("/apps"), "{end}");
    ada.get(&end).await.expect(200);
    assert!(listed(&ada.get("/connected").await, "Link Board").is_some());
}

async fn nobody_is_sent_to_a_foreign_address_after_an_installation(place: Place) {
    let kit = start(place);
    let mut ada = Browser::signed_in(&kit.example, ADA).await;
    for foreign in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        &format!("{}@evil.example/", kit.example.origin()),
        &format!("{}.evil.example/", kit.example.origin()),
        "javascript:alert(1)",
        "/%2f/evil.example",
    ] {
        let asked = ada.get(&query("/demo/install", &[("redirect", foreign)])).await;
        asked.expect_error_page(400);
    }
    // An app that cannot be installed, or is none, is not a way out either.
    let form = ada.get("/apps").await.expect(200);
    let form = form_of(&form, "Link Board", "/apps/install");
    for unknown in ["nobody", SECURE.id] {
        let refused = ada.submit(&form.clone().with("client_id", unknown)).await;
        assert!(refused.status.is_client_error(), "{refused:?}");
    }
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
