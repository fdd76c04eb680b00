//! The answer to a refresh that a client did not get: the same again (protocol 4.4, RT-020 to RT-024, and appendix F).

use std::sync::Arc;
use std::time::Duration;

use grantor::error::ErrorReason;
use grantor::policy::{Lifetimes, RefreshPolicy};

use crate::support::{Answer, Recorder, Setup, like_web};

/// The default grace.
const GRACE: Duration = Duration::from_secs(10);
/// The last instant of it.
const JUST_BEFORE: Duration = Duration::from_millis(9_999);

/// The two secrets of a token response.
fn secrets(tokens: &Answer) -> [&str; 2] {
    [tokens.text("access_token"), tokens.text("refresh_token")]
}

on_both_stores! {
    // RT-020, D8: on by default
    async fn a_retry_within_the_grace_gets_the_same_answer(setup) {
        for client in ["pub", "web"] {
            let first = setup.tokens(client).await;
            let lost = setup.refreshed(client, first.text("refresh_token")).await;
            for _ in 0..3 {
                setup.clock.advance(Duration::from_secs(3));
                let again = setup.refreshed(client, first.text("refresh_token")).await;
                assert_eq!(secrets(&again), secrets(&lost), "{client}");
                assert_eq!(again.text("scope"), lost.text("scope"));
            }
            assert!(setup.is_accepted(lost.text("access_token")).await);
            assert!(setup.can_refresh(client, lost.text("refresh_token")).await);
        }
    }

    // RT-020, TRESP-004: relative to now
    async fn a_retry_tells_how_long_the_access_token_is_still_valid(setup) {
        let first = setup.tokens("web").await;
        assert_eq!(setup.refreshed("web", first.text("refresh_token")).await.json["expires_in"], 3_600);
        setup.clock.advance(Duration::from_secs(9));
        assert_eq!(setup.refreshed("web", first.text("refresh_token")).await.json["expires_in"], 3_591);
    }

    // RT-020: what is retried is the answer, not the question
    async fn a_retry_that_asks_for_something_else_gets_nothing_else(setup) {
        let first = setup.tokens_for("web", "read write", &[]).await;
        let narrow = setup.refresh("web", first.text("refresh_token")).and("scope", "read");
        let lost = setup.token(&narrow).await.expect_ok();
        let again = setup.refreshed("web", first.text("refresh_token")).await;
        assert_eq!((secrets(&again), again.text("scope")), (secrets(&lost), "read"));
        assert_eq!(setup.introspect("web", again.text("access_token")).await.text("scope"), "read");
        let wide = setup.refresh("web", first.text("refresh_token")).and("scope", "read admin");
        setup.token(&wide).await.expect_error(400, "invalid_scope");
        // The grant is as wide as ever.
        assert_eq!(setup.refreshed("web", lost.text("refresh_token")).await.text("scope"), "read write");
    }

    // RT-021, ATK-052
    async fn the_grace_ends_when_the_successor_is_used(setup) {
        for client in ["pub", "web"] {
            let first = setup.tokens(client).await;
            let second = setup.refreshed(client, first.text("refresh_token")).await;
            let third = setup.refreshed(client, second.text("refresh_token")).await;
            assert!(!setup.can_refresh(client, first.text("refresh_token")).await, "{client}");
            assert!(!setup.can_refresh(client, third.text("refresh_token")).await, "{client}");
            for tokens in [&first, &second, &third] {
                assert!(!setup.is_accepted(tokens.text("access_token")).await, "{client}");
            }
        }
    }

    // RT-012, RT-023, ATK-052
    async fn the_grace_ends_with_time_and_a_retry_does_not_extend_it(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        setup.clock.advance(JUST_BEFORE);
        setup.refreshed("web", first.text("refresh_token")).await;
        setup.clock.advance(Duration::from_millis(1));
        assert!(!setup.can_refresh("web", first.text("refresh_token")).await);
        assert!(!setup.can_refresh("web", second.text("refresh_token")).await);
        assert!(!setup.is_accepted(second.text("access_token")).await);
    }

    // RT-022
    async fn the_grace_is_for_the_last_generation_only(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        let third = setup.refreshed("web", second.text("refresh_token")).await;
        // Retrying the last one is fine, and says nothing about the one before.
        assert_eq!(secrets(&setup.refreshed("web", second.text("refresh_token")).await), secrets(&third));
        assert!(!setup.can_refresh("web", first.text("refresh_token")).await);
        assert!(!setup.can_refresh("web", third.text("refresh_token")).await);
    }

    // RT-022, RT-014
    async fn the_grace_is_for_the_client_that_was_answered_only(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        let retry = setup.refresh("web", first.text("refresh_token"));
        setup.token(&retry.clone().set("client_id", "other")).await.expect_error(400, "invalid_grant");
        setup
            .token(&retry.clone().set("client_id", "pub").without("client_secret"))
            .await
            .expect_error(400, "invalid_grant");
        setup.token(&retry.set("client_secret", "wrong")).await.expect_error(401, "invalid_client");
        assert_eq!(secrets(&setup.refreshed("web", first.text("refresh_token")).await), secrets(&second));
        setup.refreshed("web", second.text("refresh_token")).await;
    }

    // RT-024: every retry gets the same successor, so there is one branch; killing it kills all
    async fn retries_never_make_a_second_branch(setup) {
        let first = setup.tokens("pub").await;
        let mut answers = Vec::new();
        for _ in 0..20 {
            answers.push(setup.refreshed("pub", first.text("refresh_token")).await);
        }
        assert!(answers.iter().all(|answer| secrets(answer) == secrets(&answers[0])));
        let third = setup.refreshed("pub", answers[0].text("refresh_token")).await;
        setup.clock.advance(GRACE);
        assert!(!setup.can_refresh("pub", answers[19].text("refresh_token")).await);
        assert!(!setup.can_refresh("pub", third.text("refresh_token")).await);
        assert!(!setup.is_accepted(third.text("access_token")).await);
    }

    // RT-021, REV-009: nothing is handed out again under a grant that is dead
    async fn a_retry_after_a_revocation_gets_nothing(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        setup.revoke("web", second.text("refresh_token")).await.expect_ok();
        assert!(!setup.can_refresh("web", first.text("refresh_token")).await);
        assert!(!setup.is_accepted(second.text("access_token")).await);
    }

    // RT-020, RT-032: the access token alone can be revoked, and a retry does not revive it
    async fn a_retry_does_not_revive_an_access_token(setup) {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        setup.revoke("web", second.text("access_token")).await.expect_ok();
        setup.refreshed("web", first.text("refresh_token")).await;
        assert!(!setup.is_accepted(second.text("access_token")).await);
        setup.refreshed("web", second.text("refresh_token")).await;
    }
}

