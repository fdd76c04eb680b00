//! Attacks on codes, tokens and the token endpoint that no other module tells of (protocol 14.2).

use std::collections::HashSet;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body::{Body, Frame, SizeHint};

use crate::support::{Answer, Form, SECRET, Setup, basic};

const FORM: &str = "application/x-www-form-urlencoded";

/// A body that arrives in pieces, declares what it likes, and may break off.
struct Pieces {
    left: usize,
    size: usize,
    declared: Option<u64>,
    breaks: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        if self.left == 0 {
            return Poll::Ready(self.breaks.then_some(Err("the connection broke")));
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; self.size])))))
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A body that nobody may read.
struct Untouched;

impl Body for Untouched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("the body was read")
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(1 << 30)
    }
}

async fn send<B: Body>(setup: &Setup, path: &str, body: B) -> Answer {
    let request = Request::post(path).header("content-type", FORM).header("authorization", basic("web", SECRET));
    Answer::from(setup.server.handle(request.body(body).unwrap()).await)
}

on_both_stores! {
    // ATK-042, ATK-050: whoever comes first, the second one ends it for both
    async fn a_thief_who_comes_first_is_cut_off_when_the_client_comes(setup) {
        let exchange = setup.exchange("pub", &setup.code("pub").await);
        let thiefs = setup.token(&exchange).await.expect_ok();
        let mut newest = setup.refreshed("pub", thiefs.text("refresh_token")).await;
        setup.token(&exchange).await.expect_error(400, "invalid_grant");
        assert!(!setup.is_accepted(newest.text("access_token")).await);
        assert!(!setup.can_refresh("pub", newest.text("refresh_token")).await);

        let tokens = setup.tokens("pub").await;
        newest = setup.refreshed("pub", tokens.text("refresh_token")).await;
        for _ in 0..3 {
            setup.clock.advance(Duration::from_mins(30));
            newest = setup.refreshed("pub", newest.text("refresh_token")).await;
        }
        assert!(!setup.can_refresh("pub", tokens.text("refresh_token")).await);
        assert!(!setup.is_accepted(newest.text("access_token")).await);
        assert!(!setup.can_refresh("pub", newest.text("refresh_token")).await);
    }

    // ATK-044
    async fn codes_cannot_be_guessed(setup) {
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let code = setup.code("pub").await;
            let random = code.strip_prefix("gr_ac_").expect("the prefix of codes").to_owned();
            assert_eq!(random.len(), 70);
            assert!(seen.insert(random));
        }
    }

    // ATK-048, HTTP-021, CLI-001: no path is cleaned up, and nothing is redirected
    async fn a_path_is_taken_as_it_is(setup) {
        let tokens = setup.tokens("web").await;
        for path in [
            "/oauth/token/",
            "/oauth//token",
            "/oauth/../oauth/token",
            "/oauth/./token",
            "/OAUTH/token",
            "/oauth/token%2F",
            "/oauth/t%6Fken",
            "/token",
            "/tenant1/oauth/token",
            "/oauth/token;x",
            "/oauth/revoke/",
            "/oauth/introspect/x",
            "/",
        ] {
            let form = setup.refresh("web", tokens.text("refresh_token"));
            let answer = setup.post(path, &form, None).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert!(answer.header("location").is_none(), "{path}");
            answer.expect_error(404, "invalid_request");
        }
        setup.refreshed("web", tokens.text("refresh_token")).await;
    }

    // HTTP-003, HTTP-017, ATK-079: nothing that a cache keeps or a link calls
    async fn only_post_is_answered(setup) {
        for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
            for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE] {
                let form = setup.exchange("web", &setup.code("web").await).and("token", "x");
                let uri = format!("{path}?{}", form.encode());
                let request =
                    Request::builder().method(&method).uri(uri).header("content-type", FORM).body(form.encode());
                let answer = setup.send(request.unwrap()).await;
                assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
                answer.expect_error(405, "invalid_request");
                setup.token(&form.without("token")).await.expect_ok();
            }
        }
    }

    // HTTP-004, ATK-069
    async fn what_is_in_the_address_is_not_looked_at(setup) {
        let form = setup.exchange("web", &setup.code("web").await);
        let post =
            |uri: String, body: String| setup.send(Request::post(uri).header("content-type", FORM).body(body).unwrap());
        let all = format!("/oauth/token?{}", form.encode());
        post(all, String::new()).await.expect_error(400, "invalid_request");
        let without_secret = form.clone().without("client_secret").encode();
        let answer = post(format!("/oauth/token?client_secret={SECRET}"), without_secret).await;
        answer.expect_error(401, "invalid_client");
        // Neither does it count as a second value.
        post("/oauth/token?client_secret=wrong&code=x&grant_type=foo".to_owned(), form.encode()).await.expect_ok();
    }

    // HTTP-005, ATK-068
    async fn only_a_form_that_says_so_is_a_form(setup) {
        let form = setup.exchange("web", &setup.code("web").await);
        let json = r#"{"grant_type":"client_credentials","client_id":"svc"}"#.to_owned();
        for (content_type, body) in [
            (Some("application/json"), form.encode()),
            (Some("text/plain"), form.encode()),
            (Some("multipart/form-data; boundary=x"), form.encode()),
            (Some("application/x-www-form-urlencoded-x"), form.encode()),
            (Some("application/json, application/x-www-form-urlencoded"), form.encode()),
            (Some(""), form.encode()),
            (None, form.encode()),
            (Some("application/json"), json.clone()),
        ] {
            let mut request = Request::post("/oauth/token");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            setup.send(request.body(body).unwrap()).await.expect_error(415, "invalid_request");
        }
        let twice =
            Request::post("/oauth/token").header("content-type", FORM).header("content-type", "application/json");
        setup.send(twice.body(form.encode()).unwrap()).await.expect_error(415, "invalid_request");
        let wrongly_named = Request::post("/oauth/token").header("content-type", FORM).body(json);
        setup.send(wrongly_named.unwrap()).await.expect_error(400, "invalid_request");
        let spelled =
            Request::post("/oauth/token").header("content-type", "Application/X-WWW-Form-Urlencoded;charset=UTF-8");
        setup.send(spelled.body(form.encode()).unwrap()).await.expect_ok();
    }

    // HTTP-013, ATK-070
    async fn a_body_is_refused_before_it_becomes_a_burden(setup) {
        for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
            send(&setup, path, Untouched).await.expect_error(413, "invalid_request");
            let endless = Pieces { left: usize::MAX, size: 1_024, declared: None, breaks: false };
            send(&setup, path, endless).await.expect_error(413, "invalid_request");
            let lying = Pieces { left: usize::MAX, size: 1_024, declared: Some(10), breaks: false };
            send(&setup, path, lying).await.expect_error(413, "invalid_request");
            let broken = Pieces { left: 3, size: 10, declared: None, breaks: true };
            send(&setup, path, broken).await.expect_error(400, "invalid_request");
            send(&setup, path, "x".repeat(1 << 20)).await.expect_error(413, "invalid_request");
            let many = (0..20_000).map(|n| format!("p{n}&")).collect::<String>();
            send(&setup, path, many[..60_000].to_owned()).await.expect_error(400, "invalid_request");
            let packed = Request::post(path).header("content-type", FORM).header("content-encoding", "gzip");
            setup.send(packed.body("x".to_owned()).unwrap()).await.expect_error(415, "invalid_request");
        }
        let long = "x".repeat(60_000);
        let form = Form::of(&[("token", &long)]);
        setup.post("/oauth/introspect", &form, Some(&basic("web", SECRET))).await.expect_ok();
        let form = setup.exchange("web", &setup.code("web").await);
        setup.token(&form.clone().set("code_verifier", &long)).await.expect_error(400, "invalid_request");
        setup.token(&form).await.expect_ok();
    }

    // ATK-056: more resources do not make more audience
    async fn an_audience_is_not_widened_by_naming_more(setup) {
        let tokens = setup.tokens_for("web", "read", &["https://api.test/two"]).await;
        let both = ["https://api.test/two", "https://api.test/one"];
        let form = setup.refresh("web", tokens.text("refresh_token"));
        let form = both.iter().fold(form, |form, resource| form.and("resource", resource));
        setup.token(&form).await.expect_error(400, "invalid_target");
        let next = setup.refreshed("web", tokens.text("refresh_token")).await;
        assert!(!setup.is_accepted(next.text("access_token")).await);
    }

    // ATK-055
    async fn what_the_exchange_adds_to_the_request_is_ignored(setup) {
        let form = setup.exchange("pub", &setup.code("pub").await);
        let form =
            form.and("scope", "admin").and("authorization_details", "[]").and("sub", "bob").and("subject", "bob");
        let tokens = setup.token(&form.and("expires_in", "999999").and("state", "x")).await.expect_ok();
        assert_eq!((tokens.text("scope"), &tokens.json["expires_in"]), ("read", &3_600.into()));
        assert!(tokens.json.get("authorization_details").is_none() && tokens.json.get("state").is_none());
        let access =
            setup.server.resource_server().verify(&crate::support::bearer(tokens.text("access_token"))).await.unwrap();
        assert_eq!(access.subject(), Some(&setup.alice));
    }

    // ATK-057: every credential works at its own place only
    async fn no_credential_is_taken_for_another(setup) {
        let (code, tokens) = (setup.code("web").await, setup.tokens("web").await);
        let [access, refresh] = ["access_token", "refresh_token"].map(|member| tokens.text(member));
        // A prefix is not enough to be something else.
        let renamed = |text: &str, from: &str, to: &str| text.replacen(from, to, 1);
        let as_code = [renamed(refresh, "gr_rt_", "gr_ac_"), renamed(access, "gr_at_", "gr_ac_")];
        for code in as_code.iter().map(String::as_str).chain([access, refresh, SECRET]) {
            setup.token(&setup.exchange("web", code)).await.expect_error(400, "invalid_grant");
        }
        let as_refresh = [renamed(&code, "gr_ac_", "gr_rt_"), renamed(access, "gr_at_", "gr_rt_")];
        for token in as_refresh.iter().map(String::as_str).chain([access, &code, SECRET]) {
            setup.token(&setup.refresh("web", token)).await.expect_error(400, "invalid_grant");
        }
        let as_access = [renamed(&code, "gr_ac_", "gr_at_"), renamed(refresh, "gr_rt_", "gr_at_")];
        for token in as_access.iter().map(String::as_str).chain([refresh, &code, SECRET]) {
            assert!(!setup.is_accepted(token).await, "{token}");
        }
        for secret in [access, refresh, &code] {
            let form = Form::of(&[("token", "x"), ("client_id", "web"), ("client_secret", secret)]);
            setup.post("/oauth/introspect", &form, None).await.expect_error(401, "invalid_client");
        }
        setup.token(&setup.exchange("web", &code)).await.expect_ok();
        setup.refreshed("web", refresh).await;
    }
}
