//! From the request to the token, through the pages that a person sees.

use serde_json::json;

use super::support::{ADA, App, Browser, Example, GRACE, Tokens, html, raw};

#[tokio::test]
async fn who_has_to_sign_in_comes_back_to_the_very_same_request() {
    let example = Example::shared();
    let app = App::public(&example).await;
    // Characters that a careless round trip would change.
    let request = app.request_with("links:read stats:read", &[("state", "a+b %26=c/d?e;\u{e9}\u{20ac}")]);
    let mut browser = Browser::new(&example);

    let sign_in = browser.get(&request.path).await;
    assert!(sign_in.redirect().starts_with("/signin?"), "{sign_in:?}");
    let page = browser.get(sign_in.redirect()).await.expect(200);
    let back = browser.submit_sign_in(&page, ADA.username, ADA.password).await;
    assert_eq!(back.redirect(), request.path);

    let consent = browser.get(back.redirect()).await.expect(200);
    let form = consent.form("/oauth/authorize");
    assert_eq!(form.action, request.path);
    let answer = browser.submit(&form.press("decision", "approve")).await.answer_to(&app.redirect_uri);
    assert_eq!(answer.get("state"), Some("a+b %26=c/d?e;\u{e9}\u{20ac}"));
    assert_eq!(answer.get("iss"), Some(example.origin().as_str()));
    let tokens = Tokens::of(&app.exchange(answer.code(), &request.verifier).await);
    assert_eq!(app.call("/me", &tokens.access).await.text("name"), ADA.name);
}

#[tokio::test]
async fn a_long_request_comes_through_the_sign_in_whole_or_is_refused_at_once() {
    let example = Example::shared();
    let app = App::public(&example).await;
    for (length, must_work) in [(4_000, true), (8_000, false), (11_500, false), (13_000, false), (30_000, false)] {
        let request = app.request_with("links:read", &[("state", &"s".repeat(length))]);
        let mut browser = Browser::new(&example);
        let page = browser.visit(&request.path).await;
        if page.status != 200 {
            assert!(!must_work && page.status.is_client_error(), "{length}: {}", page.status);
            continue;
        }
        let back = browser.submit_sign_in(&page, ADA.username, ADA.password).await;
        assert_eq!(back.redirect(), request.path, "{length}");
        let form = browser.get(back.redirect()).await.form("/oauth/authorize").press("decision", "deny");
        let answer = browser.submit(&form).await.answer_to(&app.redirect_uri);
        assert_eq!(answer.get("state").map(str::len), Some(length));
    }
}

#[tokio::test]
async fn the_consent_page_says_who_asks_for_what_and_who_decides() {
    let example = Example::shared();
    let app = App::register(&example, json!({ "client_name": "Link Inspector" })).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let page = browser.get(&app.request("links:read links:write stats:read").path).await.expect(200);

    let words = page.texts("main").join(" ");
    // The name, that nobody checked it, the host that gets the answer, the account.
    for expected in ["Link Inspector", "Unverified app", "app.example", ADA.name, ADA.username] {
        assert!(words.contains(expected), "{expected} is missing in: {words}");
    }
    // Each scope in words beside its box, which is ticked at first.
    let form = page.form("/oauth/authorize");
    assert_eq!(form.values("scope").collect::<Vec<_>>(), ["links:read", "links:write", "stats:read"]);
    let labels = page.texts(".asks label");
    assert_eq!(labels.len(), 3);
    assert!(labels.iter().all(|label| label.split(' ').count() > 2), "{labels:?}");
    // To deny is as easy as to approve.
    let pressed: Vec<&str> = form.buttons.iter().map(|(_, value)| value.as_str()).collect();
    assert!(form.buttons.iter().all(|(name, _)| name == "decision"));
    assert!(pressed.len() == 2 && pressed.contains(&"approve") && pressed.contains(&"deny"), "{pressed:?}");
}

