//! Adapters that hand over another request than the one that came.

use std::collections::BTreeMap;

use bytes::Bytes;
use grantor::testkit::TestServer;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use url::form_urlencoded::Serializer;

use super::harness::{expect_caught, pairs, with_query};

fn encode<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// Reads parameters into a map, as many a framework's form extractor does.
async fn merging_parameters(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let merge = |encoded: &str| encode(&pairs(encoded).into_iter().collect::<BTreeMap<_, _>>());
    let request = match request.uri().query().map(merge) {
        Some(query) => with_query(request, &query),
        None => request,
    };
    let form = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"urlencoded"));
    let request = request.map(|body| {
        let merged = std::str::from_utf8(&body).ok().filter(|_| form).map(merge);
        merged.map_or(body, Bytes::from)
    });
    server.respond(request).await
}

#[tokio::test]
async fn merged_parameters_are_caught() {
    expect_caught(merging_parameters, &["HTTP-010", "AUTHZ-013", "AERR-009"]).await;
}

/// Takes the query from a framework that has decoded it, and decodes it once more.
async fn decoding_the_query_twice(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let Some(query) = request.uri().query() else { return server.respond(request).await };
    let decoded: Vec<_> = pairs(query)
        .into_iter()
        .map(|(name, value)| {
            let again = pairs(&format!("x={value}"));
            (name, again.into_iter().next().map(|(_, value)| value).unwrap_or_default())
        })
        .collect();
    let query = encode(decoded.iter().map(|(name, value)| (name, value)));
    server.respond(with_query(request, &query)).await
}

#[tokio::test]
async fn a_query_that_is_decoded_twice_is_caught() {
    expect_caught(decoding_the_query_twice, &["ARESP-002", "RURI-003"]).await;
}

/// Forgets a header: here the one that clients and API callers prove themselves by.
async fn dropping_authorization(server: TestServer, mut request: Request<Bytes>) -> Response<Bytes> {
    request.headers_mut().remove(AUTHORIZATION);
    server.respond(request).await
}

#[tokio::test]
async fn a_dropped_authorization_header_is_caught() {
    expect_caught(dropping_authorization, &["CAUTH-001", "RS-001"]).await;
}

/// Knows one value of each header only.
async fn merging_headers(server: TestServer, mut request: Request<Bytes>) -> Response<Bytes> {
    if let Some(first) = request.headers().get(AUTHORIZATION).cloned() {
        request.headers_mut().insert(AUTHORIZATION, first);
    }
    server.respond(request).await
}

#[tokio::test]
async fn a_repeated_header_that_is_merged_is_caught() {
    expect_caught(merging_headers, &["RS-004", "ATK-065"]).await;
}

/// Takes a body for a form whatever it says to be.
async fn ignoring_the_content_type(server: TestServer, mut request: Request<Bytes>) -> Response<Bytes> {
    if request.uri().path() == "/oauth/token" {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, form);
    }
    server.respond(request).await
}

#[tokio::test]
async fn an_ignored_content_type_is_caught() {
    expect_caught(ignoring_the_content_type, &["HTTP-005"]).await;
}

/// Lets parameters come from the query as well as from the body.
async fn reading_parameters_from_the_query(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let query = request.uri().query().map(ToOwned::to_owned).filter(|_| request.uri().path() == "/oauth/token");
    let request = match query {
        Some(query) => request.map(|body| {
            let separator = if body.is_empty() { "" } else { "&" };
            format!("{}{separator}{query}", String::from_utf8_lossy(&body)).into()
        }),
        None => request,
    };
    server.respond(request).await
}

#[tokio::test]
async fn parameters_from_the_query_are_caught() {
    expect_caught(reading_parameters_from_the_query, &["HTTP-004"]).await;
}

/// Buffers a body without a limit, and calls the endpoint with what it has read.
async fn buffering_without_a_limit(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    if request.uri().path() != "/oauth/token" || request.method() != http::Method::POST {
        return server.respond(request).await;
    }
    let (parts, body) = request.into_parts();
    let request = grantor::ClientRequest::new(&parts.headers, &body);
    let answer = match server.server().token(request).await {
        Ok(response) => response.into_http(),
        Err(error) => error.into_http(),
    };
    answer.map(Bytes::from)
}

#[tokio::test]
async fn a_body_that_is_read_without_a_limit_is_caught() {
    expect_caught(buffering_without_a_limit, &["HTTP-013"]).await;
}

/// Tidies paths up, as routers like to.
async fn normalising_the_path(server: TestServer, request: Request<Bytes>) -> Response<Bytes> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path();
    if path.len() > 1 && path.ends_with('/') {
        let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        parts.uri = format!("{}{query}", path.trim_end_matches('/')).parse().unwrap();
    }
    server.respond(Request::from_parts(parts, body)).await
}

#[tokio::test]
async fn a_path_that_is_tidied_up_is_caught() {
    expect_caught(normalising_the_path, &["HTTP-021", "ATK-048"]).await;
}
