//! From actix-web's types to those of the `http` crate, and back: actix-web has its own, and version 0.2 of the rest.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::SizedStream;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::{StreamExt as _, stream};
use grantor::rate_limit::Peer;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyDataStream;

use crate::provider::mcp::Answer;
use crate::shortener::problem::Problem;

/// The request as it was sent: its target undecoded, every header with every value, the body still to be read.
pub fn request(request: &HttpRequest, payload: Payload) -> Result<http::Request<Body>, Problem> {
    let headers = headers(request.headers());
    let length = headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let uri = request.uri().to_string();
    let mut converted = http::Request::builder()
        .method(request.method().as_str())
        .uri(uri)
        .body(Body { payload, length })
        .map_err(|_| Problem::bad_request())?;
    *converted.headers_mut() = headers;
    if let Some(peer) = peer(request) {
        converted.extensions_mut().insert(peer);
    }
    Ok(converted)
}

/// The other end of the connection, by which guesses and floods are counted. Behind a proxy that is the proxy: read the
/// header there that it sets, and only if nobody else can set it.
pub fn peer(request: &HttpRequest) -> Option<Peer> {
    request.peer_addr().map(|address| address.ip().into())
}

/// Every header with every value.
pub fn headers(headers: &header::HeaderMap) -> http::HeaderMap {
    let mut converted = http::HeaderMap::new();
    for (name, value) in headers {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.as_bytes())) {
            converted.append(name, value);
        }
    }
    converted
}

/// Adds headers to those that are there.
pub fn append(headers: impl IntoIterator<Item = (http::HeaderName, http::HeaderValue)>, to: &mut header::HeaderMap) {
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            to.append(name, value);
        }
    }
}

/// A status.
pub fn status(status: http::StatusCode) -> actix_web::http::StatusCode {
    actix_web::http::StatusCode::from_u16(status.as_u16()).unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR)
}

/// The status that an extractor's error stands for.
pub fn status_of(error: &Error) -> http::StatusCode {
    http_status(error.as_response_error().status_code())
}

/// A status.
pub fn http_status(status: actix_web::http::StatusCode) -> http::StatusCode {
    http::StatusCode::from_u16(status.as_u16()).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
}

/// What can be sent as it is.
pub trait IntoResponse {
    /// The response for actix-web.
    fn into_response(self) -> HttpResponse;
}

impl IntoResponse for http::Response<String> {
    fn into_response(self) -> HttpResponse {
        let (parts, body) = self.into_parts();
        let length =
            parts.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let mut response = head(&parts);
        match length {
            // An answer to HEAD: the length of what GET would get.
            Some(length) if body.is_empty() => {
                response.body(SizedStream::new(length, stream::empty::<Result<Bytes, PayloadError>>()))
            }
            _ => response.body(body),
        }
    }
}

impl IntoResponse for http::Response<Answer> {
    fn into_response(self) -> HttpResponse {
        let (parts, body) = self.into_parts();
        let (length, body) = (body.size_hint().exact(), BodyDataStream::new(body));
        match length {
            Some(length) => head(&parts).body(SizedStream::new(length, body)),
            // Each event as soon as there is one.
            None => head(&parts).streaming(body),
        }
    }
}

fn head(parts: &http::response::Parts) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status(parts.status));
    for (name, value) in &parts.headers {
        response.append_header((name.as_str(), value.as_bytes()));
    }
    response
}

/// A body that is still to be read.
pub struct Body {
    payload: Payload,
    length: Option<u64>,
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        self.payload.poll_next_unpin(context).map_ok(Frame::data)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }
}
