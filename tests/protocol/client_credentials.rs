//! A client that acts for itself (protocol 4.5).

use grantor::client::{Client, GrantType};
use http::StatusCode;

use crate::support::{Form, SECRET, Setup, basic, bearer, like_web};

/// The baseline request.
fn own(setup: &Setup) -> Form {
    setup.identify("svc", Form::of(&[("grant_type", "client_credentials")]))
}

on_both_stores! {
    // CC-001, CC-002
    async fn a_confidential_client_that_authenticates_gets_a_token(setup) {
        let form = Form::of(&[("grant_type", "client_credentials")]);
        for tokens in [
            setup.token(&own(&setup)).await.expect_ok(),
            setup.post("/oauth/token", &form, Some(&basic("svc", SECRET))).await.expect_ok(),
        ] {
            assert!(setup.is_accepted(tokens.text("access_token")).await);
            assert_eq!((tokens.text("token_type"), &tokens.json["expires_in"]), ("Bearer", &3_600.into()));
        }
        setup.token(&own(&setup).without("client_secret")).await.expect_error(401, "invalid_client");
        setup.token(&own(&setup).set("client_secret", "wrong")).await.expect_error(401, "invalid_client");
    }

    // CC-001: not even if it was registered for it
    async fn a_public_client_never_gets_a_token_of_its_own(setup) {
        setup.add(Client::public("open".parse().unwrap()).with_grant_types(GrantType::ALL)).await;
        for client in ["open", "pub"] {
            let form = Form::of(&[("grant_type", "client_credentials"), ("client_id", client)]);
            setup.token(&form).await.expect_error(400, "unauthorized_client");
        }
    }

    // CC-003, CC-006
    async fn the_scope_is_what_the_client_may_have(setup) {
        for (scope, granted) in
            [("read", "read"), ("read write", "read write"), ("", "read"), ("write read", "write read")]
        {
            let tokens = setup.token(&own(&setup).and("scope", scope)).await.expect_ok();
            assert_eq!(tokens.text("scope"), granted, "{scope}");
            let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
            assert_eq!(access.scope().as_str(), granted, "{scope}");
        }
        assert_eq!(setup.own_token("svc").await.text("scope"), "read");
        for scope in ["admin", "read admin", "bogus", "re\"ad", "openid", "openid profile", "read\twrite"] {
            let answer = setup.token(&own(&setup).and("scope", scope)).await;
            assert_eq!(answer.json["error"], "invalid_scope", "{scope}");
            answer.expect_error(400, "invalid_scope");
        }
    }

    // CC-004, RT-033, CC-006
    async fn there_is_no_refresh_token_and_no_id_token(setup) {
        setup.add(like_web("both").with_grant_types(GrantType::ALL)).await;
        for client in ["svc", "both"] {
            for scope in ["read", "read offline_access", "offline_access"] {
                let form = Form::of(&[("grant_type", "client_credentials"), ("scope", scope)]);
                let tokens = setup.token(&setup.identify(client, form)).await.expect_ok();
                assert!(
                    tokens.json.get("refresh_token").is_none() && tokens.json.get("id_token").is_none(),
                    "{tokens:?}"
                );
                assert_eq!(tokens.text("scope"), "read", "{client} {scope}");
            }
        }
    }

    // CC-005, INTRO-011, ATK-058
    async fn the_token_cannot_be_taken_for_a_users(setup) {
        let (own, users) = (setup.own_token("svc").await, setup.tokens("web").await);
        let introspected = setup.introspect("svc", own.text("access_token")).await.expect_ok();
        assert_eq!((introspected.text("sub"), introspected.text("client_id")), ("svc", "svc"));
        let introspected = setup.introspect("web", users.text("access_token")).await.expect_ok();
        assert_eq!((introspected.text("sub"), introspected.text("client_id")), ("alice", "web"));
        let access = setup.server.resource_server().verify(&bearer(own.text("access_token"))).await.unwrap();
        assert!(access.subject().is_none());
        assert_eq!(access.client_id().unwrap().as_str(), "svc");
    }

    // CC-005, ATK-058: even a client that is called like a user acts for nobody
    async fn a_client_that_is_called_like_a_user_is_not_that_user(setup) {
        setup.add(like_web("alice").with_grant_types([GrantType::ClientCredentials])).await;
        let own = setup.own_token("alice").await;
        let access = setup.server.resource_server().verify(&bearer(own.text("access_token"))).await.unwrap();
        assert!(access.subject().is_none());
        assert!(setup.granted().await.is_empty());
        assert_eq!(setup.server.revoke_subject(&setup.alice).await.unwrap(), 0);
        assert!(setup.is_accepted(own.text("access_token")).await);
    }

    // CC-007, RI-001
    async fn the_token_is_for_the_resource_that_is_named(setup) {
        for (resources, audience) in [
            (&["https://api.test/one"][..], &["https://api.test/one"][..]),
            (&["https://api.test/two"], &["https://api.test/two"]),
            (&["https://api.test/two", "https://api.test/one"], &["https://api.test/two", "https://api.test/one"]),
            (&[], &["https://api.test/one"]),
        ] {
            let form = resources.iter().fold(own(&setup), |form, resource| form.and("resource", resource));
            let tokens = setup.token(&form).await.expect_ok();
            let introspected = setup.introspect("svc", tokens.text("access_token")).await;
            assert_eq!(introspected.json["aud"], serde_json::json!(audience), "{resources:?}");
        }
        for resource in ["https://api.test/three", "https://evil.test", "x", "https://api.test/one#x"] {
            setup.token(&own(&setup).and("resource", resource)).await.expect_error(400, "invalid_target");
        }
    }

    // CC-001: each token is a grant of its own
    async fn revoking_one_token_leaves_the_others_alone(setup) {
        let (one, two) = (setup.own_token("svc").await, setup.own_token("svc").await);
        setup.revoke("svc", one.text("access_token")).await.expect_ok();
        assert!(
            !setup.is_accepted(one.text("access_token")).await && setup.is_accepted(two.text("access_token")).await
        );
        assert_eq!(setup.introspect("svc", one.text("access_token")).await.status, StatusCode::OK);
    }
}
