//! TrimLink: token requests in JSON, signed tokens for a year, workspaces, one scope for everything, and plans.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::harness::dashboard::{
    RegisteredApp, app_action, fill_in, listed, make_token, press, register_app, revoke_app, secret, send_app,
    send_token,
};
use super::harness::{Known, Place, Service, answer_members, changed, expect_members, query, sentence, text, words};
use super::support::{ADA, Browser, GRACE, Reply};

/// An app that may be let into any workspace.
const APP: Known = Known {
    id: "trimlink-app",
    secret: Some("a-secret-that-only-the-app-has-0123456789"),
    redirect_uris: &["https://app.example/oauth/callback"],
};
/// One that is bound to a workspace.
const BOUND: Known = Known {
    id: "trimlink-bound",
    secret: Some("a-secret-that-only-the-bound-app-has-0123"),
    redirect_uris: &["https://bound.example/cb"],
};
/// One on a phone.
const PHONE: Known = Known { id: "trimlink-phone", secret: None, redirect_uris: &["https://phone.example/cb"] };

const SCOPES: [&str; 4] = ["users:read", "short-urls:read", "short-urls:write", "domains:read"];

/// `{"typ":"JWT","alg":"RS256"}`, as the documentation shows it, and the dot that ends it.
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.";
const YEAR: u64 = 31_536_000;

const USERS: &str = "/api/1.0/users/list-all-users";
const SHORT_URLS: &str = "/api/1.0/short-urls/list-all-short-urls";
const NEW_SHORT_URL: &str = "/api/1.0/short-urls/";
const DOMAINS: &str = "/api/1.0/domains/list-all-domains";

/// A link of the workspace "Personal", and one of "Analytical Engines".
const PERSONAL_LINK: &str = "Note_G";
const ENGINES_LINK: &str = "Analytical_engine";

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

scenarios! {
    the_documented_flow_gives_exactly_the_documented_members_for_json
    a_form_does_as_well_as_json
    a_token_request_that_is_no_flat_object_of_texts_is_refused_and_uses_nothing_up
    access_tokens_are_signed_as_documented_and_verify_with_the_published_keys
    a_refresh_needs_no_user_and_gives_another_signed_token
    a_code_challenge_is_optional_and_counts_if_it_was_sent
    redirect_uris_match_exactly
    apps_come_back_by_https_only
    an_app_is_bound_to_the_workspace_that_was_active_when_it_was_made
    an_app_of_one_workspace_reaches_no_other_and_nobody_elses
    a_personal_token_is_bound_to_a_workspace_or_to_all
    only_owners_make_apps_and_personal_tokens
    the_password_is_typed_again_before_anything_is_made
    the_four_endpoints_answer_and_tell_their_errors_by_status
    a_body_that_makes_no_short_url_is_unprocessable
    the_plan_says_how_often_the_api_answers
    a_token_that_is_revoked_ends_at_once
    deleting_an_app_ends_its_tokens_at_once
    a_secret_is_replaced_while_both_are_valid
}

fn start(place: Place) -> Service {
    start_with(place, &[])
}

fn start_with(place: Place, variables: &[(&str, &str)]) -> Service {
    let bound = BOUND.document_with(json!({ "service": { "tenant": "ada-personal" } }));
    Service::start(place, "trimlink", &json!([APP.document(), bound, PHONE.document()]), variables)
}

/// The authorization request as it is documented, with the parameter that means nothing.
fn request(client: Known) -> Vec<(&'static str, &'static str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", client.id),
        ("redirect_uri", client.redirect_uri()),
        ("response_type", "code"),
        ("scope", "*"),
        ("state", "xyz"),
    ]
}

/// Lets the person in `browser` approve everything in a workspace, where there is a choice.
async fn code(trimlink: &Service, browser: &mut Browser, client: Known, workspace: Option<&str>) -> String {
    let asked = [&request(client)[..], &[("prompt", "consent")]].concat();
    let form = browser.get(&trimlink.authorize(&asked)).await.expect(200).form("/app/authorize");
    let form = workspace.into_iter().fold(form, |form, workspace| form.with("workspace", workspace));
    let answer = browser.submit(&form.press("decision", "approve")).await;
    answer.answer_to(client.redirect_uri()).code().to_owned()
}

/// The documented body.
fn exchange(client: Known, code: &str) -> Value {
    json!({
        "grant_type": "authorization_code",
        "client_id": client.id,
        "client_secret": client.secret,
        "redirect_uri": client.redirect_uri(),
        "code": code,
    })
}

