//! Decisions that the person did not make: none of them yields a code.

use serde_json::json;

use super::support::reply::Reply;
use super::support::{ADA, App, Browser, Example, GRACE, Tokens, raw};

/// Nothing was decided: an error page, or the question once more.
#[track_caller]
fn expect_no_decision(reply: &Reply) {
    let location = reply.header("location").unwrap_or_default();
    assert!(!location.contains("code=") && !location.contains("://"), "{reply:?}");
    if location.is_empty() {
        assert!(reply.status.is_client_error(), "{reply:?}");
    }
}

#[tokio::test]
async fn a_decision_that_is_sent_twice_yields_one_code() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read");
    let form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
    let first = browser.submit(&form).await.answer_to(&app.redirect_uri);
    let second = browser.submit(&form).await;
    expect_no_decision(&second.expect_error_page(409));
    // The first one is as good as before.
    Tokens::of(&app.exchange(first.code(), &request.verifier).await);
    // Nor does it work once the code is spent.
    expect_no_decision(&browser.submit(&form).await);
}

#[tokio::test]
async fn of_many_decisions_at_the_same_moment_one_yields_a_code() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let form = browser.get(&app.request("links:read").path).await.form("/oauth/authorize").press("decision", "approve");
    let clicks: Vec<_> = (0..8)
        .map(|_| {
            let (mut browser, form) = (browser.clone(), form.clone());
            tokio::spawn(async move { browser.submit(&form).await })
        })
        .collect();
    let mut codes = 0;
    for click in clicks {
        let reply = click.await.unwrap();
        codes += usize::from(reply.header("location").is_some_and(|location| location.contains("code=")));
    }
    assert_eq!(codes, 1);
}

#[tokio::test]
async fn a_form_of_another_person_or_another_session_decides_nothing() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let request = app.request("links:read");
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = ada.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");

    let mut grace = Browser::signed_in(&example, GRACE).await;
    expect_no_decision(&grace.submit(&form).await.expect(403));
    let mut elsewhere = Browser::signed_in(&example, ADA).await;
    expect_no_decision(&elsewhere.submit(&form).await.expect(403));
    expect_no_decision(&Browser::new(&example).submit(&form).await);
    // Where it was made, it still decides.
    ada.submit(&form).await.answer_to(&app.redirect_uri).code();
}

#[tokio::test]
async fn a_form_dies_with_the_session_that_it_was_made_in() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let request = app.request("links:read");
    let mut browser = Browser::signed_in(&example, ADA).await;
    let page = browser.get(&request.path).await;
    let form = page.form("/oauth/authorize").press("decision", "approve");
    browser.submit(&page.form("/signout")).await.expect(303);
    expect_no_decision(&browser.submit(&form).await);
    browser.sign_in(GRACE).await;
    expect_no_decision(&browser.submit(&form).await.expect(403));
}

#[tokio::test]
async fn a_proof_for_one_request_does_not_approve_another() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    let other = App::register(&example, json!({ "redirect_uris": ["https://other.example/cb"] })).await;
    let harmless =
        browser.get(&app.request("links:read").path).await.form("/oauth/authorize").press("decision", "approve");
    for request in [
        other.request("links:read"),
        app.request("links:read links:write"),
        app.request("links:read"),
        app.request_with("links:read", &[("state", "changed")]),
    ] {
        let mut form = harmless.clone();
        form.action = request.path;
        expect_no_decision(&browser.submit(&form).await.expect(403));
    }
}

#[tokio::test]
async fn without_its_proof_or_by_get_a_decision_decides_nothing() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read");
    let form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
    let proof = form.value("consent_token").to_owned();

    expect_no_decision(&browser.submit(&form.clone().without("consent_token")).await.expect(403));
    for forged in ["", "x", &proof[..proof.len() - 1], &format!("{proof}A"), &proof.to_uppercase()] {
        expect_no_decision(&browser.submit(&form.clone().with("consent_token", forged)).await.expect(403));
    }
    // By GET it is the question again.
    let page = browser.get(&format!("{}&decision=approve&consent_token={proof}", request.path)).await;
    assert!(page.header("location").is_none(), "{page:?}");
    // A decision is one of two words.
    for word in ["", "Approve", "yes"] {
        expect_no_decision(&browser.submit(&form.clone().with("decision", word)).await);
    }
    browser.submit(&form).await.answer_to(&app.redirect_uri).code();
}

