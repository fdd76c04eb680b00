//! Decisions: from their own page, session, user and request, and in time.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::client::{Client, ClientMetadata, ClientStatus};
use grantor::error::ErrorReason;
use grantor::store::Page;
use grantor::{Approval, Recall, SessionSecret, Subject, Visitor};

use crate::browser::{expect_code, expect_page, expect_rejection};
use crate::support::{Answer, Form, Setup, redirect_uri};

/// The token of the page that shows this request to alice.
pub async fn shown(setup: &Setup, request: &Form) -> String {
    setup.consent_token(&setup.pending(request).await.unwrap())
}

/// What alice's browser gets that submits `token` with this request.
pub async fn submit(setup: &Setup, request: &Form, token: &str) -> Answer {
    submit_as(setup, request, token, &setup.session, &setup.alice).await
}

async fn submit_as(setup: &Setup, request: &Form, token: &str, session: &SessionSecret, subject: &Subject) -> Answer {
    let confirmed = match setup.pending(request).await {
        Ok(pending) => pending.confirm(session, subject, token),
        Err(error) => Err(error),
    };
    let response = match confirmed {
        Ok(confirmed) => setup.server.approve(confirmed, Approval::all()).await,
        Err(error) => Err(error),
    };
    match response {
        Ok(response) => response.into_http().into(),
        Err(error) => setup.answer(error, Visitor::SignedIn),
    }
}

fn session(byte: u8) -> SessionSecret {
    SessionSecret::new([byte; 32]).unwrap()
}

fn bob() -> Subject {
    "bob".parse().unwrap()
}

fn wait(setup: &Setup, minutes: u64) {
    setup.clock.advance(Duration::from_mins(minutes));
}