async fn post_json(trimlink: &Service, body: &Value) -> Reply {
    trimlink.json("/api/oauth/token", &[("accept", "application/json")], body).await
}

/// The answer to a whole flow of Ada's.
async fn tokens(trimlink: &Service, ada: &mut Browser, client: Known, workspace: Option<&str>) -> Reply {
    let code = code(trimlink, ada, client, workspace).await;
    post_json(trimlink, &exchange(client, &code)).await.expect(200)
}

async fn call(trimlink: &Service, path: &str, token: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    trimlink.get(path, &[("authorization", &bearer), ("accept", "application/json")]).await
}

async fn create(trimlink: &Service, token: &str, body: &str) -> Reply {
    let bearer = format!("Bearer {token}");
    let headers =
        [("authorization", bearer.as_str()), ("accept", "application/json"), ("content-type", "application/json")];
    trimlink.body(NEW_SHORT_URL, &headers, body).await
}

/// What a token response consists of.
fn documented() -> Value {
    json!({
        "token_type": "Bearer",
        "expires_in": YEAR,
        "access_token": text(HEADER),
        "refresh_token": text(""),
        // What the wildcard came to.
        "scope": words(&SCOPES),
    })
}

#[track_caller]
fn expect_refusal(reply: Reply, status: u16, error: &str) {
    let reply = reply.expect_error(status, error);
    expect_members(&reply, json!({ "error": error, "error_description": sentence() }));
}

async fn the_documented_flow_gives_exactly_the_documented_members_for_json(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let answer = trimlink.approve(&mut ada, &request(APP)).await;
    let members = answer_members(&answer, APP.redirect_uri());
    assert_eq!(members.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    assert_eq!(members["state"], "xyz");
    let tokens = post_json(&trimlink, &exchange(APP, &members["code"])).await.expect(200);
    expect_members(&tokens, documented());
    // The refresh token is opaque.
    assert!(!tokens.text("refresh_token").starts_with("eyJ"));
    for path in [USERS, SHORT_URLS, DOMAINS] {
        call(&trimlink, path, &tokens.text("access_token")).await.expect(200).json();
    }
    // The state is optional.
    let mut stateless = request(APP);
    stateless.retain(|(name, _)| *name != "state");
    let members = answer_members(&trimlink.approve(&mut ada, &stateless).await, APP.redirect_uri());
    assert_eq!(members.keys().collect::<Vec<_>>(), ["code", "iss"]);
}

async fn a_form_does_as_well_as_json(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let code = code(&trimlink, &mut ada, APP, None).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", APP.id),
        ("client_secret", APP.secret.unwrap()),
        ("redirect_uri", APP.redirect_uri()),
        ("code", &code),
    ];
    let tokens = trimlink.form("/api/oauth/token", &[], &fields).await.expect(200);
    expect_members(&tokens, documented());
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", APP.id),
        ("client_secret", APP.secret.unwrap()),
        ("refresh_token", &tokens.text("refresh_token")),
    ];
    expect_members(&trimlink.form("/api/oauth/token", &[], &fields).await.expect(200), documented());
}

async fn a_token_request_that_is_no_flat_object_of_texts_is_refused_and_uses_nothing_up(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let code = code(&trimlink, &mut ada, APP, None).await;
    let good = exchange(APP, &code);
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body.to_string()
    };
    let twice = good.to_string().replacen('{', "{\"code\":\"x\",", 1);
    for body in [
        String::new(),
        "{\"grant_type\":".to_owned(),
        format!("{good}}}"),
        format!("[{good}]"),
        "[]".to_owned(),
        "null".to_owned(),
        "\"authorization_code\"".to_owned(),
        with("code", json!({ "is": code })),
        with("code", json!([code])),
        with("code", json!(5)),
        with("client_id", json!([APP.id])),
        with("grant_type", json!(true)),
        twice,
    ] {
        let reply = trimlink.body("/api/oauth/token", &[("content-type", "application/json")], &body).await;
        expect_refusal(reply, 400, "invalid_request");
    }
    // The right body under a wrong name.
    for media_type in ["text/plain", "application/xml", "multipart/form-data; boundary=x"] {
        let reply = trimlink.body("/api/oauth/token", &[("content-type", media_type)], &good.to_string()).await;
        assert!([400, 415].contains(&reply.status.as_u16()), "{reply:?}");
        assert_eq!(reply.json()["error"], "invalid_request");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let reply = trimlink.body("/api/oauth/token", &form, &good.to_string()).await.expect(400);
    assert_eq!(reply.json()["error"], "invalid_request");
    // And a wrong secret is one, in whatever it comes.
    let wrong = with("client_secret", json!("wrong"));
    let reply = trimlink.body("/api/oauth/token", &[("content-type", "application/json")], &wrong).await;
    expect_refusal(reply, 401, "invalid_client");

    // A parameter that means nothing means nothing; the type may name its encoding; and the code is still there.
    let body = with("provider", json!("users"));
    let json = [("content-type", "application/json; charset=utf-8")];
    expect_members(&trimlink.body("/api/oauth/token", &json, &body).await.expect(200), documented());
}

