//! Clients that go away before they are answered, and try again.

use std::collections::HashSet;

use super::support::raw::{form, send_and_leave};
use super::support::{ADA, App, Browser, Example, Tokens};

/// How often; each time the connection breaks at another moment.
const TIMES: usize = 12;

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_works_again() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let mut tokens = app.connect(&mut browser, "links:read").await;
    for _ in 0..TIMES {
        let body = format!("grant_type=refresh_token&refresh_token={}&client_id={}", tokens.refresh, app.id);
        send_and_leave(&example, form("/oauth/token", "", &body));
        let first = Tokens::of(&app.refresh(&tokens.refresh).await);
        // However often it is lost, there is one successor and no more.
        let second = Tokens::of(&app.refresh(&tokens.refresh).await);
        assert_eq!((&first.access, &first.refresh), (&second.access, &second.refresh));
        app.call("/links", &first.access).await.expect(200);
        tokens = first;
    }
}

#[tokio::test]
async fn a_code_whose_answer_was_lost_is_redeemed_once_at_most() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    for _ in 0..TIMES {
        let (code, verifier) = app.code(&mut browser, "links:read").await;
        let body = format!("grant_type=authorization_code&code={code}&code_verifier={verifier}&client_id={}", app.id);
        send_and_leave(&example, form("/oauth/token", "", &body));
        let retry = app.exchange(&code, &verifier).await;
        if retry.status == 200 {
            Tokens::of(&retry);
        } else {
            retry.expect_error(400, "invalid_grant");
        }
        app.exchange(&code, &verifier).await.expect_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_in_its_middle_spends_nothing() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let (code, verifier) = app.code(&mut browser, "links:read").await;
    let body = format!("grant_type=authorization_code&code={code}&code_verifier={verifier}&client_id={}", app.id);
    let whole = form("/oauth/token", "", &body);
    for missing in [1, 20, body.len()] {
        send_and_leave(&example, &whole[..whole.len() - missing]);
    }
    let tokens = Tokens::of(&app.exchange(&code, &verifier).await);
    let body = format!("grant_type=refresh_token&refresh_token={}&client_id={}", tokens.refresh, app.id);
    let whole = form("/oauth/token", "", &body);
    send_and_leave(&example, &whole[..whole.len() - 1]);
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

#[tokio::test]
async fn a_decision_whose_answer_was_lost_yields_one_code_at_most() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    for _ in 0..TIMES {
        let request = app.request_with("links:read", &[("prompt", "consent")]);
        let consent = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&consent.fields).finish();
        let cookie = format!("Cookie: snip={}\r\n", browser.cookie("snip").unwrap());
        send_and_leave(&example, form(&consent.action, &cookie, &body));
        let mut codes = HashSet::new();
        for _ in 0..2 {
            let reply = browser.submit(&consent).await;
            if reply.status == 303 {
                codes.insert(reply.answer_to(&app.redirect_uri).code().to_owned());
            } else {
                reply.expect_error_page(409);
            }
        }
        assert!(codes.len() < 2, "{codes:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_exchanges_and_refreshes_at_the_same_moment_one_wins() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let (code, verifier) = app.code(&mut browser, "links:read").await;
    let exchanges: Vec<_> = (0..24).map(|_| app.exchange_request(&code, &verifier)).collect();
    let exchanges: Vec<_> = exchanges.into_iter().map(|request| tokio::spawn(request.send())).collect();
    let mut won = 0;
    for exchange in exchanges {
        let status = exchange.await.unwrap().unwrap().status().as_u16();
        assert!([200, 400].contains(&status), "{status}");
        won += usize::from(status == 200);
    }
    assert_eq!(won, 1);

    // Each refresh at the same moment may be answered, but all with the same successor.
    let tokens = app.connect(&mut browser, "links:read").await;
    let refreshes: Vec<_> = (0..24).map(|_| tokio::spawn(app.refresh_request(&tokens.refresh).send())).collect();
    let mut successors = HashSet::new();
    for refresh in refreshes {
        let reply = super::support::Reply::of(refresh.await.unwrap().unwrap()).await;
        successors.insert(Tokens::of(&reply).refresh);
    }
    assert_eq!(successors.len(), 1);
}
