//! HTTP itself: methods, sizes, encodings, cross-origin rules, and who decides what the service is called.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::support::raw::{self, form};
use super::support::{ADA, App, Browser, Example, Reply, Tokens, http_client};

const METADATA: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const ORIGIN: (&str, &str) = ("origin", "https://app.example");
const REFUSED: &str = "grant_type=authorization_code&client_id=demo&code=x&code_verifier=x";

async fn send(request: RequestBuilder) -> Reply {
    Reply::of(request.send().await.unwrap()).await
}

fn request(example: &Example, method: Method, path: &str) -> RequestBuilder {
    http_client().request(method, example.url(path))
}

#[tokio::test]
async fn what_clients_call_can_be_called_from_any_web_page_even_when_it_fails() {
    let example = Example::shared();
    let json = |method: Method, path: &str, body: &'static str| {
        request(&example, method, path).header("content-type", "application/json").body(body)
    };
    let urlencoded = |path: &str, body: String| {
        request(&example, Method::POST, path).header("content-type", "application/x-www-form-urlencoded").body(body)
    };
    for (status, request) in [
        (200, request(&example, Method::GET, METADATA)),
        (200, request(&example, Method::GET, RESOURCE)),
        (404, request(&example, Method::GET, "/.well-known/oauth-authorization-server/no/such/tenant")),
        (400, urlencoded("/oauth/token", REFUSED.to_owned())),
        (401, urlencoded("/oauth/token", REFUSED.replace("demo", "nobody"))),
        (405, request(&example, Method::GET, "/oauth/token")),
        (413, urlencoded("/oauth/token", "a=".repeat(1 << 19))),
        (415, json(Method::POST, "/oauth/token", "{}")),
        (401, urlencoded("/oauth/revoke", "token=x".to_owned())),
        (400, json(Method::POST, "/oauth/register", "[]")),
        (405, request(&example, Method::DELETE, "/oauth/register")),
        (401, request(&example, Method::GET, "/oauth/register/nobody")),
    ] {
        let reply = send(request.header(ORIGIN.0, ORIGIN.1)).await;
        // A media type that is not a form may be called 400 or 415.
        assert!(reply.status == status || (status == 415 && reply.status == 400), "{status}: {reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{reply:?}");
        assert!(reply.header("access-control-expose-headers").unwrap().contains("WWW-Authenticate"));
        assert!(!reply.headers.contains_key("access-control-allow-credentials"), "{reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{reply:?}");
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body["error"].is_string(), status >= 400, "{reply:?}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_without_asking_who_it_is() {
    let example = Example::shared();
    for (path, method) in [
        ("/oauth/token", "POST"),
        ("/oauth/revoke", "POST"),
        ("/oauth/register", "POST"),
        ("/oauth/register/nobody", "PUT"),
        (METADATA, "GET"),
        (RESOURCE, "GET"),
        ("/.well-known/oauth-protected-resource/mcp", "GET"),
    ] {
        let asked = "authorization, content-type, mcp-protocol-version, accept";
        let preflight = request(&example, Method::OPTIONS, path)
            .header(ORIGIN.0, ORIGIN.1)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", asked);
        let reply = send(preflight).await;
        assert!([200, 204].contains(&reply.status.as_u16()), "{path}: {reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        assert!(reply.header("access-control-allow-methods").unwrap().contains(method), "{path}: {reply:?}");
        let allowed = reply.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        assert!(asked.split(", ").all(|name| allowed.split(',').any(|own| own.trim() == name)), "{path}: {allowed}");
        let age = reply.header("access-control-max-age").map_or(0, |age| age.parse::<u32>().unwrap());
        assert!(age <= 86_400 && !reply.headers.contains_key("www-authenticate"), "{reply:?}");
    }
}

#[tokio::test]
async fn pages_and_introspection_are_out_of_reach_for_other_sites() {
    let example = Example::shared();
    let demo = App::known(&example, "demo", &example.url("/demo/callback"));
    let consent = demo.request("links:read").path;
    for path in ["/", "/signin", "/connected", "/demo", "/nosuch", "/oauth/introspect", consent.as_str()] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let request = request(&example, method, path)
                .header(ORIGIN.0, ORIGIN.1)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization");
            let reply = send(request).await;
            let cors = reply.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(cors, None, "{path}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_request_without_an_origin_gets_the_same_answer() {
    let example = Example::shared();
    let form = |origin: Option<&str>| {
        let request = request(&example, Method::POST, "/oauth/token");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(REFUSED);
        origin.iter().fold(request, |request, origin| request.header("origin", *origin))
    };
    let plain = send(form(None)).await;
    for origin in ["https://app.example", "null"] {
        let reply = send(form(Some(origin))).await;
        assert_eq!((reply.status, &reply.body), (plain.status, &plain.body));
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    }
}

#[tokio::test]
async fn a_method_that_an_endpoint_does_not_have_is_a_405_that_says_which_it_has() {
    let example = Example::shared();
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/register"] {
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH] {
            let reply = send(request(&example, method.clone(), path)).await.expect(405);
            assert_eq!(reply.header("allow"), Some("POST"), "{method} {path}");
            if method != Method::HEAD {
                assert!(reply.json()["error"].is_string());
            }
        }
    }
    let reply = send(request(&example, Method::POST, METADATA)).await.expect(405);
    assert!(reply.header("allow").unwrap().split(", ").any(|method| method == "GET"));
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let reply = send(request(&example, method, "/oauth/authorize")).await.expect_error_page(405);
        assert_eq!(reply.header("allow"), Some("GET, POST"));
    }
    let head = send(request(&example, Method::HEAD, "/oauth/authorize")).await.expect(405);
    assert_eq!(head.header("allow"), Some("GET, POST"));
    let reply = send(request(&example, Method::PUT, "/")).await.expect_error_page(405);
    assert!(reply.header("allow").unwrap().contains("GET"), "{reply:?}");
}

