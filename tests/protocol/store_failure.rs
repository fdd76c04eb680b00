//! A store that fails, before its work or after it: the client is not blamed, and may retry (TOK-011, RT-025, ATK-077).

use grantor::observer::Endpoint;
use grantor::policy::RefreshPolicy;
use grantor::testkit::When;

use crate::support::broken::Broken;
use crate::support::failing::Fault;
use crate::support::{Answer, Form, bearer, like_web};

/// Whether the tokens of an answer work.
async fn work(broken: &Broken, tokens: &Answer) -> bool {
    let setup = &broken.setup;
    let access = setup.is_accepted(tokens.text("access_token")).await;
    let Some(refresh_token) = tokens.json["refresh_token"].as_str() else { return access };
    let refresh = setup.introspect("web", refresh_token).await.json["active"] == true;
    assert_eq!(access, refresh);
    access
}

// TOK-011
#[tokio::test]
async fn an_exchange_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for fault in Fault::each_of(&["find_client", "find_code", "exchange_code"]) {
            let form = setup.exchange("web", &setup.code("web").await);
            broken.arm(fault);
            broken.expect_trouble(setup.token(&form).await, fault, Endpoint::Token);
            let retry = setup.token(&form).await;
            if (fault.method, fault.when) == ("exchange_code", When::After) {
                // The code is spent and its tokens are with nobody: what is left of them goes.
                retry.expect_error(400, "invalid_grant");
                let granted = setup.granted().await;
                let newest = granted.iter().max_by_key(|summary| summary.revoked_at.is_some()).unwrap();
                assert!(newest.revoked_at.is_some());
            } else {
                assert!(work(&broken, &retry.expect_ok()).await, "{fault:?}");
            }
        }
    }
}

// RT-025, and the peers' mistake: no token is answered that was not stored, and none is lost
#[tokio::test]
async fn a_refresh_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for client in ["web", "pub"] {
            for fault in Fault::each_of(&["find_client", "find_refresh_token", "rotate_refresh_token"]) {
                let first = setup.tokens(client).await;
                let form = setup.refresh(client, first.text("refresh_token"));
                broken.arm(fault);
                broken.expect_trouble(setup.token(&form).await, fault, Endpoint::Token);
                let second = setup.token(&form).await.expect_ok();
                assert!(setup.is_accepted(second.text("access_token")).await, "{fault:?}");
                let third = setup.refreshed(client, second.text("refresh_token")).await;
                assert!(setup.is_accepted(third.text("access_token")).await, "{fault:?}");
            }
        }
    }
}

// RT-025, RT-026
#[tokio::test]
async fn a_refresh_without_rotation_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        setup.add(like_web("steady").with_refresh_policy(RefreshPolicy::Reuse)).await;
        let tokens = setup.tokens("steady").await;
        for fault in Fault::each_of(&["find_client", "find_refresh_token", "reuse_refresh_token"]) {
            let form = setup.refresh("steady", tokens.text("refresh_token"));
            broken.arm(fault);
            broken.expect_trouble(setup.token(&form).await, fault, Endpoint::Token);
            let refreshed = setup.token(&form).await.expect_ok();
            assert!(setup.is_accepted(refreshed.text("access_token")).await, "{fault:?}");
        }
    }
}

// CODE-006, RT-013: a replay that could not be answered is answered the next time
#[tokio::test]
async fn a_replay_that_could_not_be_punished_is_punished_later() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for of_code in [true, false] {
            for fault in Fault::each_of(&["revoke_grant"]) {
                let exchange = setup.exchange("web", &setup.code("web").await);
                let first = setup.token(&exchange).await.expect_ok();
                let second = setup.refreshed("web", first.text("refresh_token")).await;
                let third = setup.refreshed("web", second.text("refresh_token")).await;
                let replay = if of_code { exchange } else { setup.refresh("web", first.text("refresh_token")) };
                broken.arm(fault);
                broken.expect_trouble(setup.token(&replay).await, fault, Endpoint::Token);
                assert_eq!(work(&broken, &third).await, fault.when == When::Before, "{fault:?}");
                setup.token(&replay).await.expect_error(400, "invalid_grant");
                assert!(!work(&broken, &third).await, "{fault:?}");
            }
        }
    }
}

