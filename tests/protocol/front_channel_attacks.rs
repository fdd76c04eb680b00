//! Attacks on the front channel (section 14.1), with the attackers' own payloads.
//!
//! A test passes when the attacker gets nothing, and the client that was attacked works as before.

use grantor::client::ClientMetadata;
use grantor::{Approval, AuthorizeAnswer, Recall, Visitor, page_headers};
use serde_json::json;

use crate::browser::{expect_code, expect_page, expect_rejection, refuse, value};
use crate::redirect_attacks::expect_unregistrable;
use crate::registration::{expect_registered, public, register, with};
use crate::support::{Answer, Form, Setup, redirect_uri};

/// A client that registered itself, and its request.
async fn self_registered(setup: &Setup) -> Form {
    let client =
        expect_registered(register(setup, &with(public(), "redirect_uris", json!(["https://phish.test/cb"]))).await);
    setup.request("pub").set("client_id", client.text("client_id")).set("redirect_uri", "https://phish.test/cb")
}

/// What the request, approved by alice on its own page, is answered with.
async fn approved(setup: &Setup, query: &str) -> Answer {
    let pending = setup.server.authorize(query).await.unwrap();
    let token = setup.consent_token(&pending);
    let confirmed = pending.confirm(&setup.session, &setup.alice, &token).unwrap();
    setup.server.approve(confirmed, Approval::all()).await.unwrap().into_http().into()
}