// RT-023: so many retries, each in the log, and the end of them is no replay
#[tokio::test]
async fn retries_are_limited_and_every_one_is_seen() {
    for start in Setup::both_starts().await {
        let recorder = Arc::new(Recorder::default());
        let setup = Setup::start(start, |builder| builder.observer(recorder.clone())).await;
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        recorder.take();
        for _ in 0..RefreshPolicy::MAX_RETRIES {
            let again = setup.refreshed("web", first.text("refresh_token")).await;
            assert_eq!(secrets(&again), secrets(&second));
        }
        let told = recorder.take().into_iter();
        // Beside that the client proved each time who it is.
        let retried: Vec<_> = told.filter(|event| !event.starts_with("Authenticated")).collect();
        assert_eq!(retried.len(), RefreshPolicy::MAX_RETRIES as usize);
        assert!(retried.iter().all(|event| event.starts_with("Retried") && event.contains("\"web\"")), "{retried:?}");
        recorder.refusals();
        for _ in 0..36 {
            setup.token(&setup.refresh("web", first.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        }
        let refusals = recorder.refusals();
        assert_eq!(refusals.len(), 36);
        assert!(
            refusals.iter().all(|refused| refused.reason == ErrorReason::RefreshTokenRetriesExhausted),
            "{refusals:?}"
        );
        assert!(setup.is_accepted(second.text("access_token")).await);
        setup.refreshed("web", second.text("refresh_token")).await;
    }
}

// RT-020: 0 disables it
#[tokio::test]
async fn without_a_grace_the_second_use_is_a_replay() {
    let policy = RefreshPolicy::Rotate { grace: Duration::ZERO };
    for setup in Setup::both_with(|builder| builder.refresh_policy(policy)).await {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        assert!(!setup.can_refresh("web", first.text("refresh_token")).await);
        assert!(!setup.can_refresh("web", second.text("refresh_token")).await);
        // A client may have a grace of its own.
        let own = RefreshPolicy::Rotate { grace: Duration::from_secs(60) };
        setup.add(like_web("patient").with_refresh_policy(own)).await;
        let first = setup.tokens("patient").await;
        let second = setup.refreshed("patient", first.text("refresh_token")).await;
        setup.clock.advance(Duration::from_secs(59));
        assert_eq!(secrets(&setup.refreshed("patient", first.text("refresh_token")).await), secrets(&second));
    }
}

// RT-017, RT-020: the answer is the same, and so is when what it holds expires
#[tokio::test]
async fn a_grace_that_is_longer_than_a_token_lives_brings_nothing_back() {
    let lifetimes = Lifetimes::new()
        .with_access_token(Some(Duration::from_secs(30)))
        .with_refresh_idle(None)
        .with_refresh_absolute(Some(Duration::from_secs(60)));
    let policy = RefreshPolicy::Rotate { grace: Duration::from_secs(600) };
    for setup in Setup::both_with(|builder| builder.refresh_policy(policy).lifetimes(lifetimes)).await {
        let first = setup.tokens("web").await;
        let second = setup.refreshed("web", first.text("refresh_token")).await;
        for wait in [31, 29] {
            setup.clock.advance(Duration::from_secs(wait));
            let again = setup.refreshed("web", first.text("refresh_token")).await;
            assert_eq!(secrets(&again), secrets(&second));
            assert!(!setup.is_accepted(again.text("access_token")).await);
            // Some clients take zero for never (TRESP-004).
            assert_eq!(again.json["expires_in"], 1);
        }
        setup.token(&setup.refresh("web", second.text("refresh_token"))).await.expect_error(400, "invalid_grant");
    }
}