#[tokio::test]
async fn head_answers_like_get_without_a_body_and_never_makes_a_code() {
    let example = Example::shared();
    for path in [METADATA, RESOURCE, "/", "/signin"] {
        let get = send(request(&example, Method::GET, path)).await.expect(200);
        let head = send(request(&example, Method::HEAD, path)).await.expect(200);
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        // The length may be left out, but it must not be a wrong one (RFC 9110 §8.6).
        let length = head.header("content-length");
        assert!(length.is_none_or(|length| length == get.body.len().to_string()), "{path}: {length:?}");
    }
    let mut browser = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    app.connect(&mut browser, "links:read").await;
    let remembered = app.request("links:read").path;
    let cookie = format!("snip={}", browser.cookie("snip").unwrap());
    let head = send(request(&example, Method::HEAD, &remembered).header("cookie", cookie)).await;
    assert!([200, 405].contains(&head.status.as_u16()) && !head.headers.contains_key("location"), "{head:?}");
    browser.get(&remembered).await.answer_to(&app.redirect_uri).code();
}

#[tokio::test]
async fn a_trailing_slash_is_another_address_and_no_protocol_address_redirects() {
    let example = Example::shared();
    for path in
        ["/oauth/token/", "/oauth/revoke/", "/oauth/introspect/", "/oauth/register/", "/oauth//token", "/OAUTH/TOKEN"]
    {
        let request = request(&example, Method::POST, path);
        let reply = send(request.header("content-type", "application/x-www-form-urlencoded").body(REFUSED)).await;
        assert!(
            [404, 405].contains(&reply.status.as_u16()) && !reply.headers.contains_key("location"),
            "{path}: {reply:?}"
        );
    }
    for path in
        ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/x", "/.well-known/nothing"]
    {
        let reply = send(request(&example, Method::GET, path)).await;
        assert_eq!(reply.status, 404, "{path}: a client goes on to the next address on a 404 only");
        assert!(!reply.headers.contains_key("location"));
    }
}

