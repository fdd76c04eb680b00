//! A code for tokens (protocol 4.3).

use std::num::NonZeroU32;
use std::time::Duration;

use grantor::policy::Lifetimes;
use http::StatusCode;

use crate::support::{Answer, Form, SECRET, Setup, basic, bearer};

/// Another verifier, as well-formed as the right one.
const OTHER_VERIFIER: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Exchanges of a code of `web` that are each wrong in one respect.
fn wrong_exchanges(setup: &Setup, code: &str) -> Vec<Form> {
    let right = setup.exchange("web", code);
    vec![
        right.clone().set("code_verifier", OTHER_VERIFIER),
        right.clone().without("code_verifier"),
        right.clone().set("code_verifier", "short"),
        right.clone().set("redirect_uri", "https://web.test/cb/"),
        right.clone().set("client_secret", "wrong"),
        right.clone().without("client_secret"),
        right.clone().set("client_id", "other"),
        right.clone().set("client_id", "pub").without("client_secret"),
        right.clone().set("client_id", "nobody"),
        right.set("resource", "https://api.test/two"),
    ]
}

/// Whether anything that the token response brought still works.
async fn is_alive(setup: &Setup, tokens: &Answer) -> bool {
    let access = setup.is_accepted(tokens.text("access_token")).await;
    let active = setup.introspect("web", tokens.text("access_token")).await.json["active"] == true;
    let refresh = setup.introspect("web", tokens.text("refresh_token")).await.json["active"] == true;
    assert_eq!((access, active), (refresh, refresh), "the tokens of one grant live and die together");
    refresh
}

