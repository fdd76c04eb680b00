//! Tenants: chosen or given, never left.

use std::sync::Arc;

use grantor::error::{AuthorizeError, ErrorReason};
use grantor::{Access, Approval, Recall, Revocation, Tenant};

use crate::support::{Answer, Recorder, Setup, bearer};

fn blue() -> Tenant {
    "blue".parse().unwrap()
}

fn red() -> Tenant {
    "red".parse().unwrap()
}

/// `web`, confined to `blue`.
async fn confine(setup: &Setup) {
    setup.change("web", |client| client.with_tenant(blue())).await;
}

async fn access(setup: &Setup, token: &str) -> Access {
    setup.server.resource_server().verify(&bearer(token)).await.unwrap()
}

/// The access token for a code of `web` that was approved like this.
async fn approved(setup: &Setup, approval: Approval) -> String {
    let answer = setup.approve_with(&setup.request("web"), approval).await;
    redeemed(setup, &answer).await
}

/// The access token for the code of an answer to `web`.
async fn redeemed(setup: &Setup, answer: &Answer) -> String {
    let parameters = answer.expect_redirect("https://web.test/cb");
    let code = &parameters.iter().find(|(name, _)| name == "code").expect("a code").1;
    setup.token(&setup.exchange("web", code)).await.expect_ok().text("access_token").to_owned()
}

/// Whether alice is asked about `web`, and what she decided otherwise.
async fn recall(setup: &Setup) -> Recall {
    let pending = setup.pending(&setup.request("web")).await.unwrap();
    setup.server.recall(pending, &setup.alice).await.unwrap()
}

/// Ends the grant of a token.
async fn revoke(setup: &Setup, token: &str) {
    let grant = access(setup, token).await.grant_id().unwrap();
    assert_eq!(setup.server.revoke_own_grant(&setup.alice, &grant).await.unwrap(), Revocation::Revoked);
}

