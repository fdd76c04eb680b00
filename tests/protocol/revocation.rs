//! The revocation endpoint (protocol 9.1).

use std::time::Duration;

use http::Request;

use crate::support::{Form, SECRET, Setup, basic};

on_both_stores! {
    // REV-001, REV-003, CLI-006, CLI-033
    async fn every_client_can_revoke_its_tokens(setup) {
        for client in ["pub", "web", "native", "1PpG/Q 1"] {
            let tokens = setup.tokens(client).await;
            let answer = setup.revoke(client, tokens.text("refresh_token")).await.expect_ok();
            assert_eq!(answer.status.as_u16(), 200);
            assert!(!setup.can_refresh(client, tokens.text("refresh_token")).await, "{client}");
        }
        let tokens = setup.tokens("web").await;
        let form = Form::of(&[("token", tokens.text("refresh_token"))]);
        setup.post("/oauth/revoke", &form, None).await.expect_error(401, "invalid_client");
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        setup.post("/oauth/revoke", &form, Some(&basic("web", SECRET))).await.expect_ok();
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
        let own = setup.own_token("svc").await;
        setup.revoke("svc", own.text("access_token")).await.expect_ok();
        assert!(!setup.is_accepted(own.text("access_token")).await);
    }

    // REV-002, REV-009, REV-013
    async fn a_refresh_token_takes_its_grant_along_at_once(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        let other = setup.tokens("web").await;
        setup.revoke("web", second.text("refresh_token")).await.expect_ok();
        for tokens in [&first, &second] {
            assert!(!setup.is_accepted(tokens.text("access_token")).await);
            assert_eq!(setup.introspect("web", tokens.text("access_token")).await.body, r#"{"active":false}"#);
            assert_eq!(setup.introspect("web", tokens.text("refresh_token")).await.body, r#"{"active":false}"#);
        }
        assert!(!setup.can_refresh("web", second.text("refresh_token")).await);
        assert!(setup.is_accepted(other.text("access_token")).await);
    }

    // REV-010: the documented choice
    async fn an_access_token_goes_alone(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        setup.revoke("web", second.text("access_token")).await.expect_ok();
        assert!(!setup.is_accepted(second.text("access_token")).await);
        assert!(setup.is_accepted(first.text("access_token")).await);
        let third = setup.refreshed("web", second.text("refresh_token")).await;
        assert!(setup.is_accepted(third.text("access_token")).await);
    }

    // REV-011
    async fn a_refresh_token_that_was_replaced_takes_its_grant_along_too(setup) {
        for client in ["pub", "web"] {
            let first = setup.tokens(client).await;
            let second = setup.refreshed(client, first.text("refresh_token")).await;
            let third = setup.refreshed(client, second.text("refresh_token")).await;
            setup.clock.advance(Duration::from_secs(60));
            setup.revoke(client, first.text("refresh_token")).await.expect_ok();
            assert!(!setup.is_accepted(third.text("access_token")).await, "{client}");
            assert!(!setup.can_refresh(client, third.text("refresh_token")).await, "{client}");
        }
    }

    // REV-004
    async fn a_token_that_is_dead_or_never_was_is_revoked_already(setup) {
        let (expired, code) = (setup.tokens("web").await, setup.code("web").await);
        setup.clock.advance(Duration::from_hours(24 * 15));
        let revoked = setup.tokens("web").await;
        let expected = setup.revoke("web", revoked.text("refresh_token")).await.expect_ok();
        let long = "x".repeat(10_000);
        for token in [
            "xyz",
            "é",
            &long,
            &code,
            revoked.text("refresh_token"),
            revoked.text("access_token"),
            expired.text("refresh_token"),
            expired.text("access_token"),
        ] {
            let answer = setup.revoke("web", token).await.expect_ok();
            assert_eq!((&answer.body, &answer.headers), (&expected.body, &expected.headers), "{token}");
        }
    }

    // REV-005
    async fn a_request_without_a_token_is_invalid(setup) {
        for form in [Form::default(), Form::of(&[("token", "")]), Form::of(&[("refresh_token", "x")])] {
            for client in ["pub", "web"] {
                let form = setup.identify(client, form.clone());
                setup.post("/oauth/revoke", &form, None).await.expect_error(400, "invalid_request");
            }
        }
        let twice = setup.identify("web", Form::of(&[("token", "x"), ("token", "y")]));
        setup.post("/oauth/revoke", &twice, None).await.expect_error(400, "invalid_request");
    }

    // REV-006
    async fn a_hint_that_is_wrong_or_unknown_hinders_nothing(setup) {
        for hint in ["access_token", "refresh_token", "foo", "", "pat"] {
            let (one, two) = (setup.tokens("web").await, setup.tokens("web").await);
            for token in [one.text("refresh_token"), two.text("access_token")] {
                let form = setup.identify("web", Form::of(&[("token", token), ("token_type_hint", hint)]));
                setup.post("/oauth/revoke", &form, None).await.expect_ok();
            }
            assert!(!setup.can_refresh("web", one.text("refresh_token")).await, "{hint}");
            assert!(!setup.is_accepted(two.text("access_token")).await, "{hint}");
        }
    }

    // REV-007, D18, ATK-059
    async fn the_token_of_another_client_stays_alive(setup) {
        let tokens = setup.tokens("web").await;
        for client in ["other", "pub", "svc"] {
            for token in [tokens.text("access_token"), tokens.text("refresh_token")] {
                setup.revoke(client, token).await.expect_error(400, "invalid_grant");
            }
        }
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        setup.refreshed("web", tokens.text("refresh_token")).await;
    }

    // REV-008
    async fn whoever_cannot_prove_who_it_is_revokes_nothing(setup) {
        let tokens = setup.tokens("web").await;
        let form = Form::of(&[("token", tokens.text("refresh_token"))]);
        let answer =
            setup.post("/oauth/revoke", &form, Some(&basic("web", "wrong"))).await.expect_error(401, "invalid_client");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic realm=\""));
        setup
            .post("/oauth/revoke", &form.clone().and("client_id", "web"), None)
            .await
            .expect_error(401, "invalid_client");
        setup.post("/oauth/revoke", &form.and("client_id", "nobody"), None).await.expect_error(401, "invalid_client");
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        setup.refreshed("web", tokens.text("refresh_token")).await;
    }

    // REV-014
    async fn a_token_in_the_address_is_not_looked_at(setup) {
        let tokens = setup.tokens("web").await;
        let request = Request::post(format!("/oauth/revoke?token={}", tokens.text("refresh_token")))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", basic("web", SECRET));
        setup.send(request.body(String::new()).unwrap()).await.expect_error(400, "invalid_request");
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        setup.refreshed("web", tokens.text("refresh_token")).await;
    }

    // REV-002: a code is no token, and its own business
    async fn a_code_cannot_be_revoked_here(setup) {
        let code = setup.code("web").await;
        setup.revoke("web", &code).await.expect_ok();
        setup.token(&setup.exchange("web", &code)).await.expect_ok();
    }
}