on_both_stores! {
    // CODE-001
    async fn a_right_request_gets_tokens(setup) {
        for client in ["pub", "web", "native", "multi", "exempt", "1PpG/Q 1", "self"] {
            let tokens = setup.tokens(client).await;
            assert!(setup.is_accepted(tokens.text("access_token")).await, "{client}");
            assert_eq!(tokens.text("token_type"), "Bearer", "{client}");
            assert_eq!(tokens.json["expires_in"], 3_600, "{client}");
            assert!(setup.can_refresh(client, tokens.text("refresh_token")).await, "{client}");
        }
    }

    // CODE-001, SCOPE-007: the scope is the one that was asked for, not the default and not all there is
    async fn the_tokens_allow_what_was_asked_for_and_approved(setup) {
        for scope in ["read", "write", "read write", "write read admin"] {
            let tokens = setup.tokens_for("pub", scope, &[]).await;
            let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
            assert_eq!((tokens.text("scope"), access.scope().as_str()), (scope, scope));
            assert_eq!(access.subject(), Some(&setup.alice));
            assert_eq!(access.client_id().unwrap().as_str(), "pub");
        }
    }

    // CODE-002, CODE-018, ATK-046
    async fn the_code_of_another_client_is_refused_and_stays_whole(setup) {
        for (owner, thief) in
            [("web", "other"), ("web", "pub"), ("pub", "other-pub"), ("pub", "web"), ("exempt", "web")]
        {
            let code = setup.code(owner).await;
            let right = setup.exchange(owner, &code);
            for _ in 0..10 {
                let stolen = setup.identify(thief, right.clone().without("client_id").without("client_secret"));
                setup.token(&stolen).await.expect_error(400, "invalid_grant");
            }
            setup.token(&right).await.expect_ok();
        }
    }

    // CODE-003, ATK-076
    async fn nobody_can_tell_why_a_code_is_dead(setup) {
        let spent = setup.code("web").await;
        let tokens = setup.token(&setup.exchange("web", &spent)).await.expect_ok();
        let withdrawn = setup.code("web").await;
        setup.server.revoke_subject(&setup.alice).await.unwrap();
        let (expired, foreign) = (setup.code("web").await, setup.code("other").await);
        setup.clock.advance(Duration::from_secs(60));
        let fresh = setup.code("web").await;
        let damaged = format!("{}{}", &fresh[..fresh.len() - 1], if fresh.ends_with('A') { 'B' } else { 'A' });
        let long = "x".repeat(10_000);
        let upper = fresh.to_uppercase();
        let baseline = setup.token(&setup.exchange("web", "x")).await.expect_error(400, "invalid_grant");
        let (longer, spaced) = (format!("{fresh}A"), format!(" {fresh}"));
        for code in [
            spent.as_str(),
            &withdrawn,
            &expired,
            &foreign,
            &damaged,
            &long,
            &upper,
            &longer,
            &spaced,
            &fresh[1..],
            &fresh[..20],
            "é",
            tokens.text("access_token"),
            tokens.text("refresh_token"),
        ] {
            let answer = setup.token(&setup.exchange("web", code)).await;
            assert_eq!((&answer.body, &answer.headers), (&baseline.body, &baseline.headers), "{code}");
            answer.expect_error(400, "invalid_grant");
        }
        setup.token(&setup.exchange("web", &fresh)).await.expect_ok();
    }

    // CODE-004, CODE-006, ATK-042
    async fn a_replayed_code_revokes_what_it_bought(setup) {
        let exchange = setup.exchange("web", &setup.code("web").await);
        let tokens = setup.token(&exchange).await.expect_ok();
        assert!(is_alive(&setup, &tokens).await);
        setup.token(&exchange).await.expect_error(400, "invalid_grant");
        assert!(!is_alive(&setup, &tokens).await);
        assert!(!setup.can_refresh("web", tokens.text("refresh_token")).await);
        setup.token(&exchange).await.expect_error(400, "invalid_grant");
    }

    // CODE-006: also after rotation
    async fn a_replayed_code_revokes_what_came_of_it_by_rotation(setup) {
        for client in ["pub", "web"] {
            let exchange = setup.exchange(client, &setup.code(client).await);
            let first = setup.token(&exchange).await.expect_ok();
            let second = setup.refreshed(client, first.text("refresh_token")).await;
            let third = setup.refreshed(client, second.text("refresh_token")).await;
            setup.token(&exchange).await.expect_error(400, "invalid_grant");
            for tokens in [&first, &second, &third] {
                assert!(!setup.is_accepted(tokens.text("access_token")).await, "{client}");
            }
            assert!(!setup.can_refresh(client, third.text("refresh_token")).await, "{client}");
        }
    }

    // CODE-006, RT-015
    async fn a_replayed_code_leaves_other_grants_alone(setup) {
        let replayed = setup.exchange("web", &setup.code("web").await);
        let (other, another) = (setup.tokens("web").await, setup.tokens("other").await);
        setup.token(&replayed).await.expect_ok();
        setup.token(&replayed).await.expect_error(400, "invalid_grant");
        assert!(is_alive(&setup, &other).await);
        assert!(setup.is_accepted(another.text("access_token")).await);
    }

    // CODE-007, ATK-043
    async fn a_replay_that_is_wrong_in_any_respect_revokes_nothing(setup) {
        let code = setup.code("web").await;
        let tokens = setup.token(&setup.exchange("web", &code)).await.expect_ok();
        for wrong in wrong_exchanges(&setup, &code) {
            let answer = setup.token(&wrong).await;
            assert!(matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED), "{wrong:?}");
        }
        assert!(is_alive(&setup, &tokens).await);
        setup.token(&setup.exchange("web", &code)).await.expect_error(400, "invalid_grant");
        assert!(!is_alive(&setup, &tokens).await);
    }

    // CODE-007, CAUTH-017, PKCE-016
    async fn a_wrong_request_does_not_spend_the_code(setup) {
        let code = setup.code("web").await;
        for wrong in wrong_exchanges(&setup, &code) {
            let answer = setup.token(&wrong).await;
            assert!(matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED), "{wrong:?}");
            assert!(answer.json.get("access_token").is_none(), "{wrong:?}");
        }
        setup.token(&setup.exchange("web", &code)).await.expect_ok();
    }

    // CODE-008, LOG-009
    async fn a_spent_code_is_remembered_as_long_as_what_it_bought(setup) {
        let limit = NonZeroU32::new(1_000).unwrap();
        for days in [0, 1, 13] {
            let exchange = setup.exchange("web", &setup.code("web").await);
            let tokens = setup.token(&exchange).await.expect_ok();
            setup.clock.advance(Duration::from_secs(3_601 + days * 86_400));
            setup.server.purge(limit).await.unwrap();
            let refreshed = setup.refreshed("web", tokens.text("refresh_token")).await;
            setup.token(&exchange).await.expect_error(400, "invalid_grant");
            assert!(!setup.is_accepted(refreshed.text("access_token")).await, "after {days} days");
            assert!(!setup.can_refresh("web", refreshed.text("refresh_token")).await, "after {days} days");
        }
    }

    // CODE-010, ATK-047
    async fn a_redirect_uri_that_is_sent_must_be_that_of_the_request(setup) {
        for (client, uris) in [
            (
                "pub",
                &["https://app.test/cb/", "https://app.test/CB", "https://app.test", "https://app.test/cb?", "x", "é"]
                    [..],
            ),
            ("multi", &["https://app.test/cb", "https://app.test/cb2?x=1&y=a b", "https://app.test/cb2?x=1&y=a+b"]),
            (
                "native",
                &[
                    "http://127.0.0.1:51005/cb",
                    "http://127.0.0.1/cb",
                    "http://[::1]:51004/cb",
                    "http://localhost:51004/cb",
                ],
            ),
            ("exempt", &["https://web.test/cb/"]),
        ] {
            let right = setup.exchange(client, &setup.code(client).await);
            for uri in uris {
                let answer = setup.token(&right.clone().set("redirect_uri", uri)).await;
                assert_eq!(answer.json["error"], "invalid_grant", "{client} {uri}");
                answer.expect_error(400, "invalid_grant");
            }
            setup.token(&right).await.expect_ok();
        }
    }

    // CODE-011
    async fn a_code_without_pkce_needs_the_redirect_uri_again(setup) {
        let right = setup.exchange("exempt", &setup.code("exempt").await);
        for wrong in [right.clone().without("redirect_uri"), right.clone().set("redirect_uri", "")] {
            setup.token(&wrong).await.expect_error(400, "invalid_grant");
        }
        setup.token(&right).await.expect_ok();
    }

    // CODE-012, HTTP-008
    async fn a_code_with_pkce_does_not_need_the_redirect_uri_again(setup) {
        for client in ["pub", "web", "native", "multi"] {
            let without = setup.exchange(client, &setup.code(client).await).without("redirect_uri");
            setup.token(&without).await.expect_ok();
            let empty = setup.exchange(client, &setup.code(client).await).set("redirect_uri", "");
            setup.token(&empty).await.expect_ok();
        }
    }

    // CODE-013
    async fn the_registered_redirect_uri_may_be_sent_though_the_request_left_it_out(setup) {
        for client in ["pub", "web", "exempt"] {
            let request = setup.request(client).without("redirect_uri");
            let right = setup.exchange(client, &setup.code_for(&request).await);
            setup
                .token(&right.clone().set("redirect_uri", "https://evil.test/cb"))
                .await
                .expect_error(400, "invalid_grant");
            setup.token(&right).await.expect_ok();
            let neither = setup.exchange(client, &setup.code_for(&request).await).without("redirect_uri");
            setup.token(&neither).await.expect_ok();
        }
    }

    // CODE-014, ATK-055
    async fn a_scope_at_the_exchange_widens_nothing(setup) {
        for scope in ["admin", "read admin", "write", "read\twrite", ""] {
            let exchange = setup.exchange("pub", &setup.code("pub").await).and("scope", scope);
            let tokens = setup.token(&exchange).await.expect_ok();
            assert_eq!(tokens.text("scope"), "read", "{scope}");
            let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
            assert_eq!(access.scope().as_str(), "read", "{scope}");
        }
    }

    // CODE-015, ATK-048
    async fn a_code_and_a_token_belong_to_the_server_that_made_them(setup) {
        let elsewhere = Setup::memory().await;
        let code = elsewhere.code("web").await;
        setup.token(&setup.exchange("web", &code)).await.expect_error(400, "invalid_grant");
        let tokens = elsewhere.token(&elsewhere.exchange("web", &code)).await.expect_ok();
        setup.token(&setup.refresh("web", tokens.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
        assert_eq!(setup.introspect("web", tokens.text("access_token")).await.json["active"], false);
    }

    // CODE-017
    async fn a_code_dies_with_the_consent(setup) {
        let code = setup.code("web").await;
        setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();
        setup.token(&setup.exchange("web", &code)).await.expect_error(400, "invalid_grant");
        setup.token(&setup.exchange("web", &setup.code("web").await)).await.expect_ok();
    }

    // CODE-017: a redirect URI that is gone takes its codes along
    async fn a_code_dies_with_its_redirect_uri(setup) {
        let code = setup.code("multi").await;
        let other = setup.code_for(&setup.request("multi").set("redirect_uri", "https://app.test/cb")).await;
        setup
            .change("multi", |client| {
                let kept = client.redirect_uris()[0].clone();
                grantor::Client::public(client.id().clone()).with_redirect_uri(kept).with_version(client.version())
            })
            .await;
        setup.token(&setup.exchange("multi", &code)).await.expect_error(400, "invalid_grant");
        setup.token(&setup.exchange("multi", &other).set("redirect_uri", "https://app.test/cb")).await.expect_ok();
    }

    // CODE-003, ATK-078: one minute, to the millisecond
    async fn a_code_lives_for_a_minute(setup) {
        let (one, two, three) = (setup.code("pub").await, setup.code("pub").await, setup.code("pub").await);
        setup.clock.advance(Duration::from_millis(59_999));
        setup.token(&setup.exchange("pub", &one)).await.expect_ok();
        setup.clock.advance(Duration::from_millis(1));
        setup.token(&setup.exchange("pub", &two)).await.expect_error(400, "invalid_grant");
        setup.clock.advance(Duration::from_secs(86_400 * 400));
        setup.token(&setup.exchange("pub", &two)).await.expect_error(400, "invalid_grant");
        // A clock that goes back brings nothing to life that was spent, and breaks nothing.
        setup.clock.set_back(Duration::from_secs(86_400 * 800));
        setup.token(&setup.exchange("pub", &one)).await.expect_error(400, "invalid_grant");
        setup.token(&setup.exchange("pub", &three)).await.expect_ok();
    }

    // ATK-045, PKCE-016: only who may redeem the code may wear it out
    async fn guesses_of_others_do_not_count_against_a_code(setup) {
        let right = setup.exchange("web", &setup.code("web").await);
        let wrong = right.clone().set("code_verifier", OTHER_VERIFIER);
        for _ in 0..10 {
            setup.token(&wrong.clone().set("client_id", "other")).await.expect_error(400, "invalid_grant");
            setup.token(&wrong.clone().set("client_secret", "wrong")).await.expect_error(401, "invalid_client");
        }
        setup.token(&right).await.expect_ok();
    }

    // CODE-001, CAUTH-001: a code and its client may be sent apart
    async fn the_client_may_be_named_in_the_header_alone(setup) {
        let exchange = setup.exchange("web", &setup.code("web").await).without("client_id").without("client_secret");
        setup.post("/oauth/token", &exchange, Some(&basic("web", SECRET))).await.expect_ok();
    }
}

#[tokio::test]
async fn lifetimes_of_codes_and_tokens_are_apart() {
    let lifetimes = Lifetimes::new().with_code(Duration::from_secs(5)).with_access_token(Some(Duration::from_secs(7)));
    for setup in Setup::both_with(|builder| builder.lifetimes(lifetimes)).await {
        let (code, late) = (setup.code("pub").await, setup.code("pub").await);
        let tokens = setup.token(&setup.exchange("pub", &code)).await.expect_ok();
        assert_eq!(tokens.json["expires_in"], 7);
        setup.clock.advance(Duration::from_secs(5));
        setup.token(&setup.exchange("pub", &late)).await.expect_error(400, "invalid_grant");
        assert!(setup.is_accepted(tokens.text("access_token")).await);
        setup.clock.advance(Duration::from_secs(2));
        assert!(!setup.is_accepted(tokens.text("access_token")).await);
        setup.refreshed("pub", tokens.text("refresh_token")).await;
    }
}
