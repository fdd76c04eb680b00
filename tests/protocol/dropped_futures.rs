//! A handler's future may be dropped at any await: a closed connection does that. Each is dropped here after every
//! number of polls, over stores that make it wait before and after each call, and then the client tries again.

use std::collections::HashSet;
use std::sync::Arc;

use grantor::policy::RefreshPolicy;
use grantor::store::GrantSummary;
use grantor::{Approval, ConfirmedAuthorization, Recall};
use http::StatusCode;

use crate::support::yielding::{Yielding, at_every_point};
use crate::support::{Answer, Form, Setup, Start, bearer, like_web};

async fn waiting(start: Start) -> Setup {
    Setup::intercepted(start, &Arc::new(Yielding), |builder| builder).await
}

/// The grant that was added since.
async fn new_grant(setup: &Setup, known: &[GrantSummary]) -> GrantSummary {
    let known: HashSet<_> = known.iter().map(|summary| summary.grant.id).collect();
    let mut added: Vec<_> =
        setup.granted().await.into_iter().filter(|summary| !known.contains(&summary.grant.id)).collect();
    assert_eq!(added.len(), 1);
    added.remove(0)
}

/// Whether the access token and the refresh token are both alive; one without the other is half a state.
async fn is_alive(setup: &Setup, tokens: &Answer) -> bool {
    let access = setup.is_accepted(tokens.text("access_token")).await;
    let refresh = setup.introspect("web", tokens.text("refresh_token")).await.json["active"] == true;
    assert_eq!(access, refresh);
    access
}

/// Turns each test into one on both stores.
macro_rules! waiting_on_both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($setup:ident) $body:block)*) => {
        $(
            $(#[$meta])*
            #[tokio::test]
            async fn $name() {
                for start in Setup::both_starts().await {
                    let $setup = waiting(start).await;
                    $body
                }
            }
        )*
    };
}

