//! CORS: browser clients reach what is theirs, with every answer, and no page.

use grantor::configuration::ProtectedResource;
use grantor::{AuthorizationServerBuilder, Visitor, page_headers};
use http::{Method, Request};
use serde_json::json;

use crate::support::{Answer, Form, Setup};

const SERVER: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource/mcp";
const ORIGINS: [&str; 5] =
    ["https://app.test", "https://any.test", "https://app.test.evil.test", "http://app.test:444", "null"];

fn configure(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder.resource(ProtectedResource::new("https://as.test/mcp".parse().unwrap()))
}

async fn send(setup: &Setup, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    setup.send(request.body(body.to_owned()).unwrap()).await
}

async fn preflight(setup: &Setup, path: &str, method: &str, headers: &str) -> Answer {
    let asked = [
        ("origin", "https://app.test"),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ];
    send(setup, Method::OPTIONS, path, &asked, "").await
}

/// Whether a list in a header has this entry.
fn lists(answer: &Answer, header: &str, entry: &str) -> bool {
    let list = answer.header(header).unwrap_or_default();
    list.split(',').any(|own| own.trim().eq_ignore_ascii_case(entry))
}

/// Open to every origin, without credentials, and with what a client needs to read of an error.
#[track_caller]
fn expect_open(answer: &Answer, what: &str) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{what}: {answer:?}");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{what}: {answer:?}");
    for header in ["WWW-Authenticate", "Retry-After"] {
        assert!(lists(answer, "access-control-expose-headers", header), "{what}: {answer:?}");
    }
}

#[track_caller]
fn expect_closed(answer: &Answer, what: &str) {
    let cors: Vec<_> = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
    assert!(cors.is_empty(), "{what}: {answer:?}");
}

// CORS-001, CORS-002, CORS-007, CORS-011, CORS-015, META-030, PRM-014, DCR-035, CLI-061
#[tokio::test]
async fn every_origin_may_call_what_browser_clients_need() {
    let setup = Setup::memory_with(configure).await;
    let form = "application/x-www-form-urlencoded";
    let registration = crate::registration::public().to_string();
    for origin in ORIGINS {
        let tokens = setup.tokens("pub").await;
        let refresh = setup.refresh("pub", tokens.text("refresh_token")).encode();
        let revoke = Form::of(&[("token", "x"), ("client_id", "pub")]).encode();
        for (method, path, content_type, body, status) in [
            (Method::GET, SERVER, "", "", 200),
            (Method::GET, RESOURCE, "", "", 200),
            (Method::POST, "/oauth/token", form, refresh.as_str(), 200),
            (Method::POST, "/oauth/revoke", form, revoke.as_str(), 200),
            (Method::POST, "/oauth/register", "application/json", registration.as_str(), 201),
        ] {
            let answer = send(&setup, method, path, &[("origin", origin), ("content-type", content_type)], body).await;
            assert_eq!(answer.status, status, "{path} from {origin}: {answer:?}");
            expect_open(&answer, path);
        }
    }
}

