//! Adapters that hand back another answer than the one that was given.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use grantor::testkit::TestServer;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{Request, Response, StatusCode};

use super::harness::expect_caught;

async fn without(server: TestServer, request: Request<Bytes>, header: HeaderName) -> Response<Bytes> {
    let mut response = server.respond(request).await;
    response.headers_mut().remove(header);
    response
}

/// Copies the headers that it knows.
async fn dropping_cache_control(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    without(server, request, CACHE_CONTROL).await
}

#[tokio::test]
async fn a_dropped_cache_control_is_caught() {
    expect_caught(dropping_cache_control, &["HTTP-016", "TRESP-002", "ARESP-012"]).await;
}

/// Makes a 401 of its own of every 401.
async fn losing_the_challenge(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    without(server, request, WWW_AUTHENTICATE).await
}

#[tokio::test]
async fn a_lost_challenge_is_caught() {
    expect_caught(losing_the_challenge, &["CAUTH-008", "RS-002", "DCM-002"]).await;
}

/// Forgets the content type, so that the framework's own applies.
async fn answering_as_text(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let mut response = server.respond(request).await;
    if response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    response
}

#[tokio::test]
async fn json_that_is_sent_as_text_is_caught() {
    expect_caught(answering_as_text, &["HTTP-020", "TRESP-001"]).await;
}

/// Follows redirects inside, to save the browser a trip.
async fn following_redirects(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let mut response = server.respond(request).await;
    while let Some(location) = response.headers().get(LOCATION).cloned() {
        let next = Request::get(location.as_bytes()).body(Bytes::new()).unwrap();
        response = server.respond(next).await;
    }
    response
}

#[tokio::test]
async fn a_followed_redirect_is_caught() {
    expect_caught(following_redirects, &["AUTHZ-001", "ARESP-001"]).await;
}

/// Redirects by the framework's helper: 302, with a little page that links to the target.
async fn redirecting_with_a_body(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let mut response = server.respond(request).await;
    if let Some(location) = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()) {
        *response.body_mut() = format!("<a href=\"{location}\">Found</a>").into();
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    response
}

#[tokio::test]
async fn a_redirect_that_repeats_the_code_in_its_body_is_caught() {
    expect_caught(redirecting_with_a_body, &["UI-014"]).await;
}

/// Keeps the method of a form when it redirects, as a 307 does.
async fn redirecting_by_307(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let mut response = server.respond(request).await;
    if response.status() == StatusCode::SEE_OTHER {
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    }
    response
}

#[tokio::test]
async fn a_redirect_that_keeps_the_form_is_caught() {
    expect_caught(redirecting_by_307, &["ARESP-011", "UI-012"]).await;
}

#[tokio::test]
async fn a_cache_is_caught() {
    let kept: Arc<Mutex<HashMap<String, Response<Bytes>>>> = Arc::default();
    // Whatever was answered to a GET once is answered again, for whomever.
    let caching = move |server: TestServer, request: Request<Bytes>| {
        let kept = Arc::clone(&kept);
        async move {
            let address = request.uri().to_string();
            if request.method() != http::Method::GET {
                return server.respond(request).await;
            }
            if let Some(response) = kept.lock().unwrap().get(&address) {
                return response.clone();
            }
            let response = server.respond(request).await;
            kept.lock().unwrap().insert(address, response.clone());
            response
        }
    };
    expect_caught(caching, &["AUTHZ-006"]).await;
}

/// Replaces the body of an error by a page of its own.
async fn showing_error_pages(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let mut response = server.respond(request).await;
    if response.status().is_client_error() {
        *response.body_mut() = Bytes::from_static(b"<h1>Bad request</h1>");
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    }
    response
}

#[tokio::test]
async fn an_error_page_in_place_of_json_is_caught() {
    expect_caught(showing_error_pages, &["HTTP-017", "TOK-001"]).await;
}

/// Allows every origin everywhere.
async fn allowing_every_origin(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let mut response = server.respond(request).await;
    let any = HeaderValue::from_static("*");
    response.headers_mut().insert(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response
}

#[tokio::test]
async fn cors_on_pages_is_caught() {
    expect_caught(allowing_every_origin, &["AUTHZ-005"]).await;
}

/// Has a CORS layer of its own before the endpoints, for another origin.
async fn allowing_no_origin(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    without(server, request, http::header::ACCESS_CONTROL_ALLOW_ORIGIN).await
}

#[tokio::test]
async fn missing_cors_is_caught() {
    expect_caught(allowing_no_origin, &["CORS-001"]).await;
}

/// Takes the issuer from the host that was asked for.
async fn building_urls_from_the_host(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let host = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("as.test");
    let host = host.to_owned();
    server.respond(request).await.map(|body| String::from_utf8_lossy(&body).replace("as.test", &host).into())
}

#[tokio::test]
async fn urls_from_the_host_header_are_caught() {
    expect_caught(building_urls_from_the_host, &["HTTP-015"]).await;
}

/// Copies the headers that it knows, and this is none of them.
async fn dropping_nosniff(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    without(server, request, X_CONTENT_TYPE_OPTIONS).await
}

#[tokio::test]
async fn a_lost_nosniff_is_caught() {
    expect_caught(dropping_nosniff, &["UI-017", "ATK-034"]).await;
}
