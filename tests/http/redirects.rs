//! Where the browser is sent, and where it never is.

use reqwest::StatusCode;

use super::support::reply::Answer;
use super::support::{ADA, App, Browser, Example, html};

/// Ways to write an address elsewhere that some browser or parser takes for one of ours.
const ELSEWHERE: [&str; 14] = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/\n/evil.example/",
    "\t//evil.example/",
    " //evil.example/",
    "https:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "evil.example",
    "@evil.example/",
];

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Where a browser on one of our pages goes for this location.
fn resolved(example: &Example, location: &str) -> url::Url {
    url::Url::parse(&example.url("/signin")).unwrap().join(location).unwrap()
}

#[tokio::test]
async fn signing_in_leads_nowhere_else() {
    let example = Example::shared();
    let mut signed_in = Browser::signed_in(&example, ADA).await;
    for next in ELSEWHERE {
        let reply = signed_in.get(&format!("/signin?next={}", encoded(next))).await;
        let target = resolved(&example, reply.redirect());
        assert_eq!(target.origin(), url::Url::parse(&example.origin()).unwrap().origin(), "{next:?}");
        // The form of a visitor who is not signed in does not carry it either.
        let page = Browser::new(&example).get(&format!("/signin?next={}", encoded(next))).await;
        assert_eq!(page.form("/signin").value("next"), "/", "{next:?}");
    }
}

#[tokio::test]
async fn the_way_back_cannot_be_exchanged_in_the_sign_in_form() {
    let example = Example::shared();
    let mut browser = Browser::new(&example);
    let page = browser.get("/signin?next=/connected").await;
    let form = page.form("/signin").with("username", ADA.username).with("password", ADA.password);
    for next in ["https://evil.example/", "/developers"] {
        let reply = browser.submit(&form.clone().with("next", next)).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(!reply.headers.contains_key("location"), "{reply:?}");
    }
    assert_eq!(browser.submit(&form).await.redirect(), "/connected");
}

#[tokio::test]
async fn a_way_back_that_is_too_long_is_refused_and_not_replaced_by_another() {
    let example = Example::shared();
    let next = |length: usize| format!("/connected?x={}", "x".repeat(length - "/connected?x=".len()));
    for mut browser in [Browser::new(&example), Browser::signed_in(&example, ADA).await] {
        for address in [format!("/signin?next={}", next(12_001)), format!("/signin?next={}&again=1", next(30_000))] {
            browser.get(&address).await.expect_error_page(414);
        }
    }
    let mut visitor = Browser::new(&example);
    visitor.visit(&next(12_001)).await.expect_error_page(414);
    let page = visitor.visit(&next(12_000)).await;
    assert_eq!(visitor.submit_sign_in(&page, ADA.username, ADA.password).await.redirect(), next(12_000));
}

#[tokio::test]
async fn signing_out_leads_nowhere_else() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    for next in ["https://evil.example/", "//evil.example/", "/\\evil.example/"] {
        let mut form = browser.get("/").await.form("/signout");
        form.fields.push(("next".to_owned(), next.to_owned()));
        let reply = browser.submit(&form).await;
        assert_eq!(reply.redirect(), "/", "{next}");
        browser.sign_in(ADA).await;
    }
}

#[tokio::test]
async fn an_error_of_an_unchecked_app_is_shown_first_and_sent_on_once_somebody_is_signed_in() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut signed_in = Browser::signed_in(&example, ADA).await;
    for (change, error) in [
        (("scope", "bogus"), "invalid_scope"),
        (("prompt", "none"), "consent_required"),
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge", ""), "invalid_request"),
    ] {
        let request = app.request_with("links:read", &[change]);
        let page = Browser::new(&example).get(&request.path).await;
        assert!(page.status.is_client_error(), "{change:?} {page:?}");
        let page = page.clone().expect_error_page(page.status.as_u16());
        // It says what is wrong, and a button that names the place leads on: the person decides.
        let document = page.page();
        let buttons = html::select(&document, "main a.primary");
        let [button] = buttons.as_slice() else { panic!("{}", page.body) };
        assert!(html::text(*button).contains("app.example"), "{}", page.body);
        let way_on = Answer::at(&app.redirect_uri, button.attr("href").unwrap());
        assert_eq!(way_on.error(), if change.0 == "prompt" { "login_required" } else { error });
        assert_eq!(way_on.get("state"), Some(request.state.as_str()));
        assert!(!page.headers.contains_key("refresh") && !page.body.contains("http-equiv"), "{}", page.body);

        let answer = signed_in.get(&request.path).await.answer_to(&app.redirect_uri);
        let expected = if change.0 == "prompt" { ["consent_required", "interaction_required"] } else { [error, error] };
        assert!(expected.contains(&answer.error()), "{change:?} {answer:?}");
        assert_eq!(answer.get("state"), Some(request.state.as_str()));
        assert_eq!(answer.get("iss"), Some(example.origin().as_str()));
    }
}

#[tokio::test]
async fn an_error_of_a_known_app_is_sent_on_at_once() {
    let example = Example::shared();
    let demo = App::known(&example, "demo", &example.url("/demo/callback"));
    let request = demo.request_with("bogus", &[]);
    let answer = Browser::new(&example).get(&request.path).await.answer_to(&demo.redirect_uri);
    assert_eq!(answer.error(), "invalid_scope");
    assert_eq!(answer.get("state"), Some(request.state.as_str()));
    let silent = demo.request_with("links:read", &[("prompt", "none")]);
    let answer = Browser::new(&example).get(&silent.path).await.answer_to(&demo.redirect_uri);
    assert_eq!(answer.error(), "login_required");
}

#[tokio::test]
async fn a_request_without_a_trustworthy_destination_is_explained_and_goes_nowhere() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut signed_in = Browser::signed_in(&example, ADA).await;
    let evil = "https://evil.example/cb";
    let markup = "<script>alert(1)</script>";
    for changes in [
        &[("client_id", "")][..],
        &[("client_id", "nobody")],
        &[("client_id", markup)],
        &[("redirect_uri", evil)],
        &[("redirect_uri", markup)],
        &[("redirect_uri", "javascript:alert(1)")],
        &[("redirect_uri", "https://app.example/cb/../cb")],
        &[("redirect_uri", "https://app.example@evil.example/cb")],
        &[("redirect_uri", app.redirect_uri.as_str()), ("redirect_uri", evil)],
        &[("redirect_uri", evil), ("redirect_uri", app.redirect_uri.as_str())],
        &[("client_id", app.id.as_str()), ("client_id", "demo")],
        &[("response_mode", "bogus")],
    ] {
        let request = app.request_with("links:read", changes);
        for browser in [&mut Browser::new(&example), &mut signed_in] {
            let page = browser.get(&request.path).await.expect_error_page(400);
            let document = page.page();
            let links = html::select(&document, "a[href]");
            let links: Vec<&str> = links.iter().filter_map(|link| link.attr("href")).collect();
            assert!(links.iter().all(|link| link.starts_with('/') || link.starts_with('#')), "{changes:?} {links:?}");
            assert!(!page.body.contains(markup), "{changes:?}");
            // The developer learns which parameter it was, and the operator finds the line in the log.
            assert!(page.texts("main code").iter().any(|reference| page.header("x-request-id") == Some(reference)));
        }
    }
}
