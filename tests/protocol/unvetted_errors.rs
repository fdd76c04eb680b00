//! Errors of clients that nobody vouches for: who is taken there, and who is asked first (RFC 9700 §4.11.2).

use std::sync::Arc;

use grantor::configuration::UnvettedErrors;
use grantor::error::{AuthorizeError, Retry};
use grantor::scope::Scope;
use grantor::testkit::{Fault, Faults, FaultyStore, When};
use grantor::{Approval, AuthorizationServerBuilder, AuthorizeAnswer, ErrorPage, Stores, Visitor};

use crate::browser::{expect_rejection, value};
use crate::support::{Form, Setup, parameters, redirect_uri};

const VISITORS: [Visitor; 2] = [Visitor::Anonymous, Visitor::SignedIn];

fn only_by_choice(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder.unvetted_errors(UnvettedErrors::AfterConfirmation)
}

/// Links that fail before anybody has decided, with what the client would be told.
fn failing(request: &Form) -> [(Form, &'static str); 5] {
    [
        (request.clone().set("scope", "bogus"), "invalid_scope"),
        (request.clone().set("response_type", "token"), "unsupported_response_type"),
        (request.clone().set("request", "x"), "request_not_supported"),
        (request.clone().without("code_challenge"), "invalid_request"),
        (request.clone().set("resource", "https://nowhere.test"), "invalid_target"),
    ]
}

#[track_caller]
fn expect_asked(answer: AuthorizeAnswer) -> ErrorPage {
    match answer {
        AuthorizeAnswer::Page(page) => page,
        AuthorizeAnswer::Redirect(response) => panic!("taken to {}", response.location()),
    }
}

/// The page says where it leads, and the way on carries what a redirect would have.
#[track_caller]
fn expect_way_on(page: &ErrorPage, code: &str, request: &Form) {
    assert!(page.status().is_client_error() || page.status().is_server_error(), "{page:?}");
    assert_eq!(page.destination(), Some("self.test"), "{request:?}");
    let pairs = parameters(page.continue_to().expect("a way on"), redirect_uri("self"));
    assert_eq!(value(&pairs, "error"), Some(code), "{request:?}");
    assert_eq!(value(&pairs, "state"), request.get("state"), "{request:?}");
    assert_eq!(value(&pairs, "iss"), Some("https://as.test"), "{request:?}");
    for text in [page.description(), page.text()] {
        assert!(!text.contains("self.test") && !text.contains("://"), "{request:?}: {text}");
    }
}

on_both_stores! {
    // UI-019, BCP-002, ATK-013
    async fn a_stranger_is_asked_and_whoever_is_signed_in_is_taken_there(setup) {
        for (link, code) in failing(&setup.request("self")) {
            let page = expect_asked(setup.pending(&link).await.unwrap_err().answer(Visitor::Anonymous));
            expect_way_on(&page, code, &link);
            let error = setup.pending(&link).await.unwrap_err();
            expect_rejection(&setup.answer(error, Visitor::SignedIn), redirect_uri("self"), code, &link);
        }
        let silent = setup.request("self").set("prompt", "none");
        let error = setup.pending(&silent).await.unwrap().sign_in_required().unwrap_err();
        expect_way_on(&expect_asked(error.answer(Visitor::Anonymous)), "login_required", &silent);
    }

    // AUTHZ-014: where the destination is not the client's, there is no way on at all.
    async fn there_is_no_way_on_to_where_nobody_registered(setup) {
        let link = setup.request("self").set("redirect_uri", "https://evil.test/cb");
        for visitor in VISITORS {
            let page = expect_asked(setup.pending(&link).await.unwrap_err().answer(visitor));
            assert_eq!((page.continue_to(), page.destination()), (None, None));
        }
    }
}

// UI-019, BCP-002, ATK-013
#[tokio::test]
async fn where_the_operator_wants_it_nobody_is_taken_there_by_a_link() {
    for setup in Setup::both_with(only_by_choice).await {
        for (link, code) in failing(&setup.request("self")) {
            for visitor in VISITORS {
                let page = expect_asked(setup.pending(&link).await.unwrap_err().answer(visitor));
                expect_way_on(&page, code, &link);
            }
        }
        let silent = setup.request("self").set("prompt", "none");
        let sign_in = setup.pending(&silent).await.unwrap().sign_in_required().unwrap_err();
        let consent = setup.server.recall(setup.pending(&silent).await.unwrap(), &setup.alice).await.unwrap_err();
        for (error, code) in [(sign_in, "login_required"), (consent, "consent_required")] {
            expect_way_on(&expect_asked(error.answer(Visitor::SignedIn)), code, &silent);
        }
        // A client that somebody vouches for hears of it at once.
        for (link, code) in failing(&setup.request("pub")) {
            let error = setup.pending(&link).await.unwrap_err();
            expect_rejection(&setup.answer(error, Visitor::Anonymous), redirect_uri("pub"), code, &link);
        }
    }
}

#[tokio::test]
async fn what_a_person_decided_is_answered_at_once_in_any_case() {
    for setup in Setup::both_with(only_by_choice).await {
        let request = setup.request("self");
        let nothing = Approval::of(Scope::parse("write").unwrap());
        let answer = setup.approve_with(&request, nothing).await;
        expect_rejection(&answer, redirect_uri("self"), "access_denied", &request);
        let pending = setup.pending(&request).await.unwrap();
        let token = setup.consent_token(&pending);
        let confirmed = pending.confirm(&setup.session, &setup.alice, &token).unwrap();
        let denied = setup.server.deny(confirmed).await.unwrap().into_http().into();
        expect_rejection(&denied, redirect_uri("self"), "access_denied", &request);
    }
}

// AERR-007
#[tokio::test]
async fn a_store_that_fails_over_a_decision_does_not_leave_the_client_waiting() {
    let store = Arc::new(grantor::store::MemoryStore::new());
    let faulty = FaultyStore::around(store.clone(), Arc::new(Faults::default()));
    let stores = Stores::from(Arc::new(faulty.clone()));
    let setup = Setup::build(stores, store.clone(), store, None, only_by_choice).await;
    let request = setup.request("self");
    let pending = setup.pending(&request).await.unwrap();
    let token = setup.consent_token(&pending);
    let confirmed = pending.confirm(&setup.session, &setup.alice, &token).unwrap();
    faulty.inject_into("insert_code", 0, When::Before, Fault::Fail(Retry::CanHelp));
    let error: AuthorizeError = setup.server.approve(confirmed, Approval::all()).await.unwrap_err();
    let answer = setup.answer(error, Visitor::SignedIn);
    expect_rejection(&answer, redirect_uri("self"), "temporarily_unavailable", &request);
}