#[tokio::test]
async fn changed_fields_of_the_form_give_nothing_more() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    for (name, value) in [
        ("scope", "links:write"),
        ("scope", "links:read links:write"),
        ("redirect_uri", "https://evil.example/cb"),
        ("client_id", "demo"),
        ("state", "changed"),
        ("username", "grace"),
    ] {
        let request = app.request_with("links:read", &[("prompt", "consent")]);
        let mut form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
        form.fields.push((name.to_owned(), value.to_owned()));
        let reply = browser.submit(&form).await;
        let location = reply.header("location").unwrap_or_default();
        assert!(!location.contains("evil.example"), "{reply:?}");
        if location.starts_with(&app.redirect_uri) && location.contains("code=") {
            let answer = reply.answer_to(&app.redirect_uri);
            assert_eq!(answer.get("state"), Some(request.state.as_str()));
            let tokens = Tokens::of(&app.exchange(answer.code(), &request.verifier).await);
            assert_eq!(tokens.scope, "links:read");
            assert_eq!(app.call("/me", &tokens.access).await.text("username"), ADA.username);
        } else {
            expect_no_decision(&reply);
        }
    }
}

#[tokio::test]
async fn a_decision_that_another_site_sends_is_refused_whatever_it_carries() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request_with("links:read", &[("prompt", "consent")]);
    let form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        // Another subdomain or port, which may be anybody's; and what no browser says.
        &[("sec-fetch-site", "same-site")],
        &[("origin", "null"), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "")],
        // The same host under another scheme.
        &[("origin", &example.origin().replace("http:", "https:"))],
    ] {
        expect_no_decision(&browser.submit_from(&form, headers).await.expect(403));
    }
    // Browsers leave the origin out or veil it in honest cases too; then the proof decides.
    for headers in [&[][..], &[("origin", "null")], &[("origin", "null"), ("sec-fetch-site", "same-origin")]] {
        let form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
        browser.submit_from(&form, headers).await.answer_to(&app.redirect_uri).code();
    }
}

#[tokio::test]
async fn a_page_of_ours_is_known_by_the_host_that_the_browser_used_too() {
    let example = Example::shared();
    // As on a developer's machine, where the same service has several names.
    let connect = |headers: &str| raw::send(&example, raw::form("/demo/connect", headers, "")).status;
    assert_eq!(connect("Origin: http://127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n"), 303);
    assert_eq!(connect("Origin: https://127.0.0.1\r\n"), 403);
    assert_eq!(connect("Origin: http://127.0.0.1\r\nSec-Fetch-Site: same-site\r\n"), 403);
    assert_eq!(connect("Origin: 127.0.0.1\r\n"), 403);
}

#[tokio::test]
async fn a_posted_request_is_refused_if_it_would_not_be_the_same_by_get() {
    let example = Example::shared();
    for body in
        ["client_id=demo&state=a#b", "client_id=demo#", "client_id=demo&state=a b", "client_id=demo&state=\u{e9}"]
    {
        let reply = raw::send(&example, raw::form("/oauth/authorize", "", body));
        assert_eq!((reply.status, reply.header("location")), (400, None), "{body}: {reply:?}");
    }
    let reply = raw::send(&example, raw::form("/oauth/authorize", "", "client_id=demo&state=a%23b"));
    assert_eq!((reply.status, reply.header("location")), (303, Some("/oauth/authorize?client_id=demo&state=a%23b")));
}

#[tokio::test]
async fn a_request_that_another_site_posts_is_a_question_and_leaves_the_session_alone() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read");
    let mut form = browser.get(&request.path).await.form("/oauth/authorize");
    form.action = "/oauth/authorize".to_owned();
    let query = request.path.split_once('?').unwrap().1;
    form.fields = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    form.fields.push(("decision".to_owned(), "approve".to_owned()));

    // With SameSite=Lax the browser leaves the cookie at home.
    let headers = [("origin", "https://app.example"), ("sec-fetch-site", "cross-site")];
    let mut stripped = Browser::new(&example);
    let reply = stripped.submit_from(&form, &headers).await;
    expect_no_decision(&reply);
    assert!(!reply.headers.contains_key("set-cookie"), "{reply:?}");
    // The GET that follows brings it along, and the person is asked.
    let page = browser.visit(reply.redirect()).await.expect(200);
    page.form("/oauth/authorize");
    assert!(page.texts("main").join(" ").contains(ADA.name));
}
