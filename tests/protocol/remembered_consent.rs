//! Remembered consent: who is spared the question, and who never is.

use std::time::Duration;

use grantor::client::ClientMetadata;
use grantor::configuration::RememberedConsent;
use grantor::error::ErrorReason;
use grantor::identifier::Extra;
use grantor::policy::Lifetimes;
use grantor::{Approval, NewPersonalToken, Recall, Subject, Visitor};

use crate::browser::{expect_code, expect_rejection, value};
use crate::support::{Answer, Form, Setup, bearer, redirect_uri};

/// Approves a request and redeems the code.
async fn consent(setup: &Setup, client: &str, request: &Form) -> Answer {
    consent_with(setup, client, request, Approval::all()).await
}

async fn consent_with(setup: &Setup, client: &str, request: &Form, approval: Approval) -> Answer {
    let answer = setup.approve_with(request, approval).await;
    let code = expect_code(&answer, redirect_uri(client), request);
    setup.token(&setup.exchange(client, &code)).await.expect_ok()
}

/// Whether alice is asked.
async fn asks(setup: &Setup, request: &Form) -> bool {
    asks_user(setup, request, &setup.alice).await
}

async fn asks_user(setup: &Setup, request: &Form, subject: &Subject) -> bool {
    let pending = setup.pending(request).await.unwrap();
    matches!(setup.server.recall(pending, subject).await.unwrap(), Recall::Ask(_))
}

/// What alice's browser gets without being asked.
async fn silently(setup: &Setup, request: &Form) -> Answer {
    let pending = setup.pending(request).await.unwrap();
    match setup.server.recall(pending, &setup.alice).await {
        Ok(Recall::Remembered(confirmed)) => {
            setup.server.approve(confirmed, Approval::all()).await.unwrap().into_http().into()
        }
        Ok(Recall::Ask(pending)) => panic!("alice is asked about {pending:?}"),
        Err(error) => setup.answer(error, Visitor::SignedIn),
    }
}