// CORS-003, CORS-005, CORS-006, CORS-014, META-030, PRM-014; oauth-as answers 405
#[tokio::test]
async fn a_preflight_is_answered_without_authentication_body_or_side_effect() {
    let setup = Setup::memory_with(configure).await;
    for (path, method) in [
        ("/oauth/token", "POST"),
        ("/oauth/revoke", "POST"),
        ("/oauth/register", "POST"),
        ("/oauth/register/client_x", "GET"),
        ("/oauth/register/client_x", "PUT"),
        ("/oauth/register/client_x", "DELETE"),
        (SERVER, "GET"),
        (RESOURCE, "GET"),
        ("/.well-known/oauth-authorization-server/tenant1", "GET"),
        ("/.well-known/oauth-protected-resource/nope", "GET"),
        ("/.well-known/openid-configuration", "GET"),
    ] {
        let asked = ["authorization", "content-type", "accept", "dpop", "mcp-protocol-version"];
        let answer = preflight(&setup, path, method, &asked.join(", ")).await;
        assert!(matches!(answer.status.as_u16(), 200 | 204), "{path}: {answer:?}");
        assert_eq!(answer.body, "", "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        assert!(lists(&answer, "access-control-allow-methods", method), "{path} {method}: {answer:?}");
        for header in asked {
            assert!(lists(&answer, "access-control-allow-headers", header), "{path} {header}: {answer:?}");
        }
        assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{path}");
        let age: u32 = answer.header("access-control-max-age").unwrap().parse().unwrap();
        assert!(age <= 86_400, "{path}: {age}");
    }
}

// CORS-003: a preflight that carries a whole request does nothing with it.
#[tokio::test]
async fn a_preflight_spends_nothing() {
    for setup in Setup::both_with(configure).await {
        let code = setup.code("pub").await;
        let body = setup.exchange("pub", &code).encode();
        for _ in 0..6 {
            send(
                &setup,
                Method::OPTIONS,
                "/oauth/token",
                &[("content-type", "application/x-www-form-urlencoded")],
                &body,
            )
            .await;
        }
        setup.token(&setup.exchange("pub", &code)).await.expect_ok();
    }
}

// CORS-008, CORS-009, CORS-016, HTTP-017
#[tokio::test]
async fn an_error_has_the_same_headers_as_a_success_and_is_the_same_without_an_origin() {
    let setup = Setup::memory_with(configure).await;
    let form = "application/x-www-form-urlencoded";
    let wrong = setup.identify("web", Form::of(&[("token", "x")])).set("client_secret", "wrong").encode();
    let large = "a".repeat(70_000);
    for (method, path, content_type, body, status) in [
        (Method::POST, "/oauth/token", form, "", 400),
        (Method::POST, "/oauth/token", form, "grant_type=password", 400),
        (Method::POST, "/oauth/revoke", form, wrong.as_str(), 401),
        (Method::GET, "/oauth/register/client_x", "", "", 401),
        (Method::GET, "/.well-known/nope", "", "", 404),
        (Method::POST, "/oauth/token/", form, "", 404),
        (Method::GET, "/oauth/token", "", "", 405),
        (Method::POST, SERVER, form, "", 405),
        (Method::POST, "/oauth/token", form, large.as_str(), 413),
        (Method::POST, "/oauth/register", "application/json", large.as_str(), 413),
        (Method::POST, "/oauth/token", "application/json", "{}", 415),
        (Method::POST, "/oauth/register", form, "", 415),
    ] {
        let content_type = ("content-type", content_type);
        let with = send(&setup, method.clone(), path, &[content_type, ("origin", "https://app.test")], body).await;
        assert_eq!(with.status, status, "{method} {path}: {with:?}");
        expect_open(&with, path);
        assert_eq!(with.header("content-type"), Some("application/json"), "{method} {path}");
        let without = send(&setup, method.clone(), path, &[content_type], body).await;
        assert_eq!(
            (with.status, &with.headers, &with.body),
            (without.status, &without.headers, &without.body),
            "{method} {path}"
        );
    }
}

// CORS-012
#[tokio::test]
async fn introspection_is_closed_to_scripts() {
    let setup = Setup::memory().await;
    let form = setup.identify("web", Form::of(&[("token", "x")]));
    let headers = [("origin", "https://app.test"), ("content-type", "application/x-www-form-urlencoded")];
    let answer = send(&setup, Method::POST, "/oauth/introspect", &headers, &form.encode()).await;
    assert_eq!(answer.json, json!({ "active": false }));
    expect_closed(&answer, "introspection");
    expect_closed(&send(&setup, Method::POST, "/oauth/introspect", &headers, "").await, "a refused introspection");
    expect_closed(&preflight(&setup, "/oauth/introspect", "POST", "authorization").await, "its preflight");
}

// AUTHZ-005, CORS-004
#[tokio::test]
async fn the_authorization_endpoint_is_closed_to_scripts() {
    let setup = Setup::memory().await;
    expect_closed(&setup.approve(&setup.request("pub")).await, "a code");
    expect_closed(&setup.approve(&setup.request("pub").set("scope", "bogus")).await, "an error");
    let error = setup.pending(&setup.request("nope")).await.unwrap_err();
    expect_closed(&setup.answer(error, Visitor::SignedIn), "a page");
    assert!(page_headers().iter().all(|(name, _)| !name.as_str().starts_with("access-control-")));

    // A host that hands everything to `handle` must not open its page by that.
    for method in [Method::GET, Method::POST] {
        let answer = send(&setup, method.clone(), "/oauth/authorize", &[("origin", "https://app.test")], "").await;
        assert_eq!(answer.status, 404, "{method}");
        expect_closed(&answer, "the path of the page");
    }
    expect_closed(&preflight(&setup, "/oauth/authorize", "GET", "authorization").await, "the preflight of the page");
}

// CORS-010: what does not depend on the origin must not be stored apart for each.
#[tokio::test]
async fn nothing_varies_with_the_origin() {
    let setup = Setup::memory_with(configure).await;
    for path in [SERVER, RESOURCE] {
        let mut answers = Vec::new();
        for origin in ORIGINS {
            let answer = send(&setup, Method::GET, path, &[("origin", origin)], "").await;
            assert!(
                !answer.headers.values().any(|value| value.as_bytes() == origin.as_bytes()),
                "{origin} is reflected"
            );
            answers.push((answer.headers, answer.body));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{path}");
    }
}
