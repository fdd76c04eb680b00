//! The token endpoint.

use grantor::store::{ClientRegistry, GrantStore};
use grantor::testkit::When;
use http::{Response, StatusCode};

use super::machine::{Machine, Seen};
use crate::support::{Answer, Form};

// CODE-005, TOK-011: the code is neither lost nor spent twice
pub async fn an_exchange<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let calls = machine
        .at_every_fault(async |point| {
            let form = setup.exchange("web", &setup.code("web").await);
            let seen = machine.attempt(point, StatusCode::OK, setup.token(&form)).await;
            let retry = setup.token(&form).await;
            match seen {
                Seen::Right(tokens) => {
                    // A second redemption is what the RFC asks to be punished.
                    retry.expect_error(400, "invalid_grant");
                    assert!(!machine.work(&tokens).await);
                }
                Seen::Trouble | Seen::Nothing if retry.status == StatusCode::OK => {
                    assert!(machine.work(&retry.expect_ok()).await, "{point:?}");
                }
                Seen::Trouble | Seen::Nothing => {
                    assert_eq!(point.when, When::After, "the code was lost at {point:?}");
                    retry.expect_error(400, "invalid_grant");
                    assert!(machine.work(&setup.tokens("web").await).await);
                }
            }
        })
        .await;
    assert_eq!(calls, 3);
}

// RT-016, RT-020, RT-025: whatever happened, the client goes on with one successor
pub async fn a_rotation<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let calls = machine
        .at_every_fault(async |point| {
            let first = setup.tokens("web").await;
            let form = setup.refresh("web", first.text("refresh_token"));
            let seen = machine.attempt(point, StatusCode::OK, setup.token(&form)).await;
            let retry = setup.token(&form).await.expect_ok();
            if let Seen::Right(tokens) = seen {
                assert_eq!(tokens.text("refresh_token"), retry.text("refresh_token"), "two successors");
                assert_eq!(tokens.text("access_token"), retry.text("access_token"));
            }
            assert!(machine.work(&retry).await, "{point:?}");
            let next = setup.refreshed("web", retry.text("refresh_token")).await;
            assert!(machine.work(&next).await, "{point:?}");
        })
        .await;
    assert_eq!(calls, 3);
}

// RT-026
pub async fn a_refresh_without_rotation<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let tokens = setup.tokens("steady").await;
    let form = setup.refresh("steady", tokens.text("refresh_token"));
    let calls = machine
        .at_every_fault(async |point| {
            let seen = machine.attempt(point, StatusCode::OK, setup.token(&form)).await;
            if let Seen::Right(refreshed) = seen {
                assert!(setup.is_accepted(refreshed.text("access_token")).await);
            }
            let retry = setup.token(&form).await.expect_ok();
            assert!(setup.is_accepted(retry.text("access_token")).await, "{point:?}");
        })
        .await;
    assert_eq!(calls, 3);
}

// CODE-006, RT-013: the alarm is raised now or at the next replay
pub async fn a_replay<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    for of_code in [true, false] {
        let calls = machine
            .at_every_fault(async |point| {
                let exchange = setup.exchange("web", &setup.code("web").await);
                let first = setup.token(&exchange).await.expect_ok();
                let second = setup.refreshed("web", first.text("refresh_token")).await;
                let third = setup.refreshed("web", second.text("refresh_token")).await;
                let replay = if of_code { exchange } else { setup.refresh("web", first.text("refresh_token")) };
                let seen = machine.attempt(point, StatusCode::BAD_REQUEST, invert(setup.token(&replay))).await;
                if matches!(seen, Seen::Right(_)) {
                    assert!(!machine.work(&third).await, "{point:?}");
                }
                setup.token(&replay).await.expect_error(400, "invalid_grant");
                assert!(!machine.work(&third).await, "{point:?}");
            })
            .await;
        // The client, the token, the rotation that finds it retired, and the revocation.
        assert_eq!(calls, if of_code { 3 } else { 4 });
    }
}

/// The answer to a replay is right if it is this refusal.
async fn invert(answer: impl Future<Output = Answer>) -> Answer {
    let answer = answer.await;
    if answer.status != StatusCode::BAD_REQUEST {
        return answer;
    }
    answer.expect_error(400, "invalid_grant");
    let mut right = Response::new(String::new());
    *right.status_mut() = StatusCode::BAD_REQUEST;
    right.into()
}

pub async fn a_client_that_asks_for_itself<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let form = setup.identify("svc", Form::of(&[("grant_type", "client_credentials")]));
    let calls = machine
        .at_every_fault(async |point| {
            let seen = machine.attempt(point, StatusCode::OK, setup.token(&form)).await;
            if let Seen::Right(tokens) = seen {
                assert!(setup.is_accepted(tokens.text("access_token")).await);
            }
            let retry = setup.token(&form).await.expect_ok();
            assert!(setup.is_accepted(retry.text("access_token")).await, "{point:?}");
        })
        .await;
    assert_eq!(calls, 2);
}