on_both_stores! {
    // A page issued it, for as long as it says; nobody was asked whether the app may get tokens by itself.
    async fn a_token_that_a_page_issued_to_the_app_is_no_consent(setup) {
        let request = setup.request("web");
        let issued = NewPersonalToken::new(setup.alice.clone(), "For the app".parse().unwrap(), "read".parse().unwrap());
        let issued = setup.server.issue_personal_token(issued.for_client("web".parse().unwrap())).await.unwrap();
        setup.secrets.note("personal token", issued.token().expose());
        assert!(asks(&setup, &request).await);
        consent(&setup, "web", &request).await;
        assert!(!asks(&setup, &request).await);
    }

    // CONS-001, CONS-002
    async fn a_user_who_consented_is_not_asked_again_for_the_same(setup) {
        for client in ["pub", "self", "web"] {
            let request = setup.request(client);
            assert!(asks(&setup, &request).await, "{client}");
            consent(&setup, client, &request).await;
            for prompt in ["", "none"] {
                let request = request.clone().set("prompt", prompt).set("state", "another");
                let code = expect_code(&silently(&setup, &request).await, redirect_uri(client), &request);
                setup.token(&setup.exchange(client, &code)).await.expect_ok();
            }
        }
    }

    // CONS-002, NAT-012, ATK-019
    async fn a_public_client_that_another_app_could_pass_for_is_always_asked_about(setup) {
        for uri in
            ["http://127.0.0.1:51004/cb", "http://[::1]:51004/cb", "http://localhost:51004/cb", "com.example.app:/cb"]
        {
            let request = setup.request("native").set("redirect_uri", uri);
            let code = expect_code(&setup.approve(&request).await, uri, &request);
            setup.token(&setup.exchange("native", &code).set("redirect_uri", uri)).await.expect_ok();
            assert!(asks(&setup, &request).await, "{uri}");
            let request = request.set("prompt", "none");
            expect_rejection(&silently(&setup, &request).await, uri, "consent_required", &request);
        }
    }

    // CONS-006
    async fn a_user_is_asked_again_for_more_and_not_for_less(setup) {
        consent(&setup, "pub", &setup.request("pub").set("scope", "read write")).await;
        for (scope, asked) in [
            ("read write", false),
            ("write read", false),
            ("read", false),
            ("write", false),
            ("", false),
            ("read offline_access", false),
            ("admin", true),
            ("read admin", true),
            ("read write admin", true),
        ] {
            assert_eq!(asks(&setup, &setup.request("pub").set("scope", scope)).await, asked, "{scope}");
        }
    }

    // CONS-006: two grants together are not one that the user saw together.
    async fn two_consents_are_not_added_up(setup) {
        for scope in ["read", "write"] {
            consent(&setup, "pub", &setup.request("pub").set("scope", scope)).await;
        }
        assert!(asks(&setup, &setup.request("pub").set("scope", "read write")).await);
    }

    // CONS-006
    async fn a_user_is_asked_again_for_another_resource(setup) {
        let one = setup.request("pub").set("resource", "https://api.test/one");
        let two = setup.request("pub").set("resource", "https://api.test/two");
        let both = one.clone().and("resource", "https://api.test/two");
        consent(&setup, "pub", &one).await;
        assert_eq!(
            (asks(&setup, &one).await, asks(&setup, &two).await, asks(&setup, &both).await),
            (false, true, true)
        );
        // No resource means the default one.
        assert!(!asks(&setup, &setup.request("pub")).await);
        consent(&setup, "pub", &both).await;
        assert_eq!(
            (asks(&setup, &one).await, asks(&setup, &two).await, asks(&setup, &both).await),
            (false, false, false)
        );
    }

    // CONS-006
    async fn consent_is_of_one_user_to_one_client(setup) {
        consent(&setup, "web", &setup.request("web")).await;
        assert!(!asks(&setup, &setup.request("web")).await);
        for other in ["other", "exempt", "pub", "1PpG/Q 1"] {
            assert!(asks(&setup, &setup.request(other)).await, "{other}");
        }
        for other in ["bob", "Alice", "alice2", "alic"] {
            assert!(asks_user(&setup, &setup.request("web"), &other.parse().unwrap()).await, "{other}");
        }
    }

    // CONS-006, SCOPE-007
    async fn what_the_user_took_off_is_asked_again(setup) {
        let request = setup.request("pub").set("scope", "read write");
        consent_with(&setup, "pub", &request, Approval::of("read".parse().unwrap())).await;
        assert!(asks(&setup, &request).await);
        assert!(!asks(&setup, &setup.request("pub")).await);
    }

    // OIDC `prompt`; authkestra ignores it
    async fn a_client_can_have_the_question_asked_again(setup) {
        for client in ["pub", "web"] {
            consent(&setup, client, &setup.request(client)).await;
            for prompt in ["consent", "login consent", "consent select_account", "none consent"] {
                assert!(asks(&setup, &setup.request(client).set("prompt", prompt)).await, "{prompt}");
            }
        }
    }

    // OIDC-008, ATK-039, AERR-013
    async fn without_consent_nothing_is_released_and_nothing_shown_if_the_client_says_so(setup) {
        for client in ["pub", "native", "self", "web"] {
            let request = setup.request(client).set("prompt", "none");
            expect_rejection(&silently(&setup, &request).await, redirect_uri(client), "consent_required", &request);
        }
        consent(&setup, "web", &setup.request("web")).await;
        let request = setup.request("web").set("prompt", "none").set("scope", "read write");
        expect_rejection(&silently(&setup, &request).await, redirect_uri("web"), "consent_required", &request);
        assert_eq!(setup.granted().await.len(), 1);
    }

    // CONS-007
    async fn a_client_that_changed_what_people_see_of_it_is_asked_about_again(setup) {
        consent(&setup, "pub", &setup.request("pub")).await;
        setup.clock.advance(Duration::from_secs(1));
        let now = setup.now();
        let name = ClientMetadata::new().with_name("Somebody Else").unwrap();
        setup.change("pub", |client| client.with_metadata(name).with_updated_at(now)).await;
        assert!(asks(&setup, &setup.request("pub")).await);
        consent(&setup, "pub", &setup.request("pub")).await;
        assert!(!asks(&setup, &setup.request("pub")).await);
    }

    // CONS-008
    async fn a_withdrawn_consent_is_not_remembered(setup) {
        consent(&setup, "web", &setup.request("web")).await;
        consent(&setup, "other", &setup.request("other")).await;
        setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();
        assert!(asks(&setup, &setup.request("web")).await);
        assert!(!asks(&setup, &setup.request("other")).await);
        setup.server.revoke_subject(&setup.alice).await.unwrap();
        assert!(asks(&setup, &setup.request("other")).await);
    }

    // CONS-008: what a replay or the client itself ended is over as well.
    async fn a_consent_whose_grant_was_revoked_is_not_remembered(setup) {
        let tokens = consent(&setup, "web", &setup.request("web")).await;
        let form = setup.identify("web", Form::of(&[("token", tokens.text("refresh_token"))]));
        assert_eq!(setup.post("/oauth/revoke", &form, None).await.status, 200);
        assert!(asks(&setup, &setup.request("web")).await);

        let code = setup.code("web").await;
        setup.token(&setup.exchange("web", &code)).await.expect_ok();
        assert!(!asks(&setup, &setup.request("web")).await);
        setup.token(&setup.exchange("web", &code)).await.expect_error(400, "invalid_grant");
        assert!(asks(&setup, &setup.request("web")).await);
    }

    async fn a_consent_is_remembered_as_long_as_something_of_it_lives(setup) {
        let request = setup.request("web");
        let fortnight = Duration::from_hours(14 * 24);
        consent(&setup, "web", &request).await;
        setup.clock.advance(fortnight - Duration::from_millis(1));
        assert!(!asks(&setup, &request).await);
        setup.clock.advance(Duration::from_millis(1));
        assert!(asks(&setup, &request).await);
    }

    // A code that nobody redeemed leaves no consent behind.
    async fn a_consent_ends_with_its_code_if_that_is_never_redeemed(setup) {
        let request = setup.request("pub");
        expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
        setup.clock.advance(Duration::from_secs(60));
        assert!(asks(&setup, &request).await);
    }

    // What the host keeps with a grant may be what confines it.
    async fn a_remembered_consent_keeps_what_the_host_keeps_with_it(setup) {
        let extra = Extra::of(&serde_json::json!({ "folders": ["inbox"] })).unwrap();
        let approval = Approval::all().with_extra(extra.clone());
        let request = setup.request("pub");
        consent_with(&setup, "pub", &request, approval).await;

        let code = expect_code(&silently(&setup, &request).await, redirect_uri("pub"), &request);
        let tokens = setup.token(&setup.exchange("pub", &code)).await.expect_ok();
        let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
        assert_eq!(access.extra(), &extra);
    }

    // Nobody was asked where the app's codes may go.
    async fn a_token_that_was_issued_for_an_app_is_no_consent(setup) {
        let new = NewPersonalToken::new(setup.alice.clone(), "Console".parse().unwrap(), "read".parse().unwrap());
        let _ = setup.server.issue_personal_token(new.for_client("web".parse().unwrap())).await.unwrap();
        assert!(asks(&setup, &setup.request("web")).await);
    }

    // AERR-006: a remembered yes can still be answered with no.
    async fn a_remembered_consent_can_be_denied(setup) {
        let request = setup.request("pub");
        consent(&setup, "pub", &request).await;
        let pending = setup.pending(&request).await.unwrap();
        let Recall::Remembered(confirmed) = setup.server.recall(pending, &setup.alice).await.unwrap() else {
            panic!("asked")
        };
        assert_eq!((confirmed.subject(), confirmed.request().client().id().as_str()), (&setup.alice, "pub"));
        expect_rejection(
            &setup.server.deny(confirmed).await.unwrap().into_http().into(),
            redirect_uri("pub"),
            "access_denied",
            &request,
        );
    }

    // HTTP-022: looking whether the user has to be asked changes nothing.
    async fn looking_at_a_consent_stores_nothing(setup) {
        let request = setup.request("pub");
        consent(&setup, "pub", &request).await;
        for prompt in ["", "none"] {
            let pending = setup.pending(&request.clone().set("prompt", prompt)).await.unwrap();
            assert!(matches!(setup.server.recall(pending, &setup.alice).await, Ok(Recall::Remembered(_))));
        }
        assert_eq!(setup.granted().await.len(), 1);
    }
}