async fn access_tokens_are_signed_as_documented_and_verify_with_the_published_keys(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let access = tokens(&trimlink, &mut ada, BOUND, None).await.text("access_token");
    let parts: Vec<&str> = access.split('.').collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(URL_SAFE_NO_PAD.decode(parts[0]).unwrap(), br#"{"typ":"JWT","alg":"RS256"}"#);

    let origin = trimlink.example.origin();
    let metadata = trimlink.get("/.well-known/oauth-authorization-server", &[]).await.expect(200);
    let metadata: Value = serde_json::from_str(&metadata.body).unwrap();
    let jwks_uri = metadata["jwks_uri"].as_str().unwrap().strip_prefix(&origin).unwrap();
    let keys = trimlink.get(jwks_uri, &[("origin", "https://any.example")]).await.expect(200);
    assert_eq!(keys.header("access-control-allow-origin"), Some("*"));
    let published: Value = serde_json::from_str(&keys.body).unwrap();
    for key in published["keys"].as_array().unwrap() {
        assert_eq!((&key["kty"], &key["alg"]), (&json!("RSA"), &json!("RS256")));
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
    }

    // A library that knows nothing of this server.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[&origin]);
    validation.set_audience(&[&origin]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let set: JwkSet = serde_json::from_str(&keys.body).unwrap();
    let verified = |token: &str| {
        let keys = set.keys.iter().map(|key| DecodingKey::from_jwk(key).unwrap());
        keys.into_iter().find_map(|key| decode::<Value>(token, &key, &validation).ok()).map(|data| data.claims)
    };
    let claims = verified(&access).expect("a published key verifies it");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), YEAR);
    // RFC 9068 §2.2, and the workspace.
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub", "tenant"]);
    assert_eq!((&claims["client_id"], &claims["tenant"]), (&json!(BOUND.id), &json!("ada-personal")));

    // Nothing else is a token: neither another signature, nor none, nor another body.
    let other = tokens(&trimlink, &mut ada, BOUND, None).await.text("access_token");
    let other: Vec<&str> = other.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
    for forged in [
        format!("{}.{}.{}", parts[0], parts[1], other[2]),
        format!("{}.{}.{}", parts[0], other[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{none}.{}.", parts[1]),
    ] {
        assert!(verified(&forged).is_none());
        call(&trimlink, SHORT_URLS, &forged).await.expect_error(401, "invalid_token");
    }
    call(&trimlink, SHORT_URLS, &access).await.expect(200);
}

async fn a_refresh_needs_no_user_and_gives_another_signed_token(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let first = tokens(&trimlink, &mut ada, APP, Some("ada-personal")).await;
    let page = ada.get("/").await;
    ada.submit(&page.form("/signout")).await;
    let mut token = first.text("refresh_token");
    let mut seen = vec![first.text("access_token")];
    for _ in 0..2 {
        let body = json!({
            "grant_type": "refresh_token", "client_id": APP.id, "client_secret": APP.secret, "refresh_token": token,
        });
        let again = post_json(&trimlink, &body).await.expect(200);
        expect_members(&again, documented());
        let access = again.text("access_token");
        assert!(!seen.contains(&access));
        let links = call(&trimlink, SHORT_URLS, &access).await.expect(200).body;
        // It is still for the one workspace.
        assert!(links.contains(PERSONAL_LINK) && !links.contains(ENGINES_LINK), "{links}");
        seen.push(access);
        token = again.text("refresh_token");
    }
    let stolen = json!({
        "grant_type": "refresh_token", "client_id": BOUND.id, "client_secret": BOUND.secret, "refresh_token": token,
    });
    expect_refusal(post_json(&trimlink, &stolen).await, 400, "invalid_grant");
}

async fn a_code_challenge_is_optional_and_counts_if_it_was_sent(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    for client in [APP, PHONE] {
        let mut body = exchange(client, "");
        body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let with = |code: &str, verifier: Option<&str>| {
            let mut body = body.clone();
            body["code"] = json!(code);
            if let Some(verifier) = verifier {
                body["code_verifier"] = json!(verifier);
            }
            body
        };
        // Without.
        let bare = code(&trimlink, &mut ada, client, None).await;
        let refused = post_json(&trimlink, &with(&bare, Some(VERIFIER))).await.expect(400);
        assert!(["invalid_grant", "invalid_request"].contains(&refused.text("error").as_str()), "{refused:?}");
        expect_members(&post_json(&trimlink, &with(&bare, None)).await.expect(200), documented());
        // With.
        let proof = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256"), ("prompt", "consent")];
        let asked = [&request(client)[..], &proof].concat();
        let answer = trimlink.approve(&mut ada, &asked).await.answer_to(client.redirect_uri());
        for wrong in [Some("another-verifier-which-is-long-enough-to-be-one"), Some(CHALLENGE), None] {
            let refused = post_json(&trimlink, &with(answer.code(), wrong)).await.expect(400);
            assert!(["invalid_grant", "invalid_request"].contains(&refused.text("error").as_str()), "{refused:?}");
        }
        expect_members(&post_json(&trimlink, &with(answer.code(), Some(VERIFIER))).await.expect(200), documented());
        // Plain is none.
        let plain = [("code_challenge", VERIFIER), ("code_challenge_method", "plain")];
        let refused = ada.get(&trimlink.authorize(&[&request(client)[..], &plain].concat())).await;
        assert_eq!(refused.answer_to(client.redirect_uri()).error(), "invalid_request");
    }
}

async fn redirect_uris_match_exactly(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    for wrong in [
        "https://app.example/oauth/callback/",
        "https://app.example/oauth",
        "https://app.example/oauth/callback?a=b",
        "https://app.example:443/oauth/callback",
        "https://www.app.example/oauth/callback",
        "https://App.example/oauth/callback",
        "http://app.example/oauth/callback",
    ] {
        let asked = trimlink.authorize(&changed(&request(APP), &[("redirect_uri", wrong)]));
        ada.get(&asked).await.expect_error_page(400);
    }
    let code = code(&trimlink, &mut ada, APP, None).await;
    let mut body = exchange(APP, &code);
    body["redirect_uri"] = json!("https://app.example/oauth/callback/");
    expect_refusal(post_json(&trimlink, &body).await, 400, "invalid_grant");
    post_json(&trimlink, &exchange(APP, &code)).await.expect(200);
}

async fn apps_come_back_by_https_only(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    for insecure in ["http://app.example/cb", "http://localhost/cb", "http://localhost:3000/cb"] {
        let fields = [("name", "Insecure"), ("redirect_uris", insecure), ("password", ADA.password)];
        let refused = send_app(&mut ada, &fields).await.expect(422);
        assert!(!refused.texts("[role=alert]").is_empty(), "{refused:?}");
    }
    assert!(listed(&ada.get("/developers").await, "Insecure").is_none());
}

/// An app of Ada's from the dashboard, in the workspace that is active.
async fn made_app(ada: &mut Browser, name: &str) -> RegisteredApp {
    let fields = [
        ("name", name),
        ("link", "https://made.example/"),
        ("redirect_uris", "https://made.example/cb"),
        ("description", "Made on the dashboard."),
        ("type", "confidential"),
        ("password", ADA.password),
    ];
    register_app(ada, &fields).await
}

/// The answer to a whole flow with an app of the dashboard, and the consent page.
async fn tokens_of(trimlink: &Service, browser: &mut Browser, app: &RegisteredApp) -> (Reply, Reply) {
    let asked = changed(
        &request(APP),
        &[("client_id", &app.client_id), ("redirect_uri", "https://made.example/cb"), ("prompt", "consent")],
    );
    let page = browser.get(&trimlink.authorize(&asked)).await.expect(200);
    let answer = browser.submit(&page.form("/app/authorize").press("decision", "approve")).await;
    let body = json!({
        "grant_type": "authorization_code",
        "client_id": app.client_id,
        "client_secret": app.secret,
        "redirect_uri": "https://made.example/cb",
        "code": answer.answer_to("https://made.example/cb").code(),
    });
    (post_json(trimlink, &body).await.expect(200), page)
}

async fn switch_to(browser: &mut Browser, workspace: &str) {
    let form = browser.get("/").await.expect(200).form("/workspace").press("workspace", workspace);
    assert_eq!(browser.submit(&form).await.status, 303);
}

async fn an_app_is_bound_to_the_workspace_that_was_active_when_it_was_made(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    switch_to(&mut ada, "analytical-engines").await;
    let engines = made_app(&mut ada, "Engine Reports").await;
    switch_to(&mut ada, "").await;
    let all = made_app(&mut ada, "All Reports").await;
    switch_to(&mut ada, "ada-personal").await;

    // Whatever is active now.
    let (tokens, page) = tokens_of(&trimlink, &mut ada, &engines).await;
    expect_members(&tokens, documented());
    let said = page.texts("main").join(" ");
    assert!(said.contains("Analytical Engines") && !said.contains("Personal"), "{said}");
    let access = tokens.text("access_token");
    let links = call(&trimlink, SHORT_URLS, &access).await.expect(200).body;
    assert!(links.contains(ENGINES_LINK) && !links.contains(PERSONAL_LINK), "{links}");
    // What it makes is there, and nowhere else.
    create(&trimlink, &access, r#"{"url":"https://example.com/made-by-the-app"}"#).await.expect(201);
    let personal = tokens_for(&trimlink, &mut ada, "ada-personal").await;
    let links = call(&trimlink, SHORT_URLS, &personal).await.expect(200).body;
    assert!(links.contains(PERSONAL_LINK) && !links.contains("made-by-the-app"), "{links}");

    let asked = changed(&request(APP), &[("client_id", &all.client_id), ("redirect_uri", "https://made.example/cb")]);
    let form = ada.get(&trimlink.authorize(&asked)).await.expect(200).form("/app/authorize").with("workspace", "");
    let answer = ada.submit(&form.press("decision", "approve")).await;
    let mut body = exchange(APP, answer.answer_to("https://made.example/cb").code());
    for (member, value) in [("client_id", &all.client_id), ("client_secret", all.secret.as_ref().unwrap())] {
        body[member] = json!(value);
    }
    body["redirect_uri"] = json!("https://made.example/cb");
    let access = post_json(&trimlink, &body).await.expect(200).text("access_token");
    let links = call(&trimlink, SHORT_URLS, &access).await.expect(200).body;
    assert!(links.contains(ENGINES_LINK) && links.contains(PERSONAL_LINK), "{links}");
}

/// A token of the app that may be let into any workspace, for one of them.
async fn tokens_for(trimlink: &Service, ada: &mut Browser, workspace: &str) -> String {
    tokens(trimlink, ada, APP, Some(workspace)).await.text("access_token")
}

async fn an_app_of_one_workspace_reaches_no_other_and_nobody_elses(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let access = tokens(&trimlink, &mut ada, BOUND, None).await.text("access_token");
    let links = call(&trimlink, SHORT_URLS, &access).await.expect(200).body;
    assert!(links.contains(PERSONAL_LINK) && !links.contains(ENGINES_LINK), "{links}");

    // Nor if the form says so.
    for elsewhere in ["analytical-engines", "compilers", "nosuch"] {
        let asked = trimlink.authorize(&[&request(BOUND)[..], &[("prompt", "consent")]].concat());
        let mut form = ada.get(&asked).await.expect(200).form("/app/authorize").without("workspace");
        form.fields.push(("workspace".to_owned(), elsewhere.to_owned()));
        let refused = ada.submit(&form.press("decision", "approve")).await;
        assert!(refused.status.is_client_error(), "{elsewhere}: {refused:?}");
    }
    // Nor for somebody who is no member of it.
    let mut grace = Browser::signed_in(&trimlink.example, GRACE).await;
    grace.get(&trimlink.authorize(&request(BOUND))).await.expect_error_page(403);
    // What is for one workspace sees the people of that one.
    let theirs = tokens(&trimlink, &mut grace, APP, None).await.text("access_token");
    let people = call(&trimlink, USERS, &theirs).await.expect(200).body;
    assert!(people.contains(GRACE.name) && !people.contains(ADA.name), "{people}");
    let links = call(&trimlink, SHORT_URLS, &theirs).await.expect(200).body;
    assert!(!links.contains(PERSONAL_LINK) && !links.contains(ENGINES_LINK), "{links}");
}

/// Everything that a personal token may have, ticked.
fn all_scopes<'a>(name: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("name", name), ("password", ADA.password)];
    fields.extend(SCOPES.map(|scope| ("scope", scope)));
    fields.extend(more);
    fields
}

async fn a_personal_token_is_bound_to_a_workspace_or_to_all(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    switch_to(&mut ada, "analytical-engines").await;
    // What is active is what is chosen at first.
    let engines = make_token(&mut ada, &all_scopes("Engines", &[])).await;
    switch_to(&mut ada, "").await;
    let all = make_token(&mut ada, &all_scopes("Everywhere", &[])).await;
    let personal = make_token(&mut ada, &all_scopes("Mine", &[("workspace", "ada-personal")])).await;
    for (token, of_engines, of_personal) in [(&engines, true, false), (&personal, false, true), (&all, true, true)] {
        let links = call(&trimlink, SHORT_URLS, token).await.expect(200).body;
        assert_eq!((links.contains(ENGINES_LINK), links.contains(PERSONAL_LINK)), (of_engines, of_personal), "{links}");
    }
    create(&trimlink, &engines, r#"{"url":"https://example.com/made-by-a-script"}"#).await.expect(201);
    assert!(!call(&trimlink, SHORT_URLS, &personal).await.expect(200).body.contains("made-by-a-script"));

    // A workspace of somebody else cannot be chosen, whatever is sent.
    for foreign in ["compilers", "nosuch"] {
        let page = ada.get("/tokens").await.expect(200);
        let mut form = fill_in(&page, "/tokens", &all_scopes("Foreign", &[])).without("workspace");
        form.fields.push(("workspace".to_owned(), foreign.to_owned()));
        assert!(ada.submit(&form).await.status.is_client_error());
    }
    // It may have an end, and is shown once.
    let passing = make_token(&mut ada, &all_scopes("Passing", &[("expires", "2099-12-31")])).await;
    call(&trimlink, DOMAINS, &passing).await.expect(200);
    let list = ada.get("/tokens").await.expect(200);
    for token in [&engines, &personal, &all, &passing] {
        assert!(!list.body.contains(token.as_str()));
    }
    assert!(listed(&list, "Engines").unwrap().contains("Analytical Engines"));
    assert!(listed(&list, "Passing").unwrap().contains("2099"));
    assert!(listed(&list, "Foreign").is_none());
}

async fn only_owners_make_apps_and_personal_tokens(place: Place) {
    let trimlink = start(place);
    // Nobody reaches what is in the memory of a process from the side.
    if !trimlink.has_tables() {
        return;
    }
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let app = [("name", "Mine"), ("redirect_uris", "https://mine.example/cb"), ("password", ADA.password)];
    send_app(&mut ada, &app).await.expect(200);
    send_token(&mut ada, &all_scopes("Mine", &[])).await.expect(200);
    trimlink.example.run_sql("UPDATE memberships SET role = 'member' WHERE workspace_id = 'analytical-engines'");
    // Of one workspace she still is the owner: of the other, and of all together, she is not.
    for (workspace, status) in [("ada-personal", 200), ("analytical-engines", 422), ("", 422)] {
        let fields = [&app[..], &[("workspace", workspace)]].concat();
        send_app(&mut ada, &fields).await.expect(status);
        send_token(&mut ada, &all_scopes("Another", &[("workspace", workspace)])).await.expect(status);
    }
    trimlink.example.run_sql("UPDATE memberships SET role = 'member'");
    let refused = send_app(&mut ada, &app).await.expect(422);
    assert!(!refused.texts("[role=alert]").is_empty(), "{refused:?}");
    send_token(&mut ada, &all_scopes("Last", &[])).await.expect(422);
    assert!(listed(&ada.get("/tokens").await, "Last").is_none());
}

async fn the_password_is_typed_again_before_anything_is_made(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    for wrong in ["", "wrong", GRACE.password] {
        let app = [("name", "Unmade"), ("redirect_uris", "https://app.example/cb"), ("password", wrong)];
        let refused = send_app(&mut ada, &app).await.expect(422);
        assert!(!refused.texts("[role=alert]").is_empty() && secret(&refused).is_none(), "{refused:?}");
        // The form is there once more, and nobody has to type what was typed, but for the password.
        let form = refused.form("/developers");
        assert_eq!((form.value("name"), form.value("password")), ("Unmade", ""));

        let mut fields = all_scopes("Unmade", &[]);
        fields.retain(|(name, _)| *name != "password");
        fields.push(("password", wrong));
        let refused = send_token(&mut ada, &fields).await.expect(422);
        assert!(!refused.texts("[role=alert]").is_empty() && secret(&refused).is_none(), "{refused:?}");
    }
    for path in ["/developers", "/tokens"] {
        assert!(listed(&ada.get(path).await, "Unmade").is_none());
    }
    made_app(&mut ada, "Made").await.secret.unwrap();
    make_token(&mut ada, &all_scopes("Made", &[])).await;
}

async fn the_four_endpoints_answer_and_tell_their_errors_by_status(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let access = tokens(&trimlink, &mut ada, APP, None).await.text("access_token");
    let reader = make_token(&mut ada, &[("name", "Reader"), ("scope", SCOPES[0]), ("password", ADA.password)]).await;

    assert!(call(&trimlink, USERS, &access).await.expect(200).body.contains(ADA.name));
    assert!(call(&trimlink, SHORT_URLS, &access).await.expect(200).body.contains(PERSONAL_LINK));
    call(&trimlink, DOMAINS, &access).await.expect(200).json();
    let made = create(&trimlink, &access, r#"{"url":"https://example.com/new"}"#).await;
    assert!(made.status.is_success(), "{made:?}");
    made.json();
    assert!(call(&trimlink, SHORT_URLS, &access).await.expect(200).body.contains("https://example.com/new"));

    // 400: not JSON.
    for malformed in ["", "{", "url=https://example.com/"] {
        expect_status(create(&trimlink, &access, malformed).await, 400);
    }
    // 401: no token, a bad one, one of another kind.
    for path in [USERS, SHORT_URLS, DOMAINS] {
        trimlink.get(path, &[]).await.expect(401).header("www-authenticate").unwrap();
        for wrong in ["nonsense", "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.AA"] {
            call(&trimlink, path, wrong).await.expect_error(401, "invalid_token");
        }
    }
    // 403: not for this token.
    for path in [SHORT_URLS, DOMAINS] {
        call(&trimlink, path, &reader).await.expect_error(403, "insufficient_scope");
    }
    expect_status(create(&trimlink, &reader, r#"{"url":"https://example.com/"}"#).await, 403);
    // 404
    expect_status(call(&trimlink, "/api/1.0/nothing", &access).await, 404);
    // 403: the user has left the workspace.
    if trimlink.has_tables() {
        let engines = tokens_for(&trimlink, &mut ada, "analytical-engines").await;
        call(&trimlink, SHORT_URLS, &engines).await.expect(200);
        trimlink.example.run_sql("DELETE FROM memberships WHERE workspace_id = 'analytical-engines'");
        expect_status(call(&trimlink, SHORT_URLS, &engines).await, 403);
    }
}

/// An error of the API: the documentation names its status.
#[track_caller]
fn expect_status(reply: Reply, status: u16) {
    let reply = reply.expect(status);
    assert!(reply.json()["error"].is_string(), "{reply:?}");
}

async fn a_body_that_makes_no_short_url_is_unprocessable(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let token = make_token(&mut ada, &all_scopes("Script", &[])).await;
    for address in ["ftp://files.example/", "no address", ""] {
        expect_status(create(&trimlink, &token, &json!({ "url": address }).to_string()).await, 422);
    }
    for body in [json!({ "url": 5 }), json!({ "url": null }), json!({})] {
        expect_status(create(&trimlink, &token, &body.to_string()).await, 422);
    }
}

async fn the_plan_says_how_often_the_api_answers(place: Place) {
    for (plan, calls) in [("free", 10), ("pro", 30), ("bulk", 100), ("7", 7)] {
        let trimlink = start_with(place, &[("PLAN", plan)]);
        let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
        let access = tokens(&trimlink, &mut ada, APP, None).await.text("access_token");
        let started = Instant::now();
        let mut answered = 0;
        let refused = loop {
            let reply = call(&trimlink, DOMAINS, &access).await;
            if reply.status == 429 {
                break reply;
            }
            reply.expect(200);
            answered += 1;
        };
        // Those that may be made meanwhile come on top.
        let meanwhile = started.elapsed().as_secs() * calls / 60 + 1;
        assert!((calls..=calls + meanwhile).contains(&answered), "{plan}: {answered}");
        let after: u64 = refused.header("retry-after").expect("when to come again").parse().unwrap();
        assert!((1..=60).contains(&after), "{refused:?}");
        assert!(refused.json()["error"].is_string(), "{refused:?}");
        // A user's limit is no other user's.
        let mut grace = Browser::signed_in(&trimlink.example, GRACE).await;
        let access = tokens(&trimlink, &mut grace, APP, None).await.text("access_token");
        call(&trimlink, DOMAINS, &access).await.expect(200);
    }
    let unlimited = start_with(place, &[("PLAN", "1"), ("LIMITS", "off")]);
    let mut ada = Browser::signed_in(&unlimited.example, ADA).await;
    let access = tokens(&unlimited, &mut ada, APP, None).await.text("access_token");
    for _ in 0..5 {
        call(&unlimited, DOMAINS, &access).await.expect(200);
    }
}

async fn a_token_that_is_revoked_ends_at_once(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    // By the person.
    let tokens_of_app = tokens(&trimlink, &mut ada, APP, None).await;
    let access = tokens_of_app.text("access_token");
    call(&trimlink, DOMAINS, &access).await.expect(200);
    let name = format!("The {} app", APP.id);
    revoke_app(&mut ada, &name).await;
    call(&trimlink, DOMAINS, &access).await.expect_error(401, "invalid_token");
    let body = json!({
        "grant_type": "refresh_token", "client_id": APP.id, "client_secret": APP.secret,
        "refresh_token": tokens_of_app.text("refresh_token"),
    });
    expect_refusal(post_json(&trimlink, &body).await, 400, "invalid_grant");

    // By the app (RFC 7009).
    for member in ["access_token", "refresh_token"] {
        let tokens = tokens(&trimlink, &mut ada, APP, None).await;
        let access = tokens.text("access_token");
        call(&trimlink, DOMAINS, &access).await.expect(200);
        let fields = [
            ("token", tokens.text(member)),
            ("client_id", APP.id.to_owned()),
            ("client_secret", APP.secret.unwrap().to_owned()),
        ];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        trimlink.form("/api/oauth/revoke", &[], &fields).await.expect(200);
        call(&trimlink, DOMAINS, &access).await.expect_error(401, "invalid_token");
    }

    // A personal token.
    let personal = make_token(&mut ada, &all_scopes("Nightly export", &[])).await;
    call(&trimlink, DOMAINS, &personal).await.expect(200);
    press(&mut ada, "/tokens", "Nightly export", "/revoke").await;
    call(&trimlink, DOMAINS, &personal).await.expect_error(401, "invalid_token");
}

async fn deleting_an_app_ends_its_tokens_at_once(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let [app, kept] = [made_app(&mut ada, "Short-lived").await, made_app(&mut ada, "Long-lived").await];
    let (tokens, _) = tokens_of(&trimlink, &mut ada, &app).await;
    let (others, _) = tokens_of(&trimlink, &mut ada, &kept).await;
    let access = tokens.text("access_token");
    call(&trimlink, DOMAINS, &access).await.expect(200);
    app_action(&mut ada, &app.client_id, "/developers/delete").await;
    call(&trimlink, DOMAINS, &access).await.expect_error(401, "invalid_token");
    let body = json!({
        "grant_type": "refresh_token", "client_id": app.client_id, "client_secret": app.secret,
        "refresh_token": tokens.text("refresh_token"),
    });
    expect_refusal(post_json(&trimlink, &body).await, 401, "invalid_client");
    call(&trimlink, DOMAINS, &others.text("access_token")).await.expect(200);
    assert!(listed(&ada.get("/connected").await, "Short-lived").is_none());
    ada.get(&query("/developers/app", &[("client_id", &app.client_id)])).await.expect(404);
}

async fn a_secret_is_replaced_while_both_are_valid(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let app = made_app(&mut ada, "Reports").await;
    let old = app.secret.clone().unwrap();
    let (tokens, _) = tokens_of(&trimlink, &mut ada, &app).await;
    let mut refresh_token = tokens.text("refresh_token");
    let refresh = async |secret: &str, refresh_token: &mut String| {
        let body = json!({
            "grant_type": "refresh_token", "client_id": app.client_id, "client_secret": secret,
            "refresh_token": refresh_token,
        });
        let reply = post_json(&trimlink, &body).await;
        if reply.status == 200 {
            *refresh_token = reply.text("refresh_token");
        }
        reply
    };
    let page = app_action(&mut ada, &app.client_id, "/developers/rotate-secret").await;
    let new = secret(&page).expect("the new secret");
    assert_ne!(new, old);
    for secret in [&old, &new, &old, &new] {
        refresh(secret, &mut refresh_token).await.expect(200);
    }
    app_action(&mut ada, &app.client_id, "/developers/end-secret").await;
    expect_refusal(refresh(&old, &mut refresh_token).await, 401, "invalid_client");
    refresh(&new, &mut refresh_token).await.expect(200);
    // Whoever lost a secret does not want it to work any longer.
    let page = app_action(&mut ada, &app.client_id, "/developers/reset-secret").await;
    let newest = secret(&page).expect("the newest secret");
    expect_refusal(refresh(&new, &mut refresh_token).await, 401, "invalid_client");
    refresh(&newest, &mut refresh_token).await.expect(200);
    call(&trimlink, DOMAINS, &tokens.text("access_token")).await.expect(200);
}