on_both_stores! {
    async fn a_confined_client_gets_its_tenant_whatever_is_approved(setup) {
        confine(&setup).await;
        let pending = setup.pending(&setup.request("web")).await.unwrap();
        assert_eq!(pending.tenant(), Some(&blue()), "the page can show it");
        for approval in [Approval::all(), Approval::all().with_tenant(red()), Approval::all().with_tenant(blue())] {
            let token = approved(&setup, approval).await;
            assert_eq!(access(&setup, &token).await.tenant(), Some(&blue()));
        }
    }

    async fn a_confined_client_is_refused_on_the_page_of_another_tenant(setup) {
        confine(&setup).await;
        let pending = setup.pending(&setup.request("web")).await.unwrap().in_tenant(blue()).unwrap();
        assert_eq!(pending.tenant(), Some(&blue()));
        let error = pending.in_tenant(red()).unwrap_err();
        assert_eq!(error.reason(), ErrorReason::TenantNotAllowed);
        let AuthorizeError::Redirect(_) = &error else { panic!("the client is told: {error:?}") };
        let answer = setup.answer(error, grantor::Visitor::SignedIn);
        let parameters = answer.expect_redirect("https://web.test/cb");
        assert!(parameters.contains(&("error".to_owned(), "access_denied".to_owned())), "{parameters:?}");
    }

    async fn consent_to_a_confined_client_is_remembered_within_its_tenant(setup) {
        approved(&setup, Approval::all()).await;
        confine(&setup).await;
        assert!(matches!(recall(&setup).await, Recall::Ask(_)), "what was granted for all tenants is another question");
        approved(&setup, Approval::all()).await;
        let Recall::Remembered(confirmed) = recall(&setup).await else { panic!("forgotten") };
        assert_eq!(confirmed.request().tenant(), Some(&blue()));
    }

    async fn the_tenant_that_a_user_chose_is_chosen_again_without_a_question(setup) {
        approved(&setup, Approval::all().with_tenant(blue())).await;
        for approval in [Approval::all(), Approval::all().with_tenant(red())] {
            let Recall::Remembered(confirmed) = recall(&setup).await else { panic!("forgotten") };
            assert_eq!((confirmed.tenant(), confirmed.request().tenant()), (Some(&blue()), None));
            let answer = setup.server.approve(confirmed, approval).await.unwrap().into_http().into();
            let token = redeemed(&setup, &answer).await;
            assert_eq!(access(&setup, &token).await.tenant(), Some(&blue()), "a remembered decision is not widened");
        }
    }

    async fn who_decided_for_several_tenants_says_which_one_it_is(setup) {
        approved(&setup, Approval::all().with_tenant(blue())).await;
        let other = approved(&setup, Approval::all().with_tenant(red())).await;
        assert!(matches!(recall(&setup).await, Recall::Ask(_)));
        // Only those that are alive count.
        revoke(&setup, &other).await;
        let Recall::Remembered(confirmed) = recall(&setup).await else { panic!("forgotten") };
        assert_eq!(confirmed.tenant(), Some(&blue()));

        let all = approved(&setup, Approval::all()).await;
        assert!(matches!(recall(&setup).await, Recall::Ask(_)), "for all or for one");
        revoke(&setup, &all).await;
        assert!(matches!(recall(&setup).await, Recall::Remembered(_)));
    }

    async fn a_choice_that_does_not_cover_the_request_is_not_one_between_tenants(setup) {
        approved(&setup, Approval::all().with_tenant(blue())).await;
        let wide = setup.request("web").set("scope", "read write");
        let answer = setup.approve_with(&wide, Approval::all().with_tenant(red())).await;
        redeemed(&setup, &answer).await;
        let pending = setup.pending(&wide).await.unwrap();
        let Recall::Remembered(confirmed) = setup.server.recall(pending, &setup.alice).await.unwrap() else {
            panic!("forgotten")
        };
        assert_eq!(confirmed.tenant(), Some(&red()));
        assert!(matches!(recall(&setup).await, Recall::Ask(_)), "both cover the smaller request");
    }

    async fn a_page_of_one_tenant_recalls_what_was_chosen_there_and_nothing_else(setup) {
        approved(&setup, Approval::all().with_tenant(blue())).await;
        approved(&setup, Approval::all()).await;
        for (tenant, asked) in [(blue(), false), (red(), true)] {
            let pending = setup.pending(&setup.request("web")).await.unwrap().in_tenant(tenant).unwrap();
            let recalled = setup.server.recall(pending, &setup.alice).await.unwrap();
            assert_eq!(matches!(recalled, Recall::Ask(_)), asked);
        }
    }

    async fn who_may_not_use_the_tenant_any_more_is_asked_again(setup) {
        approved(&setup, Approval::all().with_tenant(blue())).await;
        let Recall::Remembered(confirmed) = recall(&setup).await else { panic!("forgotten") };
        let pending = confirmed.ask_again().unwrap();
        assert_eq!(pending.tenant(), None, "the user may choose");

        let silent = setup.pending(&setup.request("web").set("prompt", "none")).await.unwrap();
        let Recall::Remembered(confirmed) = setup.server.recall(silent, &setup.alice).await.unwrap() else {
            panic!("forgotten")
        };
        let error = confirmed.ask_again().unwrap_err();
        assert_eq!(error.reason(), ErrorReason::ConsentRequired);
        let parameters = setup.answer(error, grantor::Visitor::SignedIn);
        let parameters = parameters.expect_redirect("https://web.test/cb");
        assert!(parameters.contains(&("error".to_owned(), "consent_required".to_owned())), "{parameters:?}");
    }

    async fn a_confined_client_that_acts_for_itself_stays_in_its_tenant(setup) {
        let free = setup.own_token("svc").await;
        setup.change("svc", |client| client.with_tenant(blue())).await;
        let own = setup.own_token("svc").await;
        assert_eq!(access(&setup, own.text("access_token")).await.tenant(), Some(&blue()));
        assert_eq!(access(&setup, free.text("access_token")).await.tenant(), None);
    }

    async fn a_token_reaches_its_own_tenant_and_no_other(setup) {
        let token = approved(&setup, Approval::all().with_tenant(blue())).await;
        let access = access(&setup, &token).await;
        access.require_tenant(&blue()).unwrap();
        let error = access.require_tenant(&red()).unwrap_err();
        assert_eq!(error.reason(), ErrorReason::TenantMismatch);
        // RFC 6750 §3.1: a client that is told insufficient_scope would ask its user for more, in vain.
        let challenge = error.challenge();
        assert!(challenge.starts_with("Bearer realm=") && !challenge.contains("error"), "{challenge}");
        let response = error.into_http();
        assert_eq!(response.status(), 403);
        assert!(response.headers().contains_key("www-authenticate"));
        assert!(response.body().contains("\"access_denied\""), "{}", response.body());
    }

    async fn a_token_of_no_tenant_reaches_all_of_its_users(setup) {
        let token = approved(&setup, Approval::all()).await;
        let access = access(&setup, &token).await;
        access.require_tenant(&blue()).unwrap();
        access.require_tenant(&red()).unwrap();
    }

    async fn introspection_tells_the_tenant_if_there_is_one(setup) {
        let confined = approved(&setup, Approval::all().with_tenant(blue())).await;
        assert_eq!(setup.introspect("web", &confined).await.expect_ok().json["tenant"], "blue");
        let free = approved(&setup, Approval::all()).await;
        assert!(setup.introspect("web", &free).await.expect_ok().json.get("tenant").is_none());
    }

    async fn revoking_a_tenant_ends_what_is_confined_to_it_and_nothing_else(setup) {
        let confined = approved(&setup, Approval::all().with_tenant(blue())).await;
        let other = approved(&setup, Approval::all().with_tenant(red())).await;
        let free = approved(&setup, Approval::all()).await;
        assert_eq!(setup.server.revoke_tenant(&blue()).await.unwrap(), 1);
        assert!(!setup.is_accepted(&confined).await);
        assert!(setup.is_accepted(&other).await && setup.is_accepted(&free).await);
        assert_eq!(setup.server.revoke_tenant(&blue()).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn the_operator_is_told_whose_token_knocked_at_another_tenant() {
    let recorder = Arc::new(Recorder::default());
    for setup in Setup::both_with(|builder| builder.observer(recorder.clone())).await {
        let token = approved(&setup, Approval::all().with_tenant(blue())).await;
        let access = access(&setup, &token).await;
        recorder.take();
        access.require_tenant(&blue()).unwrap();
        assert!(recorder.take().is_empty());
        drop(access.require_tenant(&red()).unwrap_err());
        let told = recorder.take();
        assert!(told.len() == 1 && told[0].contains("TenantMismatch") && told[0].contains("web"), "{told:?}");
    }
}