#[tokio::test]
async fn what_is_unticked_is_not_in_the_token() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read stats:read");
    let form = browser.get(&request.path).await.form("/oauth/authorize").untick("scope", "stats:read");
    let answer = browser.submit(&form.press("decision", "approve")).await.answer_to(&app.redirect_uri);

    let tokens = Tokens::of(&app.exchange(answer.code(), &request.verifier).await);
    assert_eq!(tokens.scope, "links:read");
    app.call("/links", &tokens.access).await.expect(200);
    app.call("/stats", &tokens.access).await.expect_error(403, "insufficient_scope");
    // A refresh does not bring it back.
    let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(tokens.scope, "links:read");
    app.call("/stats", &tokens.access).await.expect_error(403, "insufficient_scope");
}

#[tokio::test]
async fn with_everything_unticked_the_token_opens_nothing_but_the_name() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read");
    let form = browser.get(&request.path).await.form("/oauth/authorize").untick("scope", "links:read");
    let answer = browser.submit(&form.press("decision", "approve")).await.answer_to(&app.redirect_uri);
    // Whether that is a grant without scope or a refusal, links stay closed.
    if answer.get("error").is_none() {
        let reply = app.exchange(answer.code(), &request.verifier).await.expect(200);
        assert!(reply.json().get("scope").is_none(), "{reply:?}");
        let token = reply.text("access_token");
        assert_eq!(app.call("/me", &token).await.text("username"), ADA.username);
        app.call("/links", &token).await.expect_error(403, "insufficient_scope");
    } else {
        assert_eq!(answer.error(), "access_denied");
    }
}

#[tokio::test]
async fn a_denial_tells_the_app_so_and_nothing_else() {
    let example = Example::shared();
    let app = App::register(&example, json!({ "client_name": "Denied App" })).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read");
    let form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "deny");
    let answer = browser.submit(&form).await.answer_to(&app.redirect_uri);
    assert_eq!(answer.error(), "access_denied");
    assert_eq!(answer.get("state"), Some(request.state.as_str()));
    assert_eq!(answer.get("iss"), Some(example.origin().as_str()));
    assert!(!browser.get("/connected").await.body.contains("Denied App"));
    // It asks again next time.
    browser.get(&app.request("links:read").path).await.form("/oauth/authorize");
}

#[tokio::test]
async fn a_consent_is_remembered_for_what_it_covers() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    app.connect(&mut browser, "links:read stats:read").await;

    let request = app.request("links:read");
    let answer = browser.get(&request.path).await.answer_to(&app.redirect_uri);
    let tokens = Tokens::of(&app.exchange(answer.code(), &request.verifier).await);
    assert_eq!(tokens.scope, "links:read");
    // More than was granted, an app that insists, and another person are asked.
    browser.get(&app.request("links:read links:write").path).await.form("/oauth/authorize");
    browser.get(&app.request_with("links:read", &[("prompt", "consent")]).path).await.form("/oauth/authorize");
    let mut grace = Browser::signed_in(&example, GRACE).await;
    grace.get(&app.request("links:read").path).await.form("/oauth/authorize");
}

#[tokio::test]
async fn an_app_on_the_persons_own_computer_is_asked_about_every_time() {
    let example = Example::shared();
    let mut app = App::register(&example, json!({ "redirect_uris": ["http://127.0.0.1/cb"] })).await;
    // The port is chosen when the app runs (RFC 8252 §7.3).
    app.redirect_uri = "http://127.0.0.1:49153/cb".to_owned();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut browser, "links:read").await;
    assert_eq!(tokens.scope, "links:read");
    let page = browser.get(&app.request("links:read").path).await;
    page.form("/oauth/authorize");
    assert!(page.texts("main").join(" ").contains("127.0.0.1"));
}

#[tokio::test]
async fn an_app_that_wants_a_fresh_sign_in_gets_one() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request_with("links:read", &[("prompt", "login")]);
    let page = browser.visit(&request.path).await.expect(200);
    let back = browser.submit_sign_in(&page, ADA.username, ADA.password).await;
    let consent = browser.visit(back.redirect()).await;
    assert_eq!(consent.form("/oauth/authorize").action, request.path);
}

