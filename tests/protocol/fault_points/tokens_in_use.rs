//! Revocation, introspection, and the API.

use grantor::store::{ClientRegistry, GrantStore};
use http::{Response, StatusCode};

use super::machine::{Machine, Seen};
use crate::support::bearer;

// REV-003, REV-013: success is said of what is revoked, and of nothing else
pub async fn a_revocation<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    for kind in ["access_token", "refresh_token"] {
        let calls = machine
            .at_every_fault(async |point| {
                let tokens = setup.tokens("web").await;
                let seen = machine.attempt(point, StatusCode::OK, setup.revoke("web", tokens.text(kind))).await;
                let accepted = setup.is_accepted(tokens.text("access_token")).await;
                assert!(!(accepted && matches!(seen, Seen::Right(_))), "{point:?}");
                setup.revoke("web", tokens.text(kind)).await.expect_ok();
                assert!(!setup.is_accepted(tokens.text("access_token")).await, "{point:?}");
                assert_eq!(setup.can_refresh("web", tokens.text("refresh_token")).await, kind == "access_token");
            })
            .await;
        assert_eq!(calls, 3);
    }
}

// INTRO-003, RS-013: a token is not called dead because nobody could look
pub async fn a_look_at_a_token<S: ClientRegistry + GrantStore>(machine: &Machine<S>) {
    let setup = &machine.setup;
    let tokens = setup.tokens("web").await;
    for kind in ["access_token", "refresh_token"] {
        let calls = machine
            .at_every_fault(async |point| {
                let seen = machine.attempt(point, StatusCode::OK, setup.introspect("web", tokens.text(kind))).await;
                assert!(!matches!(seen, Seen::Right(answer) if answer.json["active"] != true), "{point:?}");
            })
            .await;
        assert_eq!(calls, 2);
    }
    let calls = machine
        .at_every_fault(async |point| {
            let headers = bearer(tokens.text("access_token"));
            let call = async {
                match setup.server.resource_server().verify(&headers).await {
                    Ok(_) => Response::new(String::new()).into(),
                    Err(error) => error.into_http().into(),
                }
            };
            machine.attempt(point, StatusCode::OK, call).await;
            assert!(setup.is_accepted(tokens.text("access_token")).await, "{point:?}");
        })
        .await;
    assert_eq!(calls, 1);
}