// CONS-001
#[tokio::test]
async fn the_operator_can_have_every_user_asked_every_time() {
    for setup in Setup::both_with(|builder| builder.remembered_consent(RememberedConsent::Disabled)).await {
        for client in ["pub", "web"] {
            let request = setup.request(client);
            consent(&setup, client, &request).await;
            assert!(asks(&setup, &request).await, "{client}");
            let request = request.set("prompt", "none");
            let pending = setup.pending(&request).await.unwrap();
            let error = setup.server.recall(pending, &setup.alice).await.unwrap_err();
            assert_eq!(error.reason(), ErrorReason::ConsentRequired);
        }
    }
}

// A grant that never expires is remembered until it is revoked.
#[tokio::test]
async fn a_grant_without_end_is_remembered_without_end() {
    let forever = Lifetimes::new().with_access_token(None).with_refresh_idle(None).with_refresh_absolute(None);
    for setup in Setup::both_with(|builder| builder.lifetimes(forever)).await {
        let request = setup.request("web");
        consent(&setup, "web", &request).await;
        setup.clock.advance(Duration::from_hours(24 * 365 * 50));
        let answer = silently(&setup, &request).await;
        assert!(value(&answer.expect_redirect(redirect_uri("web")), "code").is_some());
        setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();
        assert!(asks(&setup, &request).await);
    }
}
