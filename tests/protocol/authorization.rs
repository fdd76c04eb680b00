//! Authorization requests: what is accepted, and what is shown to the person instead of being redirected.

use grantor::client::{ClientStatus, Vetting};
use grantor::error::{ErrorCode, ErrorReason};
use grantor::store::Deletion;
use grantor::{Approval, AuthorizeAnswer, Visitor};

use crate::browser::{expect_code, expect_page, expect_rejection, page, refuse};
use crate::support::{Form, Setup, redirect_uri};

on_both_stores! {
    // AUTHZ-001
    async fn an_approved_request_is_answered_with_a_code(setup) {
        for client in ["pub", "multi", "native", "other-pub", "self", "web", "other", "1PpG/Q 1", "exempt"] {
            let request = setup.request(client);
            expect_code(&setup.approve(&request).await, redirect_uri(client), &request);
        }
    }

    // AUTHZ-008, ATK-027
    async fn requests_in_two_tabs_do_not_mix(setup) {
        let one = setup.request("pub").set("state", "one");
        let two = setup.request("web").set("state", "two");
        let (first, second) = (setup.pending(&one).await.unwrap(), setup.pending(&two).await.unwrap());
        let tokens =
            [setup.consent_token(&first), setup.consent_token(&second)];
        let second = second.confirm(&setup.session, &setup.alice, &tokens[1]).unwrap();
        let first = first.confirm(&setup.session, &setup.alice, &tokens[0]).unwrap();
        let second = setup.server.approve(second, Approval::all()).await.unwrap().into_http().into();
        let first = setup.server.approve(first, Approval::all()).await.unwrap().into_http().into();
        expect_code(&first, redirect_uri("pub"), &one);
        expect_code(&second, redirect_uri("web"), &two);
    }

    // AUTHZ-010, HTTP-008
    async fn a_request_without_client_id_is_shown_and_never_redirected(setup) {
        let request = setup.request("pub");
        for request in [request.clone().without("client_id"), request.clone().set("client_id", ""), Form::default()] {
            expect_page(&setup.approve(&request).await, 400, &request);
        }
    }

    // AUTHZ-011, AUTHZ-018
    async fn an_unknown_client_is_shown_and_never_redirected_wherever_it_points(setup) {
        for id in
            ["nope", "PUB", "pub ", " pub", "püb", "<script>alert(1)</script>", "a\r\nb", "pub,web", &"x".repeat(256)]
        {
            for uri in [redirect_uri("pub"), redirect_uri("web"), "https://evil.test/cb"] {
                let request = setup.request("pub").set("client_id", id).set("redirect_uri", uri);
                let answer = setup.approve(&request).await;
                expect_page(&answer, 400, &request);
                assert!(!answer.body.contains('<'), "{request:?}: {answer:?}");
            }
        }
    }

    // AUTHZ-012, DCR-028
    async fn a_disabled_or_deleted_client_is_shown_and_never_redirected(setup) {
        setup.change("pub", |client| client.with_status(ClientStatus::Disabled)).await;
        let request = setup.request("pub");
        expect_page(&setup.approve(&request).await, 400, &request);

        assert_eq!(setup.server.delete_client(&"web".parse().unwrap()).await.unwrap(), Deletion::Deleted);
        let request = setup.request("web");
        expect_page(&setup.approve(&request).await, 400, &request);
    }

    // AUTHZ-013, ATK-015
    async fn a_repeated_client_or_redirect_uri_is_shown_and_never_redirected(setup) {
        let request = setup.request("pub");
        for (name, one, other) in [
            ("client_id", "pub", "pub"),
            ("client_id", "pub", "web"),
            ("client_id", "web", "pub"),
            ("redirect_uri", "https://app.test/cb", "https://app.test/cb"),
            ("redirect_uri", "https://app.test/cb", "https://evil.test/cb"),
            ("redirect_uri", "https://evil.test/cb", "https://app.test/cb"),
        ] {
            let request = request.clone().set(name, one).and(name, other);
            expect_page(&setup.approve(&request).await, 400, &request);
        }
    }

    // AUTHZ-014, ATK-007
    async fn an_unregistered_redirect_uri_is_shown_and_never_redirected(setup) {
        for client in ["pub", "multi", "native", "self", "web", "exempt"] {
            for uri in ["https://evil.test/cb", "https://app.test/other", "x", "%", "https://other.test/cb"] {
                let request = setup.request(client).set("redirect_uri", uri);
                expect_page(&setup.approve(&request).await, 400, &request);
            }
        }
    }

    // AUTHZ-015, HTTP-008
    async fn a_missing_redirect_uri_is_shown_if_several_are_registered(setup) {
        for request in [setup.request("multi").without("redirect_uri"), setup.request("multi").set("redirect_uri", "")]
        {
            expect_page(&setup.approve(&request).await, 400, &request);
        }
    }

    // AUTHZ-016
    async fn a_client_without_any_redirect_uri_is_shown_whatever_is_sent(setup) {
        let request = setup.request("svc");
        for request in
            [request.clone(), request.clone().set("redirect_uri", "https://x.test"), request.without("redirect_uri")]
        {
            expect_page(&setup.approve(&request).await, 400, &request);
        }
    }

    // AUTHZ-017, ARESP-014
    async fn a_response_mode_that_is_not_offered_is_shown(setup) {
        for mode in ["bogus", "fragment", "form_post", "web_message", "query.jwt", "jwt", "QUERY", "query fragment"] {
            let request = setup.request("pub").set("response_mode", mode);
            let answer = setup.approve(&request).await;
            expect_page(&answer, 400, &request);
            assert!(!answer.body.contains("error="), "{request:?}: {answer:?}");
        }
        let request = setup.request("pub").set("response_mode", "query");
        expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
    }

    // AERR-015 and the order of 0.4
    async fn what_must_be_shown_is_decided_before_what_may_be_redirected(setup) {
        let wrong = setup.request("pub").set("response_type", "foo").set("scope", "bogus").and("scope", "read");
        for request in [
            wrong.clone().set("client_id", "nope"),
            wrong.clone().set("redirect_uri", "https://evil.test/cb"),
            wrong.clone().set("response_mode", "bogus"),
            wrong.clone().set("client_id", "multi").without("redirect_uri"),
        ] {
            expect_page(&setup.approve(&request).await, 400, &request);
        }
        expect_rejection(&setup.approve(&wrong).await, redirect_uri("pub"), "invalid_request", &wrong);
    }

    // AUTHZ-019, AUTHZ-021
    async fn a_page_names_the_parameter_and_neither_what_was_sent_nor_what_is_registered(setup) {
        let request = setup.request("pub");
        for (request, code, named) in [
            (request.clone().without("client_id"), ErrorCode::InvalidRequest, "client_id"),
            (request.clone().set("client_id", "nope"), ErrorCode::InvalidClient, "client"),
            (request.clone().and("client_id", "pub"), ErrorCode::InvalidRequest, "client_id"),
            (request.clone().set("redirect_uri", "https://evil.test/cb"), ErrorCode::InvalidRequest, "redirect_uri"),
            (request.clone().and("redirect_uri", "https://app.test/cb"), ErrorCode::InvalidRequest, "redirect_uri"),
            (setup.request("multi").without("redirect_uri"), ErrorCode::InvalidRequest, "redirect_uri"),
            (request.clone().set("response_mode", "bogus"), ErrorCode::InvalidRequest, "response_mode"),
        ] {
            for visitor in [Visitor::Anonymous, Visitor::SignedIn] {
                let page = page(&setup, &request.encode(), visitor).await;
                assert_eq!((page.status().as_u16(), page.reason().code()), (400, code), "{request:?}");
                assert!(page.description().contains(named), "{request:?}: {page:?}");
                let secret = ["evil.test", "app.test", "nope", "bogus"];
                assert!(!secret.iter().any(|text| page.description().contains(text)), "{request:?}: {page:?}");
                assert_eq!(page.continue_to(), None, "{request:?}");
            }
        }
    }

    // AUTHZ-018, ATK-034
    async fn markup_in_a_request_does_not_reach_the_page(setup) {
        let markup = "\"><script>alert(1)</script>";
        for name in ["client_id", "redirect_uri", "response_mode"] {
            let request = setup.request("pub").set(name, markup);
            let answer = setup.approve(&request).await;
            expect_page(&answer, 400, &request);
            assert!(!answer.body.contains(['<', '>', '"']), "{request:?}: {answer:?}");
        }
    }

    // HTTP-006, HTTP-007
    async fn parameters_that_cannot_be_decoded_are_shown_and_never_replaced(setup) {
        let good = setup.request("pub").encode();
        for bad in [
            "client_id=%ZZ",
            "client_id=pub%",
            "redirect_uri=%FF%FE",
            "state=%4",
            "state=%C3",
            "state=a%00b",
            "%FF=1",
            "foo=%G0",
        ] {
            expect_page(&refuse(&setup, &format!("{good}&{bad}")).await, 400, &bad);
            expect_page(&refuse(&setup, bad).await, 400, &bad);
        }
        assert!(setup.granted().await.is_empty());
    }

    // HTTP-009, HTTP-011, ATK-015, ATK-040
    async fn unknown_parameters_are_ignored_may_repeat_and_are_not_echoed(setup) {
        let request = setup.request("pub").and("foo", "1").and("foo", "2").and("max_age", "99999999999999999999");
        let request = request.and("redirect_uri[]", "https://evil.test/cb").and("Redirect_Uri", "https://evil.test/cb");
        assert_eq!(setup.pending(&request).await.unwrap().extra("foo"), Some("1"));
        expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
    }

    // HTTP-010
    async fn a_repeated_protocol_parameter_is_refused_even_if_the_values_agree(setup) {
        let request = setup.request("pub").and("prompt", "consent").and("response_mode", "query");
        for name in ["response_type", "scope", "code_challenge", "code_challenge_method", "prompt", "response_mode"] {
            let same = request.get(name).unwrap().to_owned();
            for value in [same.as_str(), "other"] {
                let both = [request.clone().and(name, value), request.clone().set(name, value).and(name, &same)];
                for request in both.into_iter().filter(|_| name != "response_mode" || value != "other") {
                    expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_request", &request);
                }
            }
        }
    }

    // HTTP-010
    async fn the_resource_parameter_may_repeat(setup) {
        let request =
            setup.request("pub").and("resource", "https://api.test/one").and("resource", "https://api.test/two");
        expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
    }

    // HTTP-022, AERR-013
    async fn opening_a_request_stores_nothing(setup) {
        for query in [setup.request("pub"), setup.request("pub").set("scope", "bogus"), setup.request("nope")] {
            let _unanswered = setup.pending(&query).await;
        }
        let shown = setup.pending(&setup.request("pub")).await.unwrap();
        let token = setup.consent_token(&shown);
        let _undecided = shown.confirm(&setup.session, &setup.alice, &token).unwrap();
        assert!(setup.granted().await.is_empty());
    }

    // AUTHZ-006, 0.4 step 11
    async fn an_anonymous_visitor_is_sent_to_the_sign_in_page_unless_nothing_may_be_shown(setup) {
        for prompt in ["", "login", "consent", "select_account", "none login", "bogus"] {
            let request = setup.request("pub").set("prompt", prompt);
            assert!(setup.pending(&request).await.unwrap().sign_in_required().is_ok(), "{prompt}");
        }
        let request = setup.request("pub").set("prompt", "none");
        let error = setup.pending(&request).await.unwrap().sign_in_required().unwrap_err();
        expect_rejection(&setup.answer(error, Visitor::Anonymous), redirect_uri("pub"), "login_required", &request);
    }

    // UI-019, BCP-002, ATK-013, D20
    async fn an_error_of_a_client_that_nobody_vetted_redirects_no_anonymous_visitor(setup) {
        let request = setup.request("self");
        for (request, code) in [
            (request.clone().set("scope", "bogus"), "invalid_scope"),
            (request.clone().set("response_type", "foo"), "unsupported_response_type"),
            (request.clone().without("code_challenge"), "invalid_request"),
        ] {
            let page = page(&setup, &request.encode(), Visitor::Anonymous).await;
            assert_eq!(page.status(), 400, "{request:?}");
            let onward = page.continue_to().expect("where the person may choose to go");
            assert!(onward.starts_with(&format!("https://self.test/cb?error={code}&")), "{request:?}: {onward}");
            expect_rejection(&setup.approve(&request).await, redirect_uri("self"), code, &request);
        }

        let request = request.set("prompt", "none");
        let error = setup.pending(&request).await.unwrap().sign_in_required().unwrap_err();
        assert_eq!(error.reason(), ErrorReason::LoginRequired);
        assert!(matches!(error.answer(Visitor::Anonymous), AuthorizeAnswer::Page(_)));
    }

    // UI-019
    async fn an_error_of_a_vetted_client_redirects_anybody(setup) {
        for (vetting, redirected) in [(Vetting::SelfRegistered, false), (Vetting::Vetted, true)] {
            setup.change("pub", |client| client.with_vetting(vetting)).await;
            let error = setup.pending(&setup.request("pub").set("scope", "bogus")).await.unwrap_err();
            assert_eq!(matches!(error.answer(Visitor::Anonymous), AuthorizeAnswer::Redirect(_)), redirected);
        }
    }
}
