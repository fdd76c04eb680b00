//! Sequences that an attacker, or an unlucky client, would try: each once led to a wrong answer.

use grantor::client::{Client, ClientAuthentication};
use grantor::{Approval, Recall, Tenant};

use crate::support::{Setup, VERIFIER};

const WRONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

async fn is_remembered(setup: &Setup, tenant: Option<&str>) -> bool {
    let pending = setup.pending(&setup.request("web")).await.unwrap();
    let pending = match tenant {
        Some(tenant) => pending.in_tenant(tenant.parse().unwrap()).unwrap(),
        None => pending,
    };
    matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Remembered(_))
}

on_both_stores! {
    // CODE-006, ATK-042
    async fn wrong_verifiers_do_not_hide_the_replay_of_a_redeemed_code(setup) {
        let code = setup.code("pub").await;
        let form = setup.exchange("pub", &code);
        let stolen = setup.token(&form).await.expect_ok();
        for _ in 0..8 {
            setup.token(&form.clone().set("code_verifier", WRONG)).await.expect_error(400, "invalid_grant");
        }
        assert!(setup.is_accepted(stolen.text("access_token")).await, "a wrong replay revokes nothing");
        setup.token(&form).await.expect_error(400, "invalid_grant");
        assert!(!setup.is_accepted(stolen.text("access_token")).await, "a right one revokes what the code bought");
    }

    // CONS-006
    async fn consent_for_one_tenant_is_not_remembered_for_another(setup) {
        let approval = Approval::all().with_tenant("blue".parse().unwrap());
        let code = setup.approve_with(&setup.request("web"), approval).await;
        assert_eq!(code.status, 303);
        assert!(is_remembered(&setup, Some("blue")).await);
        assert!(!is_remembered(&setup, Some("red")).await);
        // Nor for all: a request that leaves it open is answered for the same one.
        let pending = setup.pending(&setup.request("web")).await.unwrap();
        let Recall::Remembered(confirmed) = setup.server.recall(pending, &setup.alice).await.unwrap() else {
            panic!("forgotten")
        };
        assert_eq!(confirmed.tenant().map(Tenant::as_str), Some("blue"));
    }

    async fn a_tenant_that_is_chosen_before_the_user_is_asked_goes_into_the_token(setup) {
        let blue: Tenant = "blue".parse().unwrap();
        let request = setup.request("web");
        let shown = setup.pending(&request).await.unwrap().in_tenant(blue.clone()).unwrap();
        let token = setup.consent_token(&shown);
        let elsewhere = setup.pending(&request).await.unwrap().in_tenant("red".parse().unwrap()).unwrap();
        assert!(elsewhere.confirm(&setup.session, &setup.alice, &token).is_err(), "the page was about another tenant");
        let decided = setup.pending(&request).await.unwrap().in_tenant(blue.clone()).unwrap();
        let confirmed = decided.confirm(&setup.session, &setup.alice, &token).unwrap();
        let approval = Approval::all().with_tenant("red".parse().unwrap());
        let response = setup.server.approve(confirmed, approval).await.unwrap();
        let code = response.location().split(['=', '&']).nth(1).unwrap().to_owned();
        let tokens = setup.token(&setup.exchange("web", &code)).await.expect_ok();
        let headers = crate::support::bearer(tokens.text("access_token"));
        assert_eq!(setup.server.resource_server().verify(&headers).await.unwrap().tenant(), Some(&blue));
    }

    // OIDC prompt
    async fn a_request_for_a_new_sign_in_is_never_answered_from_memory(setup) {
        setup.code("web").await;
        assert!(is_remembered(&setup, None).await);
        for prompt in ["login", "select_account", "consent"] {
            let pending = setup.pending(&setup.request("web").and("prompt", prompt)).await.unwrap();
            let recall = setup.server.recall(pending, &setup.alice).await.unwrap();
            assert!(matches!(recall, Recall::Ask(_)), "{prompt}");
        }
    }

    // PKCE-010: the exemption is the client's, and ends with it.
    async fn a_code_without_a_challenge_dies_with_the_exemption(setup) {
        let code = setup.code("exempt").await;
        let known = setup.registry.find_client(&"exempt".parse().unwrap()).await.unwrap().unwrap();
        let public: Client = (*known).clone().with_authentication(ClientAuthentication::None);
        let _ = setup.registry.update_client(&public).await.unwrap();
        let form = setup.exchange("exempt", &code).without("client_secret");
        setup.token(&form).await.expect_error(400, "invalid_grant");
        setup.token(&form.and("code_verifier", VERIFIER)).await.expect_error(400, "invalid_request");
    }

    // RFC 8252 §8.6: an address of this machine is nobody's claim, whatever the scheme.
    async fn https_on_this_machine_is_no_claimed_redirect_uri(setup) {
        let client = Client::public("local".parse().unwrap())
            .with_redirect_uri("https://127.0.0.1:8443/cb".parse().unwrap());
        let _ = setup.registry.insert_client(&client).await.unwrap();
        let request = setup.request("pub").set("client_id", "local").set("redirect_uri", "https://127.0.0.1:8443/cb");
        setup.code_for(&request).await;
        let pending = setup.pending(&request).await.unwrap();
        assert!(matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Ask(_)));
    }
}
