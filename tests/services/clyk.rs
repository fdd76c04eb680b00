//! CLYK: public clients that register themselves, S256 only, and tokens that are API keys.

mod discovery;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::harness::dashboard::{listed, make_token, press, revoke_app};
use super::harness::{
    CHALLENGE, Known, Place, Service, VERIFIER, answer_members, changed, expect_members, expect_refusal, text, words,
};
use super::support::{ADA, Browser, GRACE, Reply};

const SCOPES: [&str; 9] = [
    "links:read",
    "links:write",
    "stats:read",
    "bio:read",
    "bio:write",
    "mcp:tools",
    "sponsorships:read",
    "sponsorships:write",
    "subscribers:read",
];

const REDIRECT_URI: &str = "https://agent.example/cb";
const SECOND_REDIRECT_URI: &str = "https://agent.example/second";

/// Who is known beforehand: for what is not about registration.
const KNOWN: Known = Known { id: "clyk_oauth_known", secret: None, redirect_uris: &["https://known.example/cb"] };

scenarios! {
    who_has_to_sign_in_comes_back_to_the_consent_page_with_the_request_intact
    the_documented_flow_gives_exactly_the_documented_members
    a_person_who_denies_sends_the_app_an_error_with_its_state
    an_unknown_scope_is_refused_and_not_dropped
    a_code_challenge_is_required_of_everybody_and_only_s256_will_do
    a_code_lives_for_ten_minutes
    a_code_works_once_and_with_the_redirect_uri_that_received_it
    the_token_endpoint_tells_its_errors_by_the_documented_codes
    there_is_no_grant_but_that_of_a_code
    a_key_from_the_dashboard_is_a_token_like_those_of_apps
    the_mcp_server_takes_the_same_keys_and_tokens
    keys_and_tokens_count_against_one_limit
    keys_and_apps_are_listed_and_revoked_on_one_page
}

fn start(place: Place) -> Service {
    Service::start(place, "clyk", &json!([KNOWN.document()]), &[])
}

/// What an agent registers: the two members that are documented.
fn registration() -> Value {
    json!({ "client_name": "Agent", "redirect_uris": [REDIRECT_URI, SECOND_REDIRECT_URI] })
}

async fn register(clyk: &Service, document: &Value) -> Reply {
    clyk.json("/oauth/register", &[], document).await
}

async fn registered(clyk: &Service) -> String {
    register(clyk, &registration()).await.expect(201).text("client_id")
}

/// The authorization request as it is documented.
fn request<'a>(client_id: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT_URI),
        ("scope", scope),
        ("state", "xyz 1/2"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// The token request as it is documented, with what differs.
async fn exchange(clyk: &Service, client_id: &str, code: &str, changes: &[(&str, &str)]) -> Reply {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("client_id", client_id),
        ("code_verifier", VERIFIER),
    ];
    clyk.form("/oauth/token", &[], &changed(&fields, changes)).await
}

async fn code(clyk: &Service, browser: &mut Browser, client_id: &str) -> String {
    let answer = clyk.approve(browser, &request(client_id, "links:read")).await;
    answer.answer_to(REDIRECT_URI).code().to_owned()
}

/// A token of an app that registered itself.
async fn token(clyk: &Service, browser: &mut Browser, client_id: &str) -> String {
    let code = code(clyk, browser, client_id).await;
    exchange(clyk, client_id, &code, &[]).await.expect(200).text("access_token")
}

