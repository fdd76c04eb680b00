//! The introspection endpoint (protocol 9.2).

use std::time::Duration;

use grantor::clock::Clock as _;
use serde_json::json;

use crate::support::{Answer, Form, SECRET, Setup, basic};

/// `{"active":false}`, and nothing else.
#[track_caller]
fn expect_inactive(answer: Answer, token: &str) {
    assert_eq!(answer.body, r#"{"active":false}"#, "{token}");
    answer.expect_ok();
}

on_both_stores! {
    // INTRO-001
    async fn only_a_confidential_client_may_ask(setup) {
        let tokens = setup.tokens("pub").await;
        let form = Form::of(&[("token", tokens.text("access_token"))]);
        for (identity, authorization) in [
            (form.clone(), None),
            (form.clone().and("client_id", "pub"), None),
            (form.clone().and("client_id", "web"), None),
            (form.clone().and("client_id", "nobody"), None),
            (form.clone(), Some(basic("pub", ""))),
            (form.clone(), Some(basic("web", "wrong"))),
            (form.clone(), Some(format!("Bearer {}", tokens.text("access_token")))),
        ] {
            let answer = setup.post("/oauth/introspect", &identity, authorization.as_deref()).await;
            assert_eq!(answer.status.as_u16(), 401, "{identity:?} {authorization:?}");
            answer.expect_error(401, "invalid_client");
        }
        setup.post("/oauth/introspect", &form, Some(&basic("web", SECRET))).await.expect_ok();
    }

    // INTRO-002, INTRO-006, INTRO-009
    async fn a_client_is_told_about_its_own_live_token(setup) {
        let tokens = setup.tokens_for("web", "read write", &["https://api.test/two", "https://api.test/one"]).await;
        let answer = setup.introspect("web", tokens.text("access_token")).await.expect_ok();
        let issued_at = setup.clock.now().unix_seconds();
        let jti = answer.text("jti").to_owned();
        assert_eq!(
            answer.json,
            json!({
                "active": true,
                "iss": "https://as.test",
                "client_id": "web",
                "sub": "alice",
                "scope": "read write",
                "token_type": "Bearer",
                "aud": ["https://api.test/two", "https://api.test/one"],
                "iat": issued_at,
                "exp": issued_at + 3_600,
                "jti": jti,
            })
        );
        // LOG-010: a name for logs, of which nobody can make the token.
        assert!(jti.len() >= 16 && !tokens.text("access_token").contains(&jti));
        assert_eq!(setup.introspect("web", tokens.text("access_token")).await.text("jti"), jti);
        assert_ne!(setup.introspect("web", setup.tokens("web").await.text("access_token")).await.text("jti"), jti);
    }

    // INTRO-008
    async fn a_refresh_token_has_no_token_type(setup) {
        let tokens = setup.tokens_for("web", "read write", &[]).await;
        let answer = setup.introspect("web", tokens.text("refresh_token")).await.expect_ok();
        assert_eq!((&answer.json["active"], answer.text("scope")), (&json!(true), "read write"));
        assert!(answer.json.get("token_type").is_none());
        assert_eq!(answer.json["exp"], setup.clock.now().unix_seconds() + 14 * 86_400);
        expect_inactive(setup.introspect("other", tokens.text("refresh_token")).await, "another's refresh token");
        let successor = setup.refreshed("web", tokens.text("refresh_token")).await;
        expect_inactive(setup.introspect("web", tokens.text("refresh_token")).await, "a replaced refresh token");
        assert_eq!(setup.introspect("web", successor.text("refresh_token")).await.json["active"], true);
    }

    // INTRO-003, INTRO-005, ATK-060
    async fn whatever_is_not_a_live_token_of_the_caller_is_inactive_and_nothing_else(setup) {
        let (expired, code) = (setup.tokens("web").await, setup.code("web").await);
        setup.clock.advance(Duration::from_hours(24 * 15));
        let (revoked, foreign, own) =
            (setup.tokens("web").await, setup.tokens("pub").await, setup.own_token("svc").await);
        setup.revoke("web", revoked.text("refresh_token")).await.expect_ok();
        let live = setup.tokens("web").await;
        let (long, cut) = ("x".repeat(10_000), &live.text("access_token")[1..]);
        for token in [
            "xyz",
            "é",
            &long,
            cut,
            &code,
            expired.text("access_token"),
            expired.text("refresh_token"),
            revoked.text("access_token"),
            revoked.text("refresh_token"),
            foreign.text("access_token"),
            foreign.text("refresh_token"),
            own.text("access_token"),
        ] {
            expect_inactive(setup.introspect("web", token).await, token);
        }
        for (client, token) in [("other", live.text("access_token")), ("svc", live.text("refresh_token"))] {
            expect_inactive(setup.introspect(client, token).await, client);
        }
        assert_eq!(setup.introspect("web", live.text("access_token")).await.json["active"], true);
    }

    // INTRO-004
    async fn a_request_without_a_token_is_invalid(setup) {
        for form in [Form::default(), Form::of(&[("token", "")]), Form::of(&[("access_token", "x")])] {
            let form = setup.identify("web", form);
            setup.post("/oauth/introspect", &form, None).await.expect_error(400, "invalid_request");
        }
    }

    // INTRO-014
    async fn a_hint_changes_nothing(setup) {
        let tokens = setup.tokens("web").await;
        for token in [tokens.text("access_token"), tokens.text("refresh_token")] {
            let expected = setup.introspect("web", token).await.expect_ok();
            assert_eq!(expected.json["active"], true);
            for hint in ["access_token", "refresh_token", "foo", ""] {
                let form = setup.identify("web", Form::of(&[("token", token), ("token_type_hint", hint)]));
                assert_eq!(setup.post("/oauth/introspect", &form, None).await.body, expected.body, "{hint}");
            }
        }
    }

    // INTRO-006: to the second, and not a moment longer than the token is accepted
    async fn exp_is_when_the_token_stops_working(setup) {
        let tokens = setup.tokens("web").await;
        let exp = setup.introspect("web", tokens.text("access_token")).await.json["exp"].as_i64().unwrap();
        setup.clock.advance(Duration::from_secs((exp - setup.clock.now().unix_seconds() - 1).try_into().unwrap()));
        assert_eq!(setup.introspect("web", tokens.text("access_token")).await.json["active"], true);
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        setup.clock.advance(Duration::from_secs(1));
        expect_inactive(setup.introspect("web", tokens.text("access_token")).await, "an expired token");
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
    }

    // INTRO-006, HTTP-019: what there is no value for is left out
    async fn a_token_without_end_has_no_exp(setup) {
        let lifetimes = grantor::policy::Lifetimes::new()
            .with_access_token(None)
            .with_refresh_idle(None)
            .with_refresh_absolute(None);
        setup.change("web", |client| client.with_lifetimes(lifetimes)).await;
        let tokens = setup.tokens("web").await;
        setup.clock.advance(Duration::from_hours(24 * 365 * 50));
        for token in [tokens.text("access_token"), tokens.text("refresh_token")] {
            let answer = setup.introspect("web", token).await.expect_ok();
            assert_eq!(answer.json["active"], true);
            assert!(answer.json.get("exp").is_none());
        }
    }
}
