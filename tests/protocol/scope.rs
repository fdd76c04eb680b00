//! Scope: what may be asked for, and what is granted of it.

use std::time::Duration;

use grantor::configuration::{EndpointPaths, ProtectedResource};
use grantor::{Approval, Scope};

use crate::browser::{expect_code, expect_rejection};
use crate::support::{Answer, Form, Setup, redirect_uri};

/// What a token response says was granted for a request of `pub`.
async fn granted(setup: &Setup, request: &Form, approval: Approval) -> String {
    let code = expect_code(&setup.approve_with(request, approval).await, redirect_uri("pub"), request);
    setup.token(&setup.exchange("pub", &code)).await.expect_ok().text("scope").to_owned()
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut tokens: Vec<_> = text.split(' ').collect();
    tokens.sort_unstable();
    tokens
}

/// The scope of the token that a refresh yields.
async fn refreshed(setup: &Setup, tokens: &Answer) -> String {
    let form = setup.refresh("pub", tokens.text("refresh_token"));
    setup.token(&form).await.expect_ok().text("scope").to_owned()
}

on_both_stores! {
    // SCOPE-001, TRESP-005, CLI-047
    async fn the_order_of_scope_tokens_does_not_matter(setup) {
        for asked in ["read write", "write read"] {
            let request = setup.request("pub").set("scope", asked);
            assert_eq!(sorted(&granted(&setup, &request, Approval::all()).await), ["read", "write"], "{asked}");
        }
    }

    // SCOPE-001
    async fn scope_tokens_are_case_sensitive(setup) {
        for asked in ["READ", "Read", "read Write"] {
            let request = setup.request("pub").set("scope", asked);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
        }
    }

    // SCOPE-002, CLI-052
    async fn a_malformed_scope_is_refused(setup) {
        for asked in [
            "re\"ad",
            "re\\ad",
            "réad",
            "read\twrite",
            "read\nwrite",
            "read\r\nwrite",
            "read\u{a0}write",
            "read\u{7f}",
            "read,write",
        ] {
            let request = setup.request("pub").set("scope", asked);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
        }
    }

    // SCOPE-003
    async fn superfluous_spaces_and_repeated_tokens_are_tolerated(setup) {
        for (asked, expected) in [(" read  read", "read"), ("read ", "read"), ("  read   write read ", "read write")] {
            let request = setup.request("pub").set("scope", asked);
            assert_eq!(granted(&setup, &request, Approval::all()).await, expected, "{asked:?}");
        }
    }

    // SCOPE-004, HTTP-008
    async fn a_request_without_scope_gets_the_default_and_is_told(setup) {
        let request = setup.request("pub");
        for request in [request.clone().without("scope"), request.clone().set("scope", ""), request.set("scope", " ")] {
            assert_eq!(granted(&setup, &request, Approval::all()).await, "read", "{request:?}");
        }
    }

    // SCOPE-005, D5; the peer that looked for a substring took `notread` for `read`
    async fn an_unknown_scope_is_refused(setup) {
        for asked in
            ["bogus", "read bogus", "bogus read", "notread", "readx", "rea", "read:write", "read.write", "*", "openid"]
        {
            let request = setup.request("pub").set("scope", asked);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
        }
    }

    // SCOPE-006, ATK-037
    async fn a_client_is_not_granted_what_it_may_not_have(setup) {
        setup.change("pub", |client| client.with_scope(scope("read"))).await;
        for asked in ["admin", "write", "read write", "read admin"] {
            let request = setup.request("pub").set("scope", asked);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
        }
        assert_eq!(granted(&setup, &setup.request("pub"), Approval::all()).await, "read");
    }

    // SCOPE-005: what the service does not know any more is unknown, whatever a client was once registered for.
    async fn a_scope_that_the_service_gave_up_is_not_granted(setup) {
        setup.change("pub", |client| client.with_scope(scope("read gone"))).await;
        for asked in ["gone", "read gone"] {
            let request = setup.request("pub").set("scope", asked);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
        }
    }

    // SCOPE-004, SCOPE-006
    async fn the_default_is_cut_to_what_the_client_may_have(setup) {
        setup.change("pub", |client| client.with_scope(scope("write"))).await;
        let request = setup.request("pub").without("scope");
        expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
    }

    // SCOPE-006: what was taken from the client is not granted any more, even if its page was shown before.
    async fn a_scope_that_was_taken_from_the_client_meanwhile_is_not_granted(setup) {
        let request = setup.request("pub").set("scope", "read admin");
        let _shown = setup.pending(&request).await.unwrap();
        setup.change("pub", |client| client.with_scope(scope("read"))).await;
        expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
    }

    // SCOPE-007; oxide-auth ignores what is asked for and grants the default
    async fn exactly_what_is_asked_for_and_approved_is_granted_and_told(setup) {
        for (asked, approved, expected) in [
            ("write", None, "write"),
            ("read write admin", None, "read write admin"),
            ("read write", Some("read"), "read"),
            ("read write", Some("write read"), "read write"),
            ("read write admin", Some("admin"), "admin"),
        ] {
            let request = setup.request("pub").set("scope", asked);
            let approval = approved.map_or_else(Approval::all, |approved| Approval::of(scope(approved)));
            let code = expect_code(&setup.approve_with(&request, approval).await, redirect_uri("pub"), &request);
            let tokens = setup.token(&setup.exchange("pub", &code)).await.expect_ok();
            assert_eq!(sorted(tokens.text("scope")), sorted(expected), "{asked} {approved:?}");
            assert_eq!(sorted(&refreshed(&setup, &tokens).await), sorted(expected), "{asked} {approved:?}");
        }
    }

    // SCOPE-008
    async fn an_approval_of_nothing_is_a_denial(setup) {
        for approved in [Scope::empty(), scope("admin")] {
            let request = setup.request("pub").set("scope", "read write");
            let answer = setup.approve_with(&request, Approval::of(approved)).await;
            expect_rejection(&answer, redirect_uri("pub"), "access_denied", &request);
        }
        assert!(setup.granted().await.is_empty());
    }

    // SCOPE-009, ATK-026
    async fn a_decision_can_only_narrow(setup) {
        for (asked, posted, expected) in
            [("read", "read admin", "read"), ("read write", "write admin", "write"), ("read", "read read", "read")]
        {
            let request = setup.request("pub").set("scope", asked);
            assert_eq!(granted(&setup, &request, Approval::of(scope(posted))).await, expected, "{asked} {posted}");
        }
    }

    // SCOPE-010, CLI-018, CLI-025, CLI-047
    async fn offline_access_is_always_understood(setup) {
        for (asked, expected) in [
            ("read offline_access", "read"),
            ("offline_access read write", "read write"),
            ("offline_access", "read"),
            ("offline_access offline_access", "read"),
        ] {
            let request = setup.request("pub").set("scope", asked).set("prompt", "consent");
            assert_eq!(granted(&setup, &request, Approval::all()).await, expected, "{asked}");
        }
        setup.change("pub", |client| client.with_scope(scope("read"))).await;
        let request = setup.request("pub").set("scope", "read offline_access");
        assert_eq!(granted(&setup, &request, Approval::all()).await, "read");
    }

    // SCOPE-011
    async fn a_scope_without_bounds_is_refused(setup) {
        let many = "a ".repeat(10_000);
        let distinct: String = (0..101).map(|number| format!("t{number} ")).collect();
        let long = "a".repeat(4_097);
        for asked in [many.as_str(), distinct.as_str(), long.as_str()] {
            let request = setup.request("pub").set("scope", asked);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
        }
    }
}