async fn who_has_to_sign_in_comes_back_to_the_consent_page_with_the_request_intact(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let asked = clyk.authorize(&request(&client_id, "links:read stats:read"));
    let mut browser = Browser::new(&clyk.example);
    let away = browser.get(&asked).await;
    let sign_in = away.redirect().strip_prefix(&clyk.example.origin()).unwrap_or(away.redirect()).to_owned();
    assert!(sign_in.starts_with("/auth/signin?"), "{sign_in}");
    let page = browser.get(&sign_in).await.expect(200);
    let wrong = page.form("/auth/signin").with("username", ADA.username).with("password", "wrong");
    let again = browser.submit(&wrong).await;
    assert!(again.status.is_client_error(), "{again:?}");
    let form = again.form("/auth/signin").with("username", ADA.username).with("password", ADA.password);
    assert_eq!(browser.submit(&form).await.redirect(), asked);

    let consent = browser.get(&asked).await.expect(200);
    let form = consent.form("/oauth/authorize");
    assert_eq!(form.values("scope").collect::<BTreeSet<_>>(), BTreeSet::from(["links:read", "stats:read"]));
    assert!(consent.texts("main").join(" ").contains("Agent"));
    let answer = browser.submit(&form.press("decision", "approve")).await;
    let answer = answer.answer_to(REDIRECT_URI);
    assert_eq!(answer.get("state"), Some("xyz 1/2"));
    exchange(&clyk, &client_id, answer.code(), &[]).await.expect(200);
}

async fn the_documented_flow_gives_exactly_the_documented_members(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let answer = clyk.approve(&mut ada, &request(&client_id, &SCOPES.join(" "))).await;
    let members = answer_members(&answer, REDIRECT_URI);
    assert_eq!(members.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    assert_eq!((members["state"].as_str(), &members["iss"]), ("xyz 1/2", &clyk.example.origin()));

    let from_a_page = [("origin", "https://agent.example")];
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &members["code"]),
        ("redirect_uri", REDIRECT_URI),
        ("client_id", &client_id),
        ("code_verifier", VERIFIER),
    ];
    let tokens = clyk.form("/oauth/token", &from_a_page, &fields).await.expect(200);
    assert_eq!(tokens.header("access-control-allow-origin"), Some("*"));
    expect_members(
        &tokens,
        json!({
            "access_token": text("clyk_live_"), "token_type": "Bearer", "scope": words(&SCOPES), "refresh_token": null,
        }),
    );
    let me = clyk.call("/api/v1/me", &tokens.text("access_token")).await.expect(200);
    assert_eq!(me.json()["username"], ADA.username);
}

async fn a_person_who_denies_sends_the_app_an_error_with_its_state(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let page = ada.get(&clyk.authorize(&request(&client_id, "links:read"))).await.expect(200);
    let answer = ada.submit(&page.form("/oauth/authorize").press("decision", "deny")).await;
    let mut members = answer_members(&answer, REDIRECT_URI);
    members.remove("error_description");
    assert_eq!(members.keys().collect::<Vec<_>>(), ["error", "iss", "state"]);
    assert_eq!((members["error"].as_str(), members["state"].as_str()), ("access_denied", "xyz 1/2"));
    assert!(listed(&ada.get("/connected").await, "Agent").is_none());
}

async fn an_unknown_scope_is_refused_and_not_dropped(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    for scope in ["links:everything", "links:read links:everything", "LINKS:READ", "*"] {
        let answer = ada.get(&clyk.authorize(&request(&client_id, scope))).await;
        let members = answer_members(&answer, REDIRECT_URI);
        assert_eq!((members["error"].as_str(), members["state"].as_str()), ("invalid_scope", "xyz 1/2"), "{scope}");
    }
}

async fn a_code_challenge_is_required_of_everybody_and_only_s256_will_do(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    for changes in [
        &[("code_challenge", ""), ("code_challenge_method", "")][..],
        &[("code_challenge_method", "plain")],
        // Nothing means plain (RFC 7636 §4.3).
        &[("code_challenge_method", "")],
        &[("code_challenge", "")],
        &[("code_challenge_method", "s256")],
        &[("code_challenge", "too-short")],
    ] {
        let request = changed(&request(&client_id, "links:read"), changes);
        let members = answer_members(&ada.get(&clyk.authorize(&request)).await, REDIRECT_URI);
        assert_eq!((members["error"].as_str(), members["state"].as_str()), ("invalid_request", "xyz 1/2"));
    }
    // Also of who was known before anybody registered.
    let bare = [
        ("response_type", "code"),
        ("client_id", KNOWN.id),
        ("redirect_uri", KNOWN.redirect_uri()),
        ("scope", "links:read"),
    ];
    let refused = ada.get(&clyk.authorize(&bare)).await;
    assert_eq!(refused.answer_to(KNOWN.redirect_uri()).error(), "invalid_request");
}

