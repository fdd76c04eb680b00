//! The API: its statuses, its limits, and what ends a token.

use std::time::Instant;

use serde_json::json;

use super::super::harness::dashboard::{app_action, listed, make_token, press, revoke_app, secret};
use super::super::harness::{Place, expect_refusal, query};
use super::super::support::{ADA, Browser, GRACE, Reply};
use super::{
    APP, DOMAINS, PERSONAL_LINK, SCOPES, SHORT_URLS, USERS, all_scopes, call, create, made_app, post_json, start,
    start_with, tokens, tokens_for, tokens_of,
};

scenarios! {
    the_four_endpoints_answer_and_tell_their_errors_by_status
    a_body_that_makes_no_short_url_is_unprocessable
    the_plan_says_how_often_the_api_answers
    a_token_that_is_revoked_ends_at_once
    deleting_an_app_ends_its_tokens_at_once
    a_secret_is_replaced_while_both_are_valid
}

/// An error of the API: the documentation names its status.
#[track_caller]
fn expect_status(reply: Reply, status: u16) {
    let reply = reply.expect(status);
    assert!(reply.json()["error"].is_string(), "{reply:?}");
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
        let meanwhile = started.elapsed().as_secs_f64() / 60.0 * f64::from(calls);
        assert!(answered >= calls && f64::from(answered) <= f64::from(calls) + meanwhile, "{plan}: {answered}");
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