// PKCE-016: a guess that could not be counted is not a guess that was right
#[tokio::test]
async fn a_wrong_verifier_that_could_not_be_counted_gets_nothing() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for fault in Fault::each_of(&["count_failure"]) {
            let right = setup.exchange("web", &setup.code("web").await);
            let wrong = right.clone().set("code_verifier", &"a".repeat(43));
            broken.arm(fault);
            broken.expect_trouble(setup.token(&wrong).await, fault, Endpoint::Token);
            setup.token(&wrong).await.expect_error(400, "invalid_grant");
            setup.token(&right).await.expect_ok();
        }
    }
}

// TOK-011
#[tokio::test]
async fn a_client_can_ask_for_itself_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for fault in Fault::each_of(&["find_client", "insert_tokens"]) {
            let form = setup.identify("svc", Form::of(&[("grant_type", "client_credentials")]));
            broken.arm(fault);
            broken.expect_trouble(setup.token(&form).await, fault, Endpoint::Token);
            assert!(work(&broken, &setup.token(&form).await.expect_ok()).await, "{fault:?}");
        }
    }
}

// REV-003, REV-013: success is said of what is revoked, and of nothing else
#[tokio::test]
async fn a_revocation_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for (kind, methods) in [
            ("access_token", ["find_client", "find_access_token", "revoke_access_token"]),
            ("refresh_token", ["find_client", "find_refresh_token", "revoke_grant"]),
        ] {
            for fault in Fault::each_of(&methods) {
                let tokens = setup.tokens("web").await;
                broken.arm(fault);
                broken.expect_trouble(setup.revoke("web", tokens.text(kind)).await, fault, Endpoint::Revocation);
                setup.revoke("web", tokens.text(kind)).await.expect_ok();
                assert!(!setup.is_accepted(tokens.text("access_token")).await, "{fault:?}");
            }
        }
    }
}

// INTRO-003: a token is not called inactive because nobody could look
#[tokio::test]
async fn an_introspection_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        let tokens = setup.tokens("web").await;
        for (kind, find) in [("access_token", "find_access_token"), ("refresh_token", "find_refresh_token")] {
            for fault in Fault::each_of(&["find_client", find]) {
                broken.arm(fault);
                let answer = setup.introspect("web", tokens.text(kind)).await;
                broken.expect_trouble(answer, fault, Endpoint::Introspection);
                assert_eq!(setup.introspect("web", tokens.text(kind)).await.json["active"], true, "{fault:?}");
            }
        }
    }
}

// RS-013: a 401 would make the client throw its token away
#[tokio::test]
async fn a_call_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        let tokens = setup.tokens("web").await;
        for fault in Fault::each_of(&["find_access_token"]) {
            broken.arm(fault);
            let error = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap_err();
            broken.expect_trouble(error.into_http().into(), fault, Endpoint::Resource);
            assert!(setup.is_accepted(tokens.text("access_token")).await, "{fault:?}");
        }
    }
}

// CODE-017, RT-019: what the host calls fails as the store does, and finishes when it is called again
#[tokio::test]
async fn a_withdrawal_can_be_tried_again() {
    for broken in Broken::both().await {
        let setup = &broken.setup;
        for skip in [0, 1] {
            for fault in Fault::each_of(&["list_grants", "revoke_grant"]) {
                if (fault.method, skip) == ("list_grants", 1) {
                    continue;
                }
                let grants = [setup.tokens("web").await, setup.tokens("web").await];
                broken.arm(Fault { skip, ..fault });
                let error = setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap_err();
                assert_eq!(error.retry(), fault.retry);
                setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();
                for tokens in &grants {
                    assert!(!work(&broken, tokens).await, "{fault:?}");
                }
            }
        }
    }
}