async fn a_code_works_once_and_with_the_redirect_uri_that_received_it(place: Place) {
    let clyk = start(place);
    let [client_id, other] = [registered(&clyk).await, registered(&clyk).await];
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let code = code(&clyk, &mut ada, &client_id).await;
    for changes in [
        &[("redirect_uri", SECOND_REDIRECT_URI)][..],
        &[("redirect_uri", "https://agent.example/cb/")],
        &[("client_id", &other)],
        &[("code_verifier", "another-verifier-which-is-long-enough-to-be-one")],
        &[("code_verifier", CHALLENGE)],
    ] {
        expect_refusal(exchange(&clyk, &client_id, &code, changes).await, 400, "invalid_grant");
    }
    // No mistake used it up.
    let token = exchange(&clyk, &client_id, &code, &[]).await.expect(200).text("access_token");
    clyk.call("/api/v1/me", &token).await.expect(200);
    expect_refusal(exchange(&clyk, &client_id, &code, &[]).await, 400, "invalid_grant");
    // Whoever has a code twice is not trusted with what it gave (RFC 6749 §4.1.2).
    clyk.call("/api/v1/me", &token).await.expect_error(401, "invalid_token");
}

async fn a_code_lives_for_ten_minutes(place: Place) {
    let clyk = start(place);
    // Where there are tables, time can be turned.
    if !clyk.has_token_tables() {
        return;
    }
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let mut exchange_after = async |seconds: u32| {
        let code = code(&clyk, &mut ada, &client_id).await;
        clyk.example.run_sql(&format!("UPDATE grantor_codes SET expires_at = expires_at - {seconds} * 1000"));
        exchange(&clyk, &client_id, &code, &[]).await
    };
    exchange_after(9 * 60).await.expect(200);
    expect_refusal(exchange_after(10 * 60).await, 400, "invalid_grant");
}

async fn the_token_endpoint_tells_its_errors_by_the_documented_codes(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let code = code(&clyk, &mut ada, &client_id).await;
    for name in ["grant_type", "code"] {
        expect_refusal(exchange(&clyk, &client_id, &code, &[(name, "")]).await, 400, "invalid_request");
    }
    expect_refusal(exchange(&clyk, &client_id, "x", &[]).await, 400, "invalid_grant");
    // RFC 6749 §5.2: who is not known is told so, and not that the code is wrong.
    expect_refusal(exchange(&clyk, "clyk_oauth_nobody", &code, &[]).await, 401, "invalid_client");
    exchange(&clyk, &client_id, &code, &[]).await.expect(200);
}

async fn there_is_no_grant_but_that_of_a_code(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    for grant_type in ["password", "urn:example:other", "client_credentials", "refresh_token"] {
        let changes = [("grant_type", grant_type), ("refresh_token", "x"), ("scope", "links:read")];
        expect_refusal(exchange(&clyk, &client_id, "x", &changes).await, 400, "unsupported_grant_type");
    }
}

async fn a_key_from_the_dashboard_is_a_token_like_those_of_apps(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let token = token(&clyk, &mut ada, &client_id).await;
    let key = make_token(&mut ada, &[("name", "Nightly export"), ("scope", "links:read")]).await;
    assert!(key.starts_with("clyk_live_"), "{key}");
    assert_eq!(key.len(), token.len());
    let answers = [clyk.call("/api/v1/me", &token).await.expect(200), clyk.call("/api/v1/me", &key).await.expect(200)];
    assert_eq!(answers[0].json(), answers[1].json());
    // The check is the same, too: a typo is one, whichever it is, and so is a scope that was not given.
    for wrong in [format!("{key}x"), key[..key.len() - 1].to_owned(), key.replace("clyk_live_", "clyk_test_")] {
        clyk.call("/api/v1/me", &wrong).await.expect_error(401, "invalid_token");
    }
    for held in [&token, &key] {
        clyk.call("/api/v1/stats", held).await.expect_error(403, "insufficient_scope");
    }
    // It was shown once.
    assert!(!ada.get("/tokens").await.expect(200).body.contains(&key));
}

