//! Responses: the only place that writes status, headers and bodies.

mod authorization;
mod bearer;
mod error;
mod introspection;
mod registration;
mod token;

use http::header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::configuration::{Choice, Words};

pub use authorization::{AuthorizationResponse, AuthorizeAnswer, ErrorPage, Visitor, page_headers};
pub use introspection::Introspection;
pub(crate) use introspection::{ActiveToken, TokenKind};
pub use registration::RegistrationResponse;
pub(crate) use token::Shaped;
pub use token::TokenResponse;

pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// The headers that a page of another origin may read: how to get a token, and when to try again (Fetch, CORS
/// protocol).
pub(crate) const EXPOSED: HeaderValue = HeaderValue::from_static("WWW-Authenticate, Retry-After");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// A response whose headers are all static, so that building it cannot fail.
pub(crate) fn respond(status: StatusCode, headers: &[(HeaderName, HeaderValue)], body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in headers {
        response.headers_mut().insert(name, value.clone());
    }
    response
}

/// A JSON document that must not be stored by anybody on the way (RFC 6749 §5.1).
pub(crate) fn json(status: StatusCode, body: String) -> Response<String> {
    respond(status, &[(CONTENT_TYPE, JSON), (CACHE_CONTROL, NO_STORE), (X_CONTENT_TYPE_OPTIONS, NOSNIFF)], body)
}

/// Tells caches that a response depends on the languages of its request (RFC 9110 §12.5.5).
fn vary(response: &mut Response<String>, choice: Choice) {
    if choice == Choice::ByLanguage {
        response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Language"));
    }
}

/// Says in which language an error is described (RFC 9110 §8.5).
fn describe_language(response: &mut Response<String>, words: &Words) {
    if let Some(language) = words.language().and_then(|language| HeaderValue::from_str(language.as_str()).ok()) {
        response.headers_mut().insert(CONTENT_LANGUAGE, language);
    }
    vary(response, words.choice());
}

/// Serialises what cannot fail to serialise: plain data with text keys.
pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Text that is safe inside a quoted string of a header: printable ASCII without quotes and backslashes.
pub(crate) fn quotable(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
}