waiting_on_both_stores! {
    // TOK-011, ATK-077
    async fn an_exchange_happened_or_did_not(setup) {
        at_every_point(3, async |polls| {
            let known = setup.granted().await;
            let form = setup.exchange("web", &setup.code("web").await);
            let code = new_grant(&setup, &known).await;
            let done = setup.drop_after(polls, setup.token(&form)).await;
            if let Some(tokens) = done {
                assert!(is_alive(&setup, &tokens.expect_ok()).await);
                return true;
            }
            // Tokens live longer than the code, so the grant shows whether they were stored.
            let happened = new_grant(&setup, &known).await.expires_at > code.expires_at;
            let retry = setup.token(&form).await;
            if happened {
                // The answer is lost, and nobody has its tokens: what is left of it goes.
                retry.expect_error(400, "invalid_grant");
                assert!(new_grant(&setup, &known).await.revoked_at.is_some());
            } else {
                assert!(is_alive(&setup, &retry.expect_ok()).await);
            }
            false
        })
        .await;
    }

    // RT-020, RT-025, ATK-077, and the peers' mistake: the chain is not lost
    async fn a_refresh_that_is_lost_is_answered_by_a_retry_with_one_successor(setup) {
        at_every_point(3, async |polls| {
            let first = setup.tokens("web").await;
            let form = setup.refresh("web", first.text("refresh_token"));
            let done = setup.drop_after(polls, setup.token(&form)).await;
            let (completed, answered) = (done.is_some(), done.map(Answer::expect_ok));
            let retried = setup.token(&form).await.expect_ok();
            let again = setup.token(&form).await.expect_ok();
            for answer in answered.iter().chain([&again]) {
                assert_eq!(answer.text("access_token"), retried.text("access_token"));
                assert_eq!(answer.text("refresh_token"), retried.text("refresh_token"));
            }
            assert!(is_alive(&setup, &retried).await);
            assert_eq!(setup.introspect("web", first.text("refresh_token")).await.json["active"], false);
            let next = setup.refreshed("web", retried.text("refresh_token")).await;
            assert!(is_alive(&setup, &next).await);
            completed
        })
        .await;
    }

    // RT-026
    async fn a_refresh_without_rotation_can_be_repeated(setup) {
        setup.add(like_web("steady").with_refresh_policy(RefreshPolicy::Reuse)).await;
        at_every_point(3, async |polls| {
            let tokens = setup.tokens("steady").await;
            let form = setup.refresh("steady", tokens.text("refresh_token"));
            let completed = setup.drop_after(polls, setup.token(&form)).await.map(Answer::expect_ok).is_some();
            let retried = setup.token(&form).await.expect_ok();
            assert!(setup.is_accepted(retried.text("access_token")).await);
            completed
        })
        .await;
    }

    // CODE-006, RT-013: a thief who hangs up early does not stop the alarm
    async fn a_replay_revoked_the_grant_or_will(setup) {
        for spend in [false, true] {
            at_every_point(3, async |polls| {
                let exchange = setup.exchange("web", &setup.code("web").await);
                let first = setup.token(&exchange).await.expect_ok();
                let (replay, newest) = if spend {
                    let second = setup.refreshed("web", first.text("refresh_token")).await;
                    let third = setup.refreshed("web", second.text("refresh_token")).await;
                    (setup.refresh("web", first.text("refresh_token")), third)
                } else {
                    (exchange, first)
                };
                let done = setup.drop_after(polls, setup.token(&replay)).await;
                let alive = is_alive(&setup, &newest).await;
                let completed = done.is_some();
                done.into_iter().for_each(|answer| drop(answer.expect_error(400, "invalid_grant")));
                assert!(!(completed && alive));
                setup.token(&replay).await.expect_error(400, "invalid_grant");
                assert!(!is_alive(&setup, &newest).await);
                completed
            })
            .await;
        }
    }

    async fn a_client_that_asks_for_itself_again_gets_a_token(setup) {
        at_every_point(3, async |polls| {
            let form = setup.identify("svc", Form::of(&[("grant_type", "client_credentials")]));
            let done = setup.drop_after(polls, setup.token(&form)).await.map(Answer::expect_ok);
            let retried = setup.token(&form).await.expect_ok();
            for answer in done.iter().chain([&retried]) {
                assert!(setup.is_accepted(answer.text("access_token")).await);
            }
            done.is_some()
        })
        .await;
    }

    // UI-006: a decision gives a code, or was made
    async fn a_decision_was_made_or_can_be(setup) {
        at_every_point(1, async |polls| {
            let (request, known) = (setup.request("pub"), setup.granted().await);
            let token = setup.consent_token(&setup.pending(&request).await.unwrap());
            let done = setup
                .drop_after(polls, setup.server.approve(confirmed(&setup, &request, &token).await, Approval::all()))
                .await;
            let completed = done.is_some();
            done.into_iter().for_each(|result| drop(result.unwrap()));
            let made = setup.granted().await.len() > known.len();
            match setup.server.approve(confirmed(&setup, &request, &token).await, Approval::all()).await {
                Ok(response) => {
                    assert!(!made);
                    let location = response.location();
                    let (_, code) = location.split_once("code=").unwrap();
                    let code = code.split('&').next().unwrap();
                    setup.token(&setup.exchange("pub", code)).await.expect_ok();
                }
                Err(error) => {
                    assert!(made);
                    assert_eq!(error.reason(), grantor::error::ErrorReason::DecisionRepeated);
                    // The way on is another form.
                    setup.token(&setup.exchange("pub", &setup.code("pub").await)).await.expect_ok();
                }
            }
            completed
        })
        .await;
    }

    async fn looking_at_a_request_changes_nothing(setup) {
        at_every_point(1, async |polls| {
            let (request, known) = (setup.request("web"), setup.granted().await);
            let completed = setup.drop_after(polls, setup.pending(&request)).await.map(Result::unwrap).is_some();
            assert_eq!(setup.granted().await, known);
            setup.code_for(&request).await;
            completed
        })
        .await;
        setup.tokens("web").await;
        at_every_point(1, async |polls| {
            let known = setup.granted().await;
            let pending = setup.pending(&setup.request("web")).await.unwrap();
            let done = setup.drop_after(polls, setup.server.recall(pending, &setup.alice)).await;
            assert_eq!(setup.granted().await, known);
            let pending = setup.pending(&setup.request("web")).await.unwrap();
            let again = setup.server.recall(pending, &setup.alice).await.unwrap();
            assert!(matches!(again, Recall::Remembered(_)));
            done.is_some()
        })
        .await;
    }

    // REV-001, REV-013
    async fn a_revocation_happened_or_did_not(setup) {
        for kind in ["access_token", "refresh_token"] {
            at_every_point(3, async |polls| {
                let tokens = setup.tokens("web").await;
                let done = setup.drop_after(polls, setup.revoke("web", tokens.text(kind))).await;
                let accepted = setup.is_accepted(tokens.text("access_token")).await;
                let refreshable = setup.introspect("web", tokens.text("refresh_token")).await.json["active"] == true;
                // An access token goes alone, a refresh token with all of its grant.
                assert!(refreshable == accepted || (kind == "access_token" && refreshable));
                assert!(done.is_none() || !accepted);
                setup.revoke("web", tokens.text(kind)).await.expect_ok();
                assert!(!setup.is_accepted(tokens.text("access_token")).await);
                assert_eq!(setup.can_refresh("web", tokens.text("refresh_token")).await, kind == "access_token");
                done.map(Answer::expect_ok).is_some()
            })
            .await;
        }
    }

    async fn asking_about_a_token_changes_nothing(setup) {
        let tokens = setup.tokens("web").await;
        at_every_point(1, async |polls| {
            let done = setup.drop_after(polls, setup.introspect("web", tokens.text("refresh_token"))).await;
            assert!(is_alive(&setup, &tokens).await);
            done.map(Answer::expect_ok).is_some()
        })
        .await;
        at_every_point(1, async |polls| {
            let headers = bearer(tokens.text("access_token"));
            let done = setup.drop_after(polls, setup.server.resource_server().verify(&headers)).await;
            assert!(is_alive(&setup, &tokens).await);
            done.map(Result::unwrap).is_some()
        })
        .await;
        assert_eq!(setup.token(&setup.refresh("web", tokens.text("refresh_token"))).await.status, StatusCode::OK);
    }

    // CONS-008: what the host calls can be called again
    async fn a_withdrawal_that_was_cut_short_is_finished_by_the_next(setup) {
        at_every_point(7, async |polls| {
            let grants = [setup.tokens("web").await, setup.tokens("web").await, setup.tokens("web").await];
            let web = "web".parse().unwrap();
            let completed =
                setup.drop_after(polls, setup.server.withdraw(&setup.alice, &web)).await.map(Result::unwrap).is_some();
            for tokens in &grants {
                let alive = is_alive(&setup, tokens).await;
                assert!(!(completed && alive));
            }
            setup.server.withdraw(&setup.alice, &web).await.unwrap();
            for tokens in &grants {
                assert!(!is_alive(&setup, tokens).await);
            }
            completed
        })
        .await;
    }
}

/// The decision of this request's form.
async fn confirmed(setup: &Setup, request: &Form, token: &str) -> ConfirmedAuthorization {
    setup.pending(request).await.unwrap().confirm(&setup.session, &setup.alice, token).unwrap()
}