/// What an agent sends first.
async fn initialize(clyk: &Service, token: Option<&str>) -> Reply {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("accept", "application/json, text/event-stream")];
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    let body = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "Agent", "version": "1" },
        },
    });
    clyk.json("/api/mcp", &headers, &body).await
}

async fn the_mcp_server_takes_the_same_keys_and_tokens(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let answer = clyk.approve(&mut ada, &request(&client_id, "links:read mcp:tools")).await;
    let code = answer.answer_to(REDIRECT_URI).code().to_owned();
    let token = exchange(&clyk, &client_id, &code, &[]).await.expect(200).text("access_token");
    let fields = [("name", "Tool key"), ("scope", "links:read"), ("scope", "mcp:tools")];
    let key = make_token(&mut ada, &fields).await;
    for held in [&token, &key] {
        let answer = initialize(&clyk, Some(held)).await.expect(200);
        assert!(answer.body.contains("\"serverInfo\""), "{answer:?}");
        clyk.call("/api/v1/me", held).await.expect(200);
    }
    let challenge = initialize(&clyk, None).await.expect(401);
    let challenge = challenge.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer ") && challenge.contains("resource_metadata=\""), "{challenge}");
    for wrong in ["nonsense", &format!("{key}x")] {
        let challenge = initialize(&clyk, Some(wrong)).await.expect(401);
        assert!(challenge.header("www-authenticate").unwrap().contains("error=\"invalid_token\""), "{challenge:?}");
    }
    revoke_app(&mut ada, "Agent").await;
    press(&mut ada, "/connected", "Tool key", "revoke").await;
    for held in [&token, &key] {
        initialize(&clyk, Some(held)).await.expect(401);
    }
}

async fn keys_and_tokens_count_against_one_limit(place: Place) {
    let clyk = Service::start(place, "clyk", &json!([]), &[("PLAN", "1")]);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let token = token(&clyk, &mut ada, &client_id).await;
    let key = make_token(&mut ada, &[("name", "Nightly export"), ("scope", "links:read")]).await;
    let mut grace = Browser::signed_in(&clyk.example, GRACE).await;
    let others = make_token(&mut grace, &[("name", "Hers"), ("scope", "links:read")]).await;

    clyk.call("/api/v1/me", &key).await.expect(200);
    for held in [&token, &key] {
        let refused = clyk.call("/api/v1/me", held).await.expect(429);
        let after: u32 = refused.header("retry-after").expect("when to come again").parse().unwrap();
        assert!((1..=60).contains(&after), "{refused:?}");
        assert!(refused.json()["error"].is_string(), "{refused:?}");
    }
    clyk.call("/api/v1/me", &others).await.expect(200);
}

async fn keys_and_apps_are_listed_and_revoked_on_one_page(place: Place) {
    let clyk = start(place);
    let client_id = registered(&clyk).await;
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let token = token(&clyk, &mut ada, &client_id).await;
    let key = make_token(&mut ada, &[("name", "Nightly export"), ("scope", "links:read")]).await;
    let kept = make_token(&mut ada, &[("name", "Kept"), ("scope", "links:read")]).await;
    for held in [&token, &key, &kept] {
        clyk.call("/api/v1/me", held).await.expect(200);
    }

    revoke_app(&mut ada, "Agent").await;
    clyk.call("/api/v1/me", &token).await.expect_error(401, "invalid_token");
    clyk.call("/api/v1/me", &key).await.expect(200);
    press(&mut ada, "/connected", "Nightly export", "revoke").await;
    clyk.call("/api/v1/me", &key).await.expect_error(401, "invalid_token");
    clyk.call("/api/v1/me", &kept).await.expect(200);
    let page = ada.get("/connected").await.expect(200);
    assert!(listed(&page, "Agent").is_none());
    assert!(listed(&page, "Kept").is_some());
}