on_both_stores! {
    // ATK-001
    async fn every_answer_names_the_server_that_gave_it(setup) {
        for request in [
            setup.request("pub"),
            setup.request("pub").set("scope", "bogus"),
            setup.request("pub").set("response_type", "token"),
        ] {
            let pairs = setup.approve(&request).await.expect_redirect(redirect_uri("pub"));
            assert_eq!(value(&pairs, "iss"), Some("https://as.test"), "{request:?}");
        }
    }

    // ATK-003
    async fn a_stripped_challenge_is_noticed_at_one_end_or_the_other(setup) {
        for client in ["pub", "native", "web"] {
            let request = setup.request(client).without("code_challenge").without("code_challenge_method");
            expect_rejection(&setup.approve(&request).await, redirect_uri(client), "invalid_request", &request);
        }
        let code = setup.code("exempt").await;
        let form = setup.exchange("exempt", &code).and("code_verifier", crate::support::VERIFIER);
        setup.token(&form).await.expect_error(400, "invalid_request");
    }

    // ATK-013, BCP-002, UI-019
    async fn the_server_is_no_open_redirector_for_whoever_registers(setup) {
        let request = self_registered(&setup).await;
        for link in [
            request.clone().set("scope", "bogus"),
            request.clone().set("response_type", "token"),
            request.clone().set("request", "x"),
            request.clone().without("code_challenge"),
        ] {
            let error = setup.pending(&link).await.unwrap_err();
            assert!(matches!(error.answer(Visitor::Anonymous), AuthorizeAnswer::Page(_)), "{link:?}");
        }
        let silent = setup.pending(&request.set("prompt", "none")).await.unwrap();
        let AuthorizeAnswer::Page(page) = silent.sign_in_required().unwrap_err().answer(Visitor::Anonymous) else {
            panic!("a redirect")
        };
        assert!(!page.description().contains("phish.test"));
    }

    // ATK-015
    async fn a_polluted_request_is_refused_or_read_in_one_way(setup) {
        let request = setup.request("pub");
        for (name, evil) in [("redirect_uri", "https://evil.test/cb"), ("client_id", "web")] {
            let good = request.get(name).unwrap().to_owned();
            for request in [
                request.clone().and(name, evil),
                request.clone().set(name, evil).and(name, &good),
                request.clone().and(name, ""),
            ] {
                expect_page(&setup.approve(&request).await, 400, &request);
            }
        }
        for (name, evil) in [("response_type", "token"), ("scope", "admin"), ("code_challenge", "A"), ("state", "x")] {
            let request = request.clone().and(name, evil);
            let answer = setup.approve(&request).await;
            assert!(!answer.header("location").unwrap().contains("code="), "{request:?}: {answer:?}");
        }
        // Array syntax is a name like any other, and what is escaped is part of the value.
        let arrays = request
            .clone()
            .and("redirect_uri[]", "https://evil.test/cb")
            .and("client_id[0]", "web")
            .and("scope[]", "admin");
        expect_code(&setup.approve(&arrays).await, redirect_uri("pub"), &arrays);
        let nested =
            request.clone().set("redirect_uri", "https://app.test/cb&client_id=web&redirect_uri=https://evil.test/cb");
        expect_page(&setup.approve(&nested).await, 400, &nested);
        // A semicolon separates nothing.
        let state = "x;redirect_uri=https://evil.test/cb;scope=admin";
        let semicolons = request.without("state").and("state", "x");
        let query = format!("{};redirect_uri=https://evil.test/cb;scope=admin", semicolons.encode());
        let answer = approved(&setup, &query).await;
        expect_code(&answer, redirect_uri("pub"), &semicolons.set("state", state));
    }

    // ATK-016
    async fn an_injected_response_parameter_stays_data(setup) {
        for state in
            ["x&code=evil", "x%26code%3Devil", "x&iss=https://evil.test", "x#code=evil", "x;code=evil", "x\n&code=evil"]
        {
            let request = setup.request("pub").set("state", state);
            let code = expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
            assert_ne!(code, "evil", "{state:?}");
        }
        expect_unregistrable(
            &setup,
            &[
                "https://app.test/cb?code=evil",
                "https://app.test/cb?x=1&state=evil",
                "https://app.test/cb?%63ode=evil",
                "https://app.test/cb?iss=https://evil.test",
            ],
        )
        .await;
    }

    // ATK-017
    async fn nothing_is_ever_put_in_a_fragment(setup) {
        for response_type in ["token", "id_token", "code token", "code"] {
            let answer = setup.approve(&setup.request("pub").set("response_type", response_type)).await;
            assert!(!answer.header("location").unwrap().contains('#'), "{response_type}");
        }
    }

    // ATK-019
    async fn another_app_on_the_machine_gets_no_silent_code(setup) {
        let code = setup.code("native").await;
        setup.token(&setup.exchange("native", &code)).await.expect_ok();
        for uri in [
            "http://127.0.0.1:51004/cb",
            "http://127.0.0.1:6666/cb",
            "http://[::1]:6666/cb",
            "http://localhost:6666/cb",
            "com.example.app:/cb",
        ] {
            let request = setup.request("native").set("redirect_uri", uri);
            let pending = setup.pending(&request).await.unwrap();
            assert!(matches!(setup.server.recall(pending, &setup.alice).await, Ok(Recall::Ask(_))), "{uri}");
            let request = request.set("prompt", "none");
            let error = setup.server.recall(setup.pending(&request).await.unwrap(), &setup.alice).await.unwrap_err();
            expect_rejection(&setup.answer(error, Visitor::SignedIn), uri, "consent_required", &request);
        }
    }

    // ATK-020
    async fn a_response_cannot_be_split(setup) {
        let split = "x\r\nSet-Cookie: a=b\r\n\r\n<html>";
        let request = setup.request("pub").set("state", split);
        let answer = setup.approve(&request).await;
        expect_code(&answer, redirect_uri("pub"), &request);
        assert!(answer.headers.len() == setup.approve(&setup.request("pub")).await.headers.len(), "{answer:?}");
        for name in ["scope", "response_type", "code_challenge", "resource"] {
            let request = setup.request("pub").set(name, split);
            let answer = setup.approve(&request).await;
            answer.expect_redirect(redirect_uri("pub"));
            assert!(!answer.headers.contains_key("set-cookie"), "{name}: {answer:?}");
        }
        let request = setup.request("pub").set("redirect_uri", &format!("https://app.test/cb{split}"));
        expect_page(&setup.approve(&request).await, 400, &request);
        expect_unregistrable(&setup, &["https://app.test/cb\r\nSet-Cookie: a=b"]).await;
    }

    // ATK-021
    async fn a_state_without_bounds_or_sense_is_refused(setup) {
        let request = setup.request("pub").without("state");
        expect_page(&setup.approve(&request.clone().set("state", &"s".repeat(100_000))).await, 414, &"100 kB");
        for state in ["state=%00", "state=a%00b", "state=%FF", "state=%C0%80", "state=%ED%A0%80"] {
            expect_page(&refuse(&setup, &format!("{}&{state}", request.encode())).await, 400, &state);
        }
        let request = request.set("state", &"s".repeat(4_000));
        expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
    }

    // ATK-036, ATK-033
    async fn a_name_cannot_imitate_the_page(setup) {
        let long = "x".repeat(10_000);
        for name in
            ["\u{202E}elgooG", "Google\u{200B}", "Board\nThis app is verified", "\u{2067}x", "a\u{0}", long.as_str()]
        {
            assert!(ClientMetadata::new().with_name(name).is_err(), "{name:?}");
            let answer = register(&setup, &with(public(), "client_name", json!(name))).await;
            assert!(!answer.status.is_success(), "{name:?}");
        }
        let client = expect_registered(register(&setup, &with(public(), "client_name", json!("Google"))).await);
        let request =
            setup.request("pub").set("client_id", client.text("client_id")).set("redirect_uri", "https://new.test/cb");
        let pending = setup.pending(&request).await.unwrap();
        assert_eq!(pending.client().vetting(), grantor::client::Vetting::SelfRegistered, "a page can say so");
        assert_eq!(pending.redirect_uri().display_host(), "new.test");
    }

    // ATK-037
    async fn whoever_registers_cannot_ask_for_the_strongest_scopes(setup) {
        let request = self_registered(&setup).await.set("scope", "admin");
        expect_rejection(&setup.approve(&request).await, "https://phish.test/cb", "invalid_scope", &request);
        let request = request.set("scope", "read write admin");
        expect_rejection(&setup.approve(&request).await, "https://phish.test/cb", "invalid_scope", &request);
    }

    // ATK-039
    async fn probing_with_prompt_none_yields_nothing(setup) {
        let request =
            setup.request("web").set("prompt", "none").and("id_token_hint", "e30.e30.").and("login_hint", "alice");
        let error = setup.pending(&request).await.unwrap().sign_in_required().unwrap_err();
        expect_rejection(&setup.answer(error, Visitor::Anonymous), redirect_uri("web"), "login_required", &request);
        let error = setup.server.recall(setup.pending(&request).await.unwrap(), &setup.alice).await.unwrap_err();
        expect_rejection(&setup.answer(error, Visitor::SignedIn), redirect_uri("web"), "consent_required", &request);
        // What alice consented to is no answer about bob.
        setup.tokens("web").await;
        let error =
            setup.server.recall(setup.pending(&request).await.unwrap(), &"bob".parse().unwrap()).await.unwrap_err();
        expect_rejection(&setup.answer(error, Visitor::SignedIn), redirect_uri("web"), "consent_required", &request);
    }

    // ATK-040
    async fn numbers_out_of_range_break_nothing(setup) {
        for number in ["99999999999999999999", "-1", "1e3", " 5", "0x10", "NaN", "9223372036854775808"] {
            let request = setup.request("pub").and("max_age", number).and("expires_in", number);
            expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
        }
    }
}

// ATK-024, UI-001, UI-003, UI-008, UI-017, UI-026
#[test]
fn nobody_frames_stores_or_learns_from_a_page() {
    let headers = page_headers();
    let header = |name: &str| headers.iter().find(|(own, _)| own == name).and_then(|(_, value)| value.to_str().ok());
    assert_eq!(header("x-frame-options"), Some("DENY"));
    assert_eq!(header("cache-control"), Some("no-store"));
    assert_eq!(header("referrer-policy"), Some("no-referrer"));
    assert_eq!(header("x-content-type-options"), Some("nosniff"));
    let policy = header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("form-action"), "browsers apply it to the redirect that follows the decision: {policy}");
}
