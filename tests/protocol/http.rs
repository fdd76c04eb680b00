//! HTTP: methods, media types, encodings, and answers that are JSON whatever happens.

use std::sync::Arc;

use grantor::configuration::{ConfigurationError, EndpointPaths};
use grantor::store::{MemoryLimits, MemoryStore};
use http::{Method, Request};

use crate::authorization_errors::{on_a_file, spoil};
use crate::browser::expect_page;
use crate::registration::{public, register};
use crate::support::{Answer, Form, Setup, Start};

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const POSTED: [&str; 4] = ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/register"];

pub async fn send(setup: &Setup, method: &str, uri: &str, content_type: &str, body: &str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut request = Request::builder().method(method).uri(uri);
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    setup.send(request.body(body.to_owned()).unwrap()).await
}

on_both_stores! {
    // HTTP-003, HTTP-022
    async fn an_endpoint_that_takes_posts_takes_nothing_else(setup) {
        let code = setup.code("pub").await;
        let exchange = setup.exchange("pub", &code).encode();
        for path in POSTED {
            for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "post", "FOO"] {
                let answer = send(&setup, method, &format!("{path}?{exchange}"), FORM, &exchange).await;
                assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "{method} {path}");
                assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
            }
        }
        setup.token(&setup.exchange("pub", &code)).await.expect_ok();
    }

    // HTTP-004
    async fn nothing_in_the_url_of_a_post_is_honoured(setup) {
        let code = setup.code("web").await;
        let exchange = setup.exchange("web", &code);
        send(&setup, "POST", &format!("/oauth/token?{}", exchange.encode()), FORM, "")
            .await
            .expect_error(400, "invalid_request");
        for ignored in ["client_secret=wrong", "client_id=other", "code=x", "grant_type=refresh_token", "%ZZ"] {
            let code = setup.code("web").await;
            let body = setup.exchange("web", &code).encode();
            send(&setup, "POST", &format!("/oauth/token?{ignored}"), FORM, &body).await.expect_ok();
        }
        let token = setup.identify("web", Form::of(&[("token", "x")])).encode();
        send(&setup, "POST", &format!("/oauth/introspect?{token}"), FORM, "").await.expect_error(401, "invalid_client");
        send(&setup, "POST", &format!("/oauth/revoke?{token}"), FORM, "").await.expect_error(401, "invalid_client");
        setup.token(&exchange).await.expect_ok();
    }

    // HTTP-005
    async fn a_form_is_read_from_its_own_media_type_only(setup) {
        for content_type in [
            "Application/X-WWW-Form-Urlencoded;charset=UTF-8",
            "application/x-www-form-urlencoded ; charset=utf-8",
            FORM,
        ] {
            let body = setup.exchange("pub", &setup.code("pub").await).encode();
            send(&setup, "POST", "/oauth/token", content_type, &body).await.expect_ok();
        }
        let code = setup.code("pub").await;
        let body = setup.exchange("pub", &code).encode();
        for content_type in [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencodedx",
            "application/xml",
            "application/json, application/x-www-form-urlencoded",
            "x",
            "",
        ] {
            let answer = send(&setup, "POST", "/oauth/token", content_type, &body).await;
            assert!(matches!(answer.status.as_u16(), 400 | 415), "{content_type}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{content_type}");
            assert!(
                answer.json["error"].is_string() && answer.json.get("access_token").is_none(),
                "{content_type}: {answer:?}"
            );
        }
        let twice = Request::post("/oauth/token").header("content-type", "text/plain").header("content-type", FORM);
        assert!(
            matches!(setup.send(twice.body(body.clone()).unwrap()).await.status.as_u16(), 400 | 415),
            "two content types"
        );
        let gzip = Request::post("/oauth/token").header("content-type", FORM).header("content-encoding", "gzip");
        assert!(matches!(setup.send(gzip.body(body).unwrap()).await.status.as_u16(), 400 | 415), "a compressed body");
        setup.token(&setup.exchange("pub", &code)).await.expect_ok();
    }

    // HTTP-007
    async fn a_form_that_cannot_be_decoded_is_refused_and_not_mended(setup) {
        let code = setup.code("pub").await;
        let good = setup.exchange("pub", &code).encode();
        for bad in ["client_id=%ZZ", "state=%", "foo=%4", "foo=%FF%FE", "foo=%00", "%FF=1", "foo=%C3%28"] {
            for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
                let body = format!("{good}&{bad}");
                send(&setup, "POST", path, FORM, &body).await.expect_error(400, "invalid_request");
            }
        }
        let many = format!("{good}{}", "&foo=1".repeat(200));
        send(&setup, "POST", "/oauth/token", FORM, &many).await.expect_error(400, "invalid_request");
        setup.token(&setup.exchange("pub", &code)).await.expect_ok();
    }

    // HTTP-008, HTTP-009, HTTP-011
    async fn empty_and_unknown_parameters_do_no_harm(setup) {
        let exchange = setup.exchange("pub", &setup.code("pub").await);
        let form =
            exchange.set("redirect_uri", "").and("client_secret", "").and("scope", "").and("foo", "1").and("foo", "2");
        setup.token(&form.and("Code", "x").and("", "y")).await.expect_ok();
    }

    // HTTP-010, HTTP-012; oauth-as takes the first of two
    async fn a_repeated_parameter_is_refused_and_names_have_a_case(setup) {
        let code = setup.code("pub").await;
        let exchange = setup.exchange("pub", &code);
        for name in ["grant_type", "code", "client_id", "redirect_uri", "code_verifier"] {
            let same = exchange.get(name).unwrap().to_owned();
            for value in [same.as_str(), "other", ""] {
                setup.token(&exchange.clone().and(name, value)).await.expect_error(400, "invalid_request");
            }
        }
        for path in ["/oauth/revoke", "/oauth/introspect"] {
            let form = setup.identify("web", Form::of(&[("token", "x"), ("token", "x")]));
            setup.post(path, &form, None).await.expect_error(400, "invalid_request");
        }
        let renamed = exchange.clone().without("grant_type").and("Grant_Type", "authorization_code");
        setup.token(&renamed).await.expect_error(400, "invalid_request");
        let shouted = exchange.clone().set("grant_type", "AUTHORIZATION_CODE");
        setup.token(&shouted).await.expect_error(400, "unsupported_grant_type");
        setup.token(&exchange).await.expect_ok();
    }

    // HTTP-013
    async fn a_query_has_a_size_limit(setup) {
        let query = setup.request("pub").and("foo", &"a".repeat(64 * 1024));
        let answer = setup.approve(&query).await;
        expect_page(&answer, 414, &"64 KiB");
        let query = setup.request("pub").and("foo", &"a".repeat(16 * 1024));
        assert_eq!(setup.approve(&query).await.status, 303);
        let many = (0..250).fold(setup.request("pub"), |request, number| request.and(&format!("x{number}"), "1"));
        expect_page(&setup.approve(&many).await, 400, &"250 parameters");
    }

    // HTTP-014, HTTP-015
    async fn urls_come_from_the_configuration_and_not_from_the_request(setup) {
        let request = Request::post("https://evil.test/oauth/register").header("content-type", "application/json");
        let request = request
            .header("host", "evil.test")
            .header("x-forwarded-host", "evil.test")
            .header("forwarded", "host=evil.test");
        let answer = setup.send(request.body(public().to_string()).unwrap()).await;
        assert!(answer.text("registration_client_uri").starts_with("https://as.test/oauth/register/"), "{answer:?}");
        assert!(!answer.body.contains("evil.test"), "{answer:?}");
    }

    // HTTP-016, HTTP-019
    async fn what_holds_secrets_or_personal_data_is_not_stored(setup) {
        let tokens = setup.tokens("web").await;
        let described = setup
            .post(
                "/oauth/introspect",
                &setup.identify("web", Form::of(&[("token", tokens.text("access_token"))])),
                None,
            )
            .await;
        let registered = register(&setup, &public()).await;
        let redirected = setup.approve(&setup.request("pub")).await;
        for answer in [tokens, described, registered, redirected] {
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
            let members = answer.json.as_object();
            assert!(
                members.is_none_or(|members| members.values().all(|value| !value.is_null() && value != "")),
                "{answer:?}"
            );
        }
    }

    // HTTP-018
    async fn a_description_keeps_to_its_characters(setup) {
        for bad in ["\"", "\\", "\n", "é", "<script>alert(1)</script>", "\u{7f}"] {
            for name in ["grant_type", "scope", "refresh_token", "resource", "client_id"] {
                let form = setup.refresh("web", "x").set(name, bad);
                let answer = setup.token(&form).await;
                let (status, code) = (answer.status.as_u16(), answer.text("error").to_owned());
                // `expect_error` looks at every character of the description.
                let answer = answer.expect_error(status, &code);
                assert!(!answer.text("error_description").contains("script"), "{name} {bad:?}: {answer:?}");
            }
        }
    }

    // HTTP-020
    async fn an_answer_is_json_whatever_the_client_would_accept(setup) {
        for accept in ["text/html", FORM, "application/xml", "*/*", "text/json", "image/png;q=1"] {
            let body = setup.exchange("pub", &setup.code("pub").await).encode();
            for body in [body.as_str(), "grant_type=password"] {
                let request = Request::post("/oauth/token").header("content-type", FORM).header("accept", accept);
                let answer = setup.send(request.body(body.to_owned()).unwrap()).await;
                assert_eq!(answer.header("content-type"), Some("application/json"), "{accept}");
            }
        }
    }

    // HTTP-021, CLI-001
    async fn no_path_is_redirected_to_another(setup) {
        let code = setup.code("pub").await;
        let body = setup.exchange("pub", &code).encode();
        for path in POSTED {
            for other in [
                format!("{path}/"),
                format!("/{path}"),
                path.to_uppercase(),
                format!("{path}//"),
                format!("/oauth/.{}", &path[6..]),
                path[6..].to_owned(),
            ] {
                let answer = send(&setup, "POST", &other, FORM, &body).await;
                let managed = other.starts_with("/oauth/register/");
                assert!(answer.status == 404 || (managed && answer.status == 405), "{other}: {answer:?}");
                assert!(!answer.headers.contains_key("location"), "{other}: {answer:?}");
                assert_eq!(answer.header("content-type"), Some("application/json"), "{other}");
            }
        }
        setup.token(&setup.exchange("pub", &code)).await.expect_ok();
    }
}

