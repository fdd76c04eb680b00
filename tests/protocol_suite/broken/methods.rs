//! Adapters that answer some methods themselves.

use bytes::Bytes;
use grantor::testkit::TestServer;
use http::header::{ALLOW, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::harness::expect_caught;

fn of_status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// Routes GET and POST only.
async fn swallowing_head(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    if request.method() == Method::HEAD {
        return of_status(StatusCode::METHOD_NOT_ALLOWED);
    }
    server.respond(request).await
}

#[tokio::test]
async fn a_swallowed_head_is_caught() {
    expect_caught(swallowing_head, &["HTTP-022"]).await;
}

/// Answers HEAD by what it has for GET.
async fn answering_head_by_get(server: TestServer, mut request: Request<Bytes>) -> Response<Bytes> {
    if request.method() != Method::HEAD {
        return server.respond(request).await;
    }
    *request.method_mut() = Method::GET;
    server.respond(request).await.map(|_| Bytes::new())
}

#[tokio::test]
async fn a_head_that_makes_a_code_is_caught() {
    expect_caught(answering_head_by_get, &["HTTP-022"]).await;
}

/// Answers OPTIONS as frameworks do: with what is routed.
async fn swallowing_options(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    if request.method() == Method::OPTIONS {
        let mut response = of_status(StatusCode::OK);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    server.respond(request).await
}

#[tokio::test]
async fn a_swallowed_preflight_is_caught() {
    expect_caught(swallowing_options, &["CORS-003"]).await;
}

/// Calls the endpoint whatever the method is.
async fn ignoring_the_method(server: TestServer, mut request: Request<Bytes>) -> Response<Bytes> {
    if request.uri().path() == "/oauth/token" && request.method() != Method::OPTIONS {
        *request.method_mut() = Method::POST;
    }
    server.respond(request).await
}

#[tokio::test]
async fn an_ignored_method_is_caught() {
    expect_caught(ignoring_the_method, &["HTTP-003"]).await;
}