#[tokio::test]
async fn another_account_can_be_chosen_on_the_consent_page() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request("links:read");
    let page = browser.get(&request.path).await;
    let signed_out = browser.submit(&page.form("/signout")).await;
    let sign_in = browser.visit(signed_out.redirect()).await.expect(200);
    let back = browser.submit_sign_in(&sign_in, GRACE.username, GRACE.password).await;
    let consent = browser.visit(back.redirect()).await;
    assert!(consent.texts("main").join(" ").contains(GRACE.name));

    let form = consent.form("/oauth/authorize").press("decision", "approve");
    let answer = browser.submit(&form).await.answer_to(&app.redirect_uri);
    let tokens = Tokens::of(&app.exchange(answer.code(), &request.verifier).await);
    assert_eq!(app.call("/me", &tokens.access).await.text("username"), GRACE.username);
}

#[tokio::test]
async fn two_requests_in_two_tabs_do_not_mix() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let one = App::register(&example, json!({ "redirect_uris": ["https://one.example/cb"] })).await;
    let two = App::register(&example, json!({ "redirect_uris": ["https://two.example/cb"] })).await;
    let (first, second) = (one.request("links:read"), two.request("stats:read"));
    let first_page = browser.get(&first.path).await;
    let second_page = browser.get(&second.path).await;

    for (app, request, page, scope) in
        [(&two, &second, &second_page, "stats:read"), (&one, &first, &first_page, "links:read")]
    {
        let form = page.form("/oauth/authorize").press("decision", "approve");
        let answer = browser.submit(&form).await.answer_to(&app.redirect_uri);
        assert_eq!(answer.get("state"), Some(request.state.as_str()));
        assert_eq!(Tokens::of(&app.exchange(answer.code(), &request.verifier).await).scope, scope);
    }
}

#[tokio::test]
async fn the_demo_shows_the_whole_flow() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let start = browser.get("/demo").await.form("/demo/connect");
    let away = browser.submit(&start).await;
    let request = away.redirect().strip_prefix(&example.origin()).unwrap().to_owned();
    let form = browser.visit(&request).await.form("/oauth/authorize").untick("scope", "stats:read");
    let back = browser.submit(&form.press("decision", "approve")).await;
    let callback = back.redirect().strip_prefix(&example.origin()).unwrap().to_owned();

    let page = browser.visit(&callback).await.expect(200);
    assert!(html::select(&page.page(), "[role=status]").len() == 1);
    let calls = page.texts("article h3");
    let answered = |path: &str| calls.iter().find(|call| call.contains(path)).unwrap();
    assert!(answered("/api/v1/me").contains("200") && answered("/api/v1/links").contains("200"), "{calls:?}");
    assert!(answered("/api/v1/stats").contains("403"), "{calls:?}");
    // The code is not left in the address bar.
    assert_eq!(browser.get(&callback).await.redirect(), "/demo");
}

#[tokio::test]
async fn who_only_begins_at_the_demo_pushes_out_nobody_who_is_connected() {
    let example = Example::start();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let connect = browser.get("/demo").await.form("/demo/connect");
    let away = browser.submit(&connect).await;
    let request = away.redirect().strip_prefix(&example.origin()).unwrap().to_owned();
    let form = browser.visit(&request).await.form("/oauth/authorize").press("decision", "approve");
    let back = browser.submit(&form).await;
    browser.visit(back.redirect().strip_prefix(&example.origin()).unwrap()).await.expect(200);
    // Far more than the demo remembers at once.
    for _ in 0..1_200 {
        assert_eq!(raw::send(&example, raw::form("/demo/connect", "", "")).status, 303);
    }
    let page = browser.get("/demo").await;
    assert!(page.texts("article h3").iter().any(|call| call.contains("/api/v1/me")), "{page:?}");
}