on_both_stores! {
    // CONS-001
    async fn a_decision_is_needed_before_anything_is_released(setup) {
        for client in ["pub", "native", "self", "web"] {
            let pending = setup.pending(&setup.request(client)).await.unwrap();
            assert!(matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Ask(_)), "{client}");
        }
        assert!(setup.granted().await.is_empty());
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("pub"), &request);
        assert_eq!(setup.granted().await.len(), 1);
    }

    // UI-004, ATK-023
    async fn a_decision_without_its_token_is_refused(setup) {
        let request = setup.request("pub");
        let error = setup.pending(&request).await.unwrap().confirm(&setup.session, &setup.alice, "").unwrap_err();
        assert_eq!(error.reason(), ErrorReason::ConsentTokenMissing);
        expect_page(&setup.answer(error, Visitor::SignedIn), 403, &"no token");
    }

    // UI-004, ATK-023
    async fn a_forged_token_is_refused_whatever_is_forged(setup) {
        let request = setup.request("pub");
        let good = shown(&setup, &request).await;
        let bytes = URL_SAFE_NO_PAD.decode(&good).unwrap();
        let mut forged = vec![
            "x".to_owned(),
            " ".to_owned(),
            "é".to_owned(),
            "\0".to_owned(),
            format!("{good}="),
            format!("{good}A"),
            format!(" {good}"),
            good[1..].to_owned(),
            good[..good.len() - 1].to_owned(),
            good.replace(['-', '_'], "+"),
            "A".repeat(good.len()),
            URL_SAFE_NO_PAD.encode(vec![0; bytes.len()]),
            "A".repeat(100_000),
        ];
        forged.retain(|token| *token != good);
        for (at, bit) in (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            forged.push(URL_SAFE_NO_PAD.encode(flipped));
        }
        for token in &forged {
            let error =
                setup.pending(&request).await.unwrap().confirm(&setup.session, &setup.alice, token).unwrap_err();
            assert_eq!(error.reason(), ErrorReason::ConsentTokenInvalid, "{token}");
            expect_page(&setup.answer(error, Visitor::SignedIn), 403, token);
        }
        assert!(setup.granted().await.is_empty());
        expect_code(&submit(&setup, &request, &good).await, redirect_uri("pub"), &request);
    }

    // UI-024: one token has one spelling, so that none is used twice in two of them.
    async fn a_token_has_one_spelling(setup) {
        let request = setup.request("pub");
        let good = shown(&setup, &request).await;
        let (start, last) = good.split_at(good.len() - 1);
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".map(char::from);
        for other in alphabet.into_iter().filter(|other| last != other.to_string()) {
            expect_page(&submit(&setup, &request, &format!("{start}{other}")).await, 403, &other);
        }
    }

    // UI-004, CONS-011, ATK-023, ATK-028
    async fn a_token_of_another_session_or_another_user_is_refused(setup) {
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        for (session, subject) in [(session(8), setup.alice.clone()), (session(7), bob()), (session(8), bob())] {
            expect_page(&submit_as(&setup, &request, &token, &session, &subject).await, 403, &(session, subject));
        }
        assert!(setup.granted().await.is_empty());
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("pub"), &request);
    }

    // CONS-011: bob decides on a page of his own, and for himself alone.
    async fn a_grant_is_of_the_user_who_decided(setup) {
        let request = setup.request("web");
        let token = setup.pending(&request).await.unwrap().consent_token(&session(9), &bob());
        let answer = submit_as(&setup, &request, &token, &session(9), &bob()).await;
        let code = expect_code(&answer, redirect_uri("web"), &request);
        let tokens = setup.token(&setup.exchange("web", &code)).await.expect_ok();
        let form = setup.identify("web", Form::of(&[("token", tokens.text("access_token"))]));
        assert_eq!(setup.post("/oauth/introspect", &form, None).await.expect_ok().text("sub"), "bob");
        assert!(setup.granted().await.is_empty());
    }

    // AUTHZ-007, RURI-018, UI-004, ATK-025, ATK-026, ATK-027
    async fn a_token_of_another_request_is_refused_whatever_differs(setup) {
        let request =
            setup.request("multi").set("scope", "read write").set("resource", "https://api.test/one").and("hint", "ab");
        let token = shown(&setup, &request).await;
        let scope = setup.request("multi").get("scope").unwrap().to_owned();
        for other in [
            request.clone().set("client_id", "pub").set("redirect_uri", "https://app.test/cb"),
            request.clone().set("redirect_uri", "https://app.test/cb"),
            request.clone().set("scope", "read write admin"),
            request.clone().set("scope", "admin"),
            request.clone().set("scope", &scope),
            request.clone().without("scope"),
            request.clone().set("state", "other"),
            request.clone().set("state", ""),
            request.clone().without("state"),
            request.clone().set("code_challenge", &"A".repeat(43)),
            request.clone().set("resource", "https://api.test/two"),
            request.clone().and("resource", "https://api.test/two"),
            request.clone().set("prompt", "consent"),
            request.clone().set("prompt", "login"),
            request.clone().set("hint", "other"),
            request.clone().without("hint"),
            request.clone().without("hint").and("pint", "ab"),
            request.clone().without("hint").and("hinta", "b"),
            request.clone().without("hint").and("hin", "tab"),
            request.clone().and("more", ""),
        ] {
            let pending = setup.pending(&other).await.unwrap_or_else(|error| panic!("{other:?}: {error}"));
            let error = pending.confirm(&setup.session, &setup.alice, &token).unwrap_err();
            assert_eq!(error.reason(), ErrorReason::ConsentTokenInvalid, "{other:?}");
            expect_page(&setup.answer(error, Visitor::SignedIn), 403, &other);
        }
        assert!(setup.granted().await.is_empty());
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("multi"), &request);
    }

    // AUTHZ-007, ATK-026: two clients at one address are two clients.
    async fn a_token_of_another_client_is_refused_even_at_the_same_address(setup) {
        let request = setup.request("pub");
        let other = request.clone().set("client_id", "multi");
        expect_page(&submit(&setup, &other, &shown(&setup, &request).await).await, 403, &other);
        expect_page(&submit(&setup, &request, &shown(&setup, &other).await).await, 403, &request);
    }

    // AUTHZ-007: whether the client named its redirect URI decides what the token endpoint wants.
    async fn a_token_of_a_request_that_named_its_redirect_uri_is_not_that_of_one_that_did_not(setup) {
        let named = setup.request("pub");
        let left_out = named.clone().without("redirect_uri");
        expect_page(&submit(&setup, &left_out, &shown(&setup, &named).await).await, 403, &left_out);
        expect_page(&submit(&setup, &named, &shown(&setup, &left_out).await).await, 403, &named);
    }

    // A challenge that is stripped between page and decision leaves no token that fits.
    async fn a_token_of_a_request_with_challenge_is_not_that_of_one_without(setup) {
        let bare = setup.request("exempt");
        let challenge = setup.request("pub").get("code_challenge").unwrap().to_owned();
        let bound = bare.clone().and("code_challenge", &challenge).and("code_challenge_method", "S256");
        expect_page(&submit(&setup, &bare, &shown(&setup, &bound).await).await, 403, &bare);
        expect_page(&submit(&setup, &bound, &shown(&setup, &bare).await).await, 403, &bound);
    }

    // A browser may write a URL anew.
    async fn the_same_request_in_another_spelling_is_the_same_request(setup) {
        let request = setup.request("pub").set("state", "a b");
        let token = shown(&setup, &request).await;
        let respelt = request.encode().replace("state=a+b", "%73tate=%61%20b").replace("scope=read", "&scope=re%61d&");
        let pending = setup.server.authorize(&respelt).await.unwrap();
        assert!(pending.confirm(&setup.session, &setup.alice, &token).is_ok());
    }

    // UI-023, UI-024
    async fn a_token_lives_for_half_an_hour(setup) {
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        setup.clock.advance(Duration::from_mins(30));
        let error = setup.pending(&request).await.unwrap().confirm(&setup.session, &setup.alice, &token).unwrap_err();
        assert_eq!(error.reason(), ErrorReason::ConsentTokenExpired);
        expect_page(&setup.answer(error, Visitor::SignedIn), 403, &"stale");
        setup.clock.set_back(Duration::from_millis(1));
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("pub"), &request);
    }

    // RURI-019, AUTHZ-012
    async fn what_was_true_of_the_client_when_the_page_was_shown_is_checked_again(setup) {
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        setup.change("pub", |client| client.with_status(ClientStatus::Disabled)).await;
        expect_page(&submit(&setup, &request, &token).await, 400, &"disabled");
        setup.change("pub", |client| client.with_status(ClientStatus::Enabled).with_grant_types([])).await;
        expect_rejection(&submit(&setup, &request, &token).await, redirect_uri("pub"), "unauthorized_client", &request);
    }

    // CONS-007: the page showed something else than what would be approved.
    async fn a_token_of_a_page_that_showed_the_client_as_it_was_is_refused(setup) {
        let request = setup.request("self");
        let token = shown(&setup, &request).await;
        wait(&setup, 1);
        let now = setup.now();
        setup
            .change("self", |client| {
                client.with_metadata(ClientMetadata::new().with_name("Your Bank").unwrap()).with_updated_at(now)
            })
            .await;
        expect_page(&submit(&setup, &request, &token).await, 403, &"renamed");
        let token = shown(&setup, &request).await;
        expect_code(&submit(&setup, &request, &token).await, redirect_uri("self"), &request);
    }

    // CONS-008
    async fn a_user_lists_and_withdraws_what_was_granted(setup) {
        let (web, other) = (setup.tokens("web").await, setup.tokens("other").await);
        let code = setup.code("web").await;
        let listed = setup.server.grants(&setup.alice, Page::first(std::num::NonZeroU32::MAX)).await.unwrap();
        assert_eq!(listed.iter().filter(|summary| summary.grant.client == Some("web".parse().unwrap())).count(), 2);
        setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();

        assert!(!setup.is_accepted(web.text("access_token")).await);
        setup.token(&setup.refresh("web", web.text("refresh_token"))).await.expect_error(400, "invalid_grant");
        setup.token(&setup.exchange("web", &code)).await.expect_error(400, "invalid_grant");
        assert!(setup.is_accepted(other.text("access_token")).await, "another client was affected");
        let alive = setup.granted().await.into_iter().filter(|summary| summary.is_live(setup.now()));
        assert_eq!(alive.count(), 1);
    }
}

