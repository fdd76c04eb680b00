//! TrimLink: token requests in JSON, signed tokens for a year, workspaces, one scope for everything, and plans.

mod api;
mod signed_tokens;
mod workspaces;

use serde_json::{Value, json};

use super::harness::dashboard::{RegisteredApp, register_app};
use super::harness::{
    CHALLENGE, Known, Place, Service, VERIFIER, answer_members, changed, expect_members, expect_refusal, text, words,
};
use super::support::{ADA, Browser, Reply};

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

scenarios! {
    the_documented_flow_gives_exactly_the_documented_members_for_json
    a_form_does_as_well_as_json
    a_token_request_that_is_no_flat_object_of_texts_is_refused_and_uses_nothing_up
    a_refresh_needs_no_user_and_gives_another_signed_token
    a_code_challenge_is_optional_and_counts_if_it_was_sent
    redirect_uris_match_exactly
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

/// A token of the app that may be let into any workspace, for one of them.
async fn tokens_for(trimlink: &Service, ada: &mut Browser, workspace: &str) -> String {
    tokens(trimlink, ada, APP, Some(workspace)).await.text("access_token")
}

/// Everything that a personal token may have, ticked.
fn all_scopes<'a>(name: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("name", name), ("password", ADA.password)];
    fields.extend(SCOPES.map(|scope| ("scope", scope)));
    fields.extend(more);
    fields
}