// HTTP-002
#[tokio::test]
async fn an_endpoint_url_has_neither_query_nor_fragment() {
    for path in [
        "/token?tenant=a",
        "/token#x",
        "token",
        "/token/",
        "",
        "/to ken",
        "https://evil.test/token",
        "/token\\",
        "/t\u{f6}ken",
        "/\"token",
    ] {
        let issuer = grantor::Issuer::parse("https://as.test").unwrap();
        let builder = grantor::AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new()));
        let built = builder.paths(EndpointPaths::under("/oauth").with_token(path)).build();
        assert!(matches!(built, Err(ConfigurationError::Path(_))), "{path:?}: {built:?}");
    }
}

// HTTP-017, LOG-008
#[tokio::test]
async fn a_failed_store_is_told_in_json_and_in_general_words() {
    let (setup, url) = on_a_file().await;
    let form = setup.identify("web", Form::of(&[("token", "x"), ("grant_type", "client_credentials")]));
    spoil(&url, "ALTER TABLE grantor_clients RENAME TO lost").await;
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect"] {
        let answer = setup.post(path, &form, None).await.expect_error(500, "server_error");
        for told in ["SELECT", "sqlite", "grantor_clients", "lost", "src/", "panicked"] {
            assert!(!answer.body.contains(told), "{path}: {answer:?}");
        }
    }
    register(&setup, &public()).await.expect_error(500, "server_error");
}

// HTTP-023
#[tokio::test]
async fn a_store_that_cannot_answer_now_is_a_503_that_says_when_to_come_back() {
    let store = Arc::new(MemoryStore::with_limits(MemoryLimits::new().with_tokens(1).with_clients(10)));
    let setup = Setup::start(Start::Memory(store), |builder| builder).await;
    let exchange = setup.exchange("pub", &setup.code("pub").await);
    for answer in [setup.token(&exchange).await, register(&setup, &public()).await] {
        let answer = answer.expect_error(503, "temporarily_unavailable");
        let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(seconds > 0, "{answer:?}");
    }
}