// UI-023
#[tokio::test]
async fn how_long_a_form_is_good_for_is_the_operators_choice() {
    for setup in Setup::both_with(|builder| builder.consent_lifetime(Duration::from_mins(5))).await {
        let request = setup.request("pub");
        let token = shown(&setup, &request).await;
        wait(&setup, 5);
        expect_page(&submit(&setup, &request, &token).await, 403, &"five minutes");
    }
}

// LOG-002
#[test]
fn a_session_secret_is_long_and_not_printed() {
    for length in [0, 1, 15] {
        assert!(SessionSecret::new(vec![7; length]).is_err(), "{length}");
    }
    let secret = SessionSecret::new(b"sixteen bytes or").unwrap();
    assert!(!format!("{secret:?}").contains("sixteen"));
    assert!(SessionSecret::new(vec![7; 1_000]).is_ok());
}

// CONS-003: what a page shows comes escaped by nobody, so it must at least not be able to imitate the page.
#[tokio::test]
async fn a_page_can_show_name_scopes_in_words_and_where_the_answer_goes() {
    let setup = Setup::memory().await;
    setup.change("self", |client| client.with_metadata(ClientMetadata::new().with_name("Link Board").unwrap())).await;
    let pending = setup.pending(&setup.request("self").set("scope", "read write")).await.unwrap();
    let client: &Client = pending.client();
    assert_eq!(client.display_name(), "Link Board");
    assert_eq!(client.vetting(), grantor::client::Vetting::SelfRegistered);
    assert_eq!(pending.redirect_uri().display_host(), "self.test");
    let scopes: Vec<_> = pending.scopes().collect();
    assert_eq!(scopes, [("read", "Read your things"), ("write", "Change your things")]);
}
