//! A decision is made once: a page that was submitted yields no second code, whatever became of the first.

use std::num::NonZeroU32;
use std::time::Duration;

use grantor::Visitor;

use crate::browser::{expect_code, expect_page, expect_rejection};
use crate::consent::{shown, submit};
use crate::support::{Answer, Form, Setup, redirect_uri};

/// What a signed-in browser gets that submits the page with a no.
async fn deny(setup: &Setup, request: &Form, token: &str) -> Answer {
    let decide = async {
        let confirmed = setup.pending(request).await?.confirm(&setup.session, &setup.alice, token)?;
        setup.server.deny(confirmed).await
    };
    match decide.await {
        Ok(response) => response.into_http().into(),
        Err(error) => setup.answer(error, Visitor::SignedIn),
    }
}

on_both_stores! {
    // UI-006, ATK-025
    async fn a_page_that_is_submitted_twice_yields_no_second_code(setup) {
        for client in ["pub", "native", "web"] {
            let request = setup.request(client);
            let token = shown(&setup, &request).await;
            let before = setup.granted().await.len();
            let code = expect_code(&submit(&setup, &request, &token).await, redirect_uri(client), &request);
            for _ in 0..2 {
                expect_page(&submit(&setup, &request, &token).await, 409, &request);
            }
            let tokens = setup.token(&setup.exchange(client, &code)).await.expect_ok();
            expect_page(&submit(&setup, &request, &token).await, 409, &request);
            assert!(
                setup.is_accepted(tokens.text("access_token")).await,
                "the second submission revoked what the first bought"
            );
            assert_eq!(setup.granted().await.len(), before + 1);
        }
    }

    // UI-006: a double click.
    async fn of_two_submissions_at_once_one_yields_a_code(setup) {
        for _ in 0..20 {
            let request = setup.request("pub");
            let token = shown(&setup, &request).await;
            let (one, other) = tokio::join!(submit(&setup, &request, &token), submit(&setup, &request, &token));
            let (first, second) = if one.status == 303 { (one, other) } else { (other, one) };
            expect_code(&first, redirect_uri("pub"), &request);
            expect_page(&second, 409, &"the other one");
        }
    }

    // UI-024: neither the end of the code nor a revocation makes room for a second code.
    async fn a_page_that_was_submitted_is_spent_even_when_its_grant_is_over(setup) {
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("pub"), &request);
        setup.clock.advance(Duration::from_mins(2));
        expect_page(&submit(&setup, &request, &token).await, 409, &"an expired code");
        setup.server.withdraw(&setup.alice, &"pub".parse().unwrap()).await.unwrap();
        expect_page(&submit(&setup, &request, &token).await, 409, &"a withdrawn grant");
        setup.server.revoke_subject(&setup.alice).await.unwrap();
        expect_page(&submit(&setup, &request, &token).await, 409, &"a revoked user");
    }

    // UI-006: one state never gets both a code and an error.
    async fn a_denial_after_the_approval_is_refused(setup) {
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("pub"), &request);
        expect_page(&deny(&setup, &request, &token).await, 409, &"a denial after the approval");
        assert_eq!(setup.granted().await.len(), 1);
    }

    // UI-006, UI-024
    async fn a_page_that_was_denied_is_spent(setup) {
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        expect_rejection(&deny(&setup, &request, &token).await, redirect_uri("pub"), "access_denied", &request);
        for _ in 0..2 {
            expect_page(&submit(&setup, &request, &token).await, 409, &"an approval after the denial");
            expect_page(&deny(&setup, &request, &token).await, 409, &"a second denial");
            setup.clock.advance(Duration::from_mins(20));
            setup.server.purge(NonZeroU32::MAX).await.unwrap();
        }
        // Nothing came of it that lives, and the user is asked again.
        assert!(setup.granted().await.iter().all(|summary| !summary.is_live(setup.now())));
        let token = shown(&setup, &request).await;
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("pub"), &request);
    }

    // UI-006
    async fn of_a_yes_and_a_no_at_once_one_counts(setup) {
        for _ in 0..20 {
            let request = setup.request("pub");
            let token = shown(&setup, &request).await;
            let (yes, no) = tokio::join!(submit(&setup, &request, &token), deny(&setup, &request, &token));
            assert_eq!([yes.status, no.status].iter().filter(|status| **status == 303).count(), 1, "{yes:?} {no:?}");
        }
    }

    // AUTHZ-008: the same request in two tabs is two requests.
    async fn every_page_has_a_token_of_its_own(setup) {
        let request = setup.request("pub");
        let tokens = [shown(&setup, &request).await, shown(&setup, &request).await];
        assert_ne!(tokens[0], tokens[1]);
        let mut codes = Vec::new();
        for token in &tokens {
            codes.push(expect_code(&submit(&setup, &request, token).await, redirect_uri("pub"), &request));
        }
        assert_ne!(codes[0], codes[1]);
    }
}

// UI-006, UI-024: purging must not make room for a second code while the form is still good.
#[tokio::test]
async fn a_page_that_was_submitted_is_spent_even_when_its_grant_was_purged() {
    for setup in Setup::both_with(|builder| builder.consent_lifetime(Duration::from_hours(24))).await {
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("pub"), &request);
        for hours in [2, 21] {
            setup.clock.advance(Duration::from_hours(hours));
            setup.server.purge(NonZeroU32::MAX).await.unwrap();
            expect_page(&submit(&setup, &request, &token).await, 409, &hours);
        }
    }
}