// SCOPE-004
#[tokio::test]
async fn a_request_without_scope_is_refused_if_there_is_no_default() {
    let issuer = || grantor::Issuer::parse("https://as.test").unwrap();
    for setup in [Setup::memory().await, Setup::sqlite().await] {
        let stores =
            grantor::Stores::new(setup.registry.clone(), setup.grants.clone()).with_registry(setup.registry.clone());
        let server = grantor::AuthorizationServer::builder(issuer(), stores)
            .scope("read", "Read your things")
            .resource(ProtectedResource::new("https://api.test/one".parse().unwrap()))
            .paths(EndpointPaths::under("/oauth"))
            .clock(setup.clock.clone())
            .build()
            .unwrap();
        for asked in ["", "offline_access"] {
            let request = setup.request("pub").set("scope", asked);
            let error = server.authorize(&request.encode()).await.unwrap_err();
            let answer = setup.answer(error, grantor::Visitor::SignedIn);
            expect_rejection(&answer, redirect_uri("pub"), "invalid_scope", &request);
        }
        assert!(server.authorize(&setup.request("pub").encode()).await.is_ok());
    }
}

// SCOPE-010: a service that declares `offline_access` as a scope of its own gets it back like any other.
#[tokio::test]
async fn a_declared_offline_access_is_granted_like_any_scope() {
    for setup in Setup::both_with(|builder| builder.scope("offline_access", "Stay signed in")).await {
        let request = setup.request("pub").set("scope", "read offline_access");
        assert_eq!(granted(&setup, &request, Approval::all()).await, "read offline_access");
        setup.clock.advance(Duration::from_secs(1));
        assert_eq!(granted(&setup, &request, Approval::of(scope("read"))).await, "read");
    }
}
