//! Proof Key for Code Exchange: required, `S256` only, and enforced to the end.

use grantor::pkce::{CodeChallenge, CodeVerifier};

use crate::browser::{expect_code, expect_rejection};
use crate::support::{Form, Setup, VERIFIER, redirect_uri};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Every client that must use PKCE, public and confidential.
const CLIENTS: [&str; 5] = ["pub", "native", "self", "web", "1PpG/Q 1"];

fn challenge_of(verifier: &str) -> String {
    CodeChallenge::of(&CodeVerifier::parse(verifier).unwrap()).into()
}

/// The exchange of a fresh code with another verifier.
async fn exchange_with(setup: &Setup, client: &str, verifier: &str) -> Form {
    let code = setup.code(client).await;
    setup.exchange(client, &code).set("code_verifier", verifier)
}

on_both_stores! {
    // PKCE-001
    async fn the_vector_of_rfc_7636_appendix_b_works(setup) {
        let request = setup.request("pub").set("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let code = setup.code_for(&request.set("code_challenge_method", "S256")).await;
        let form = setup.exchange("pub", &code).set("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        setup.token(&form).await.expect_ok();
    }

    // PKCE-001, PKCE-012
    async fn verifiers_of_43_to_128_unreserved_characters_work(setup) {
        for verifier in ["a".repeat(43), "Z".repeat(128), "-._~0123456789".repeat(4)] {
            let request = setup.request("pub").set("code_challenge", &challenge_of(&verifier));
            let code = setup.code_for(&request).await;
            setup.token(&setup.exchange("pub", &code).set("code_verifier", &verifier)).await.expect_ok();
        }
    }

    // PKCE-002, PKCE-003, D1, ATK-003
    async fn a_request_without_challenge_is_refused_for_public_and_confidential_clients(setup) {
        for client in CLIENTS {
            let request = setup.request(client).without("code_challenge").without("code_challenge_method");
            for request in [request.clone(), request.and("code_challenge", "")] {
                expect_rejection(&setup.approve(&request).await, redirect_uri(client), "invalid_request", &request);
            }
        }
    }

    // PKCE-003
    async fn only_a_client_that_the_operator_exempts_may_do_without(setup) {
        let request = setup.request("exempt");
        assert_eq!(request.get("code_challenge"), None);
        let code = expect_code(&setup.approve(&request).await, redirect_uri("exempt"), &request);
        setup.token(&setup.exchange("exempt", &code)).await.expect_ok();
    }

    // PKCE-004, PKCE-005, D2, HTTP-012, ATK-004
    async fn no_other_method_than_s256_is_accepted_and_none_means_plain(setup) {
        for client in CLIENTS {
            for method in [
                "",
                "plain",
                "Plain",
                "PLAIN",
                "S512",
                "s256",
                "none",
                "S256 ",
                " S256",
                "S256,plain",
                "sha256",
                "\u{ff33}256",
            ] {
                let request = setup.request(client).set("code_challenge_method", method);
                expect_rejection(&setup.approve(&request).await, redirect_uri(client), "invalid_request", &request);
            }
            let request = setup.request(client).without("code_challenge_method");
            expect_rejection(&setup.approve(&request).await, redirect_uri(client), "invalid_request", &request);
            for second in ["S256", "plain"] {
                let request = setup.request(client).and("code_challenge_method", second);
                expect_rejection(&setup.approve(&request).await, redirect_uri(client), "invalid_request", &request);
            }
        }
    }

    // PKCE-005
    async fn the_error_names_the_method(setup) {
        let request = setup.request("pub").set("code_challenge_method", "S512");
        let answer = setup.approve(&request).await;
        assert!(answer.header("location").unwrap().contains("code_challenge_method"), "{answer:?}");
    }

    // PKCE-006, PKCE-007, PKCE-020
    async fn a_malformed_challenge_is_refused(setup) {
        let good = CHALLENGE;
        for bad in [
            good[..42].to_owned(),
            format!("{good}="),
            format!("{good}A"),
            "A".repeat(42),
            "A".repeat(44),
            "A".repeat(128),
            "A".repeat(129),
            good.replace('-', "+"),
            good.replace('2', "/"),
            good.replace('2', " "),
            good.replace('2', "é"),
            good.replace('2', "~"),
            good.replace('2', "."),
            format!("{good}\n"),
            "=".repeat(43),
        ] {
            for client in ["pub", "web", "exempt"] {
                let request = setup.request(client).set("code_challenge", &bad).set("code_challenge_method", "S256");
                expect_rejection(&setup.approve(&request).await, redirect_uri(client), "invalid_request", &request);
            }
        }
    }

    // PKCE-008
    async fn a_method_without_challenge_is_refused_even_for_an_exempt_client(setup) {
        for client in ["pub", "web", "exempt"] {
            for method in ["S256", "plain"] {
                let request = setup.request(client).without("code_challenge").set("code_challenge_method", method);
                expect_rejection(&setup.approve(&request).await, redirect_uri(client), "invalid_request", &request);
            }
        }
    }

    // PKCE-009, PKCE-014, PKCE-021, ATK-002
    async fn a_wrong_verifier_is_an_invalid_grant_whoever_sends_it(setup) {
        let others = ["a".repeat(43), VERIFIER.to_lowercase(), format!("{VERIFIER}a"), CHALLENGE.to_owned()];
        for client in CLIENTS {
            for wrong in &others {
                let form = exchange_with(&setup, client, wrong).await;
                setup.token(&form).await.expect_error(400, "invalid_grant");
            }
        }
    }

    // PKCE-010
    async fn a_missing_verifier_is_an_invalid_grant(setup) {
        for client in CLIENTS {
            let form = exchange_with(&setup, client, "").await;
            setup.token(&form).await.expect_error(400, "invalid_grant");
            setup.token(&form.without("code_verifier")).await.expect_error(400, "invalid_grant");
        }
    }

    // PKCE-011, ATK-003; oxide-auth accepts it
    async fn a_verifier_without_challenge_is_refused(setup) {
        let code = setup.code("exempt").await;
        let form = setup.exchange("exempt", &code);
        for verifier in [VERIFIER, "x"] {
            setup.token(&form.clone().set("code_verifier", verifier)).await.expect_error(400, "invalid_request");
        }
        setup.token(&form).await.expect_ok();
    }

    // PKCE-003: a challenge that an exempt client sends all the same is enforced.
    async fn a_challenge_of_an_exempt_client_is_enforced(setup) {
        let request = setup.request("exempt").and("code_challenge", CHALLENGE).and("code_challenge_method", "S256");
        let code = setup.code_for(&request).await;
        let form = setup.exchange("exempt", &code);
        setup.token(&form).await.expect_error(400, "invalid_grant");
        setup.token(&form.clone().and("code_verifier", &"a".repeat(43))).await.expect_error(400, "invalid_grant");
        setup.token(&form.and("code_verifier", VERIFIER)).await.expect_ok();
    }

    // PKCE-012
    async fn a_malformed_verifier_is_refused_before_it_is_hashed(setup) {
        let form = exchange_with(&setup, "pub", VERIFIER).await;
        let long = "a".repeat(42);
        for bad in [
            long.clone(),
            "a".repeat(129),
            format!("{long}+"),
            format!("{long} "),
            format!("{long}="),
            format!("{long}é"),
            "x".into(),
        ] {
            let answer = setup.token(&form.clone().set("code_verifier", &bad)).await;
            assert!(
                matches!(answer.json["error"].as_str(), Some("invalid_request" | "invalid_grant")),
                "{bad}: {answer:?}"
            );
            assert_eq!(answer.status, 400, "{bad}");
        }
        let nul = format!("{}&code_verifier={}%00", form.clone().without("code_verifier").encode(), "a".repeat(43));
        let request = http::Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        setup.send(request.body(nul).unwrap()).await.expect_error(400, "invalid_request");
        setup.token(&form).await.expect_ok();
    }

    // PKCE-013
    async fn a_method_at_the_token_endpoint_has_no_effect(setup) {
        let form = exchange_with(&setup, "pub", CHALLENGE).await.and("code_challenge_method", "plain");
        setup.token(&form).await.expect_error(400, "invalid_grant");
        let form = form.and("code_challenge", &challenge_of(&"a".repeat(43))).set("code_verifier", &"a".repeat(43));
        setup.token(&form.clone().set("code_challenge_method", "S256")).await.expect_error(400, "invalid_grant");
        setup.token(&form.set("code_verifier", VERIFIER)).await.expect_ok();
    }

    // PKCE-016
    async fn a_wrong_verifier_neither_burns_the_code_nor_may_be_tried_for_ever(setup) {
        let form = exchange_with(&setup, "pub", VERIFIER).await;
        let wrong = form.clone().set("code_verifier", &"a".repeat(43));
        for _ in 0..4 {
            setup.token(&wrong).await.expect_error(400, "invalid_grant");
        }
        let tokens = setup.token(&form).await.expect_ok();
        assert!(setup.is_accepted(tokens.text("access_token")).await);

        let form = exchange_with(&setup, "pub", VERIFIER).await;
        let wrong = form.clone().set("code_verifier", &"a".repeat(43));
        for _ in 0..5 {
            setup.token(&wrong).await.expect_error(400, "invalid_grant");
        }
        setup.token(&form).await.expect_error(400, "invalid_grant");
    }

    // PKCE-016, CODE-007: whoever has only seen the code cannot sign the user out with it.
    async fn a_wrong_verifier_after_the_exchange_revokes_nothing(setup) {
        let form = exchange_with(&setup, "pub", VERIFIER).await;
        let tokens = setup.token(&form).await.expect_ok();
        for wrong in [form.clone().set("code_verifier", &"a".repeat(43)), form.without("code_verifier")] {
            setup.token(&wrong).await.expect_error(400, "invalid_grant");
        }
        assert!(setup.is_accepted(tokens.text("access_token")).await);
    }

    // ATK-002: the code of one flow and the verifier of another.
    async fn a_code_does_not_go_with_the_verifier_of_another_flow(setup) {
        let other = "o".repeat(43);
        let request = setup.request("pub").set("code_challenge", &challenge_of(&other));
        let (victims, attackers) = (setup.code("pub").await, setup.code_for(&request).await);
        let form = setup.exchange("pub", &victims).set("code_verifier", &other);
        setup.token(&form).await.expect_error(400, "invalid_grant");
        setup.token(&setup.exchange("pub", &attackers)).await.expect_error(400, "invalid_grant");
        setup.token(&setup.exchange("pub", &victims)).await.expect_ok();
    }
}