#[tokio::test]
async fn no_header_changes_what_the_service_is_called() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    app.connect(&mut browser, "links:read").await;
    let cookie = format!("snip={}", browser.cookie("snip").unwrap());
    let authorize = app.request("links:read").path;
    let plain = send(request(&example, Method::GET, METADATA)).await.body;
    for spoofed in [
        "Host: evil.example",
        "Host: 127.0.0.1\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /evil.example",
        "Host: 127.0.0.1\r\nForwarded: host=evil.example;proto=https",
        "Host: 127.0.0.1\r\nX-Original-URL: /evil.example\r\nX-Rewrite-URL: /evil.example",
    ] {
        let get = |target: &str, headers: &str| {
            raw::send(&example, format!("GET {target} HTTP/1.1\r\n{spoofed}\r\nConnection: close\r\n{headers}\r\n"))
        };
        assert_eq!(get(METADATA, "").body, plain, "{spoofed}");
        for target in [RESOURCE, "/api/v1/me", "/connected", "/", authorize.as_str()] {
            let reply = get(target, "");
            assert!(
                !reply.head.contains("evil.example") && !reply.body.contains("evil.example"),
                "{spoofed}: {reply:?}"
            );
        }
        let answer = get(&authorize, &format!("Cookie: {cookie}\r\n"));
        let location = answer.header("location").unwrap();
        assert!(location.starts_with(&app.redirect_uri) && !location.contains("evil.example"), "{spoofed}: {location}");
    }
    // The absolute form of a request target names a host too.
    let absolute =
        format!("GET http://evil.example{METADATA} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    let reply = raw::send(&example, absolute);
    assert!(!reply.body.contains("evil.example") && !reply.head.contains("evil.example"), "{reply:?}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_service_goes_on() {
    let example = Example::shared();
    for path in ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/register", "/signin", "/oauth/authorize"]
    {
        let media_type =
            if path == "/oauth/register" { "application/json" } else { "application/x-www-form-urlencoded" };
        let declared = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Content-Length: {}\r\n\r\n{}",
            1 << 20,
            "a".repeat(1 << 20)
        );
        assert_eq!(raw::send(&example, declared).status, 413, "{path}");
        // Without a length, it counts what arrives.
        let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, "a".repeat(1 << 16));
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
            chunk.repeat(16)
        );
        assert_eq!(raw::send(&example, chunked).status, 413, "{path}, chunked");
    }
    // A huge length that was only declared is refused before any of it arrives.
    let boast = "POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000000000\r\n\r\n";
    assert_eq!(raw::send(&example, boast).status, 413);
    for path in ["/oauth/authorize", "/signin", "/"] {
        let query = "x".repeat(1 << 16);
        let request = format!("GET {path}?state={query} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let reply = raw::send(&example, request);
        // The front page does not look at its query; the HTTP library's own limit is a 431.
        assert!(
            [400, 414, 431].contains(&reply.status) || (path != "/oauth/authorize" && reply.status == 200),
            "{path}: {reply:?}"
        );
    }
    send(request(&example, Method::GET, METADATA)).await.expect(200);
}

#[tokio::test]
async fn a_body_without_a_length_and_a_body_in_pieces_work() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut browser, "links:read").await;
    let body = format!("grant_type=refresh_token&refresh_token={}&client_id={}", tokens.refresh, app.id);
    let pieces: String = body
        .as_bytes()
        .chunks(7)
        .map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), std::str::from_utf8(piece).unwrap()))
        .collect();
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
         Content-Type: Application/X-WWW-Form-Urlencoded;charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n{pieces}0\r\n\r\n"
    );
    let reply = raw::send(&example, request);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.body.contains("access_token"));
}

#[tokio::test]
async fn a_compressed_or_wrongly_labelled_body_is_refused_and_spends_nothing() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let (code, verifier) = app.code(&mut browser, "links:read").await;
    let body = format!("grant_type=authorization_code&client_id={}&code={code}&code_verifier={verifier}", app.id);
    for headers in [
        &[("content-type", "application/x-www-form-urlencoded"), ("content-encoding", "gzip")][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/json")],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[],
    ] {
        let request = request(&example, Method::POST, "/oauth/token").body(body.clone());
        let reply = send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await;
        assert!([400, 415].contains(&reply.status.as_u16()), "{headers:?}: {reply:?}");
        assert!(reply.json()["error"].is_string() && !reply.headers.contains_key("www-authenticate"));
    }
    // Everything in the address, nothing in the body.
    let query = request(&example, Method::POST, &format!("/oauth/token?{body}"));
    let query = query.header("content-type", "application/x-www-form-urlencoded");
    send(query).await.expect_error(400, "invalid_request");
    Tokens::of(&app.exchange(&code, &verifier).await);
}

#[tokio::test]
async fn a_client_that_names_itself_twice_is_nobody() {
    let example = Example::shared();
    let basic = "Authorization: Basic ZGVtbzp4\r\n";
    let reply = raw::send(&example, form("/oauth/token", &format!("{basic}{basic}"), "grant_type=client_credentials"));
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(reply.body.contains("invalid_request"));
    let body = "grant_type=client_credentials&client_id=demo&client_secret=x";
    let reply = raw::send(&example, form("/oauth/token", basic, body));
    assert_eq!(reply.status, 400, "{reply:?}");
    assert!(reply.body.contains("invalid_request"));
}

#[tokio::test]
async fn a_json_endpoint_answers_json_whatever_is_preferred() {
    let example = Example::shared();
    for accept in ["text/html", "application/x-www-form-urlencoded", "image/png"] {
        let request = request(&example, Method::POST, "/oauth/token").header("accept", accept);
        let reply = send(request.header("content-type", "application/x-www-form-urlencoded").body(REFUSED)).await;
        reply.expect_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn a_request_that_is_smuggled_behind_another_is_not_answered() {
    let example = Example::shared();
    let smuggled = "GET /api/v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n{smuggled}",
        5 + smuggled.len()
    );
    let reply = raw::send(&example, request);
    assert!(!reply.body.contains("HTTP/1.1 "), "{reply:?}");
}
