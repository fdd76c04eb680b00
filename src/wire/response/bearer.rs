//! Challenges of a protected resource (RFC 6750 §3, RFC 9728 §5.1).

use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::error::{RETRY_AFTER_SECONDS, retry_after};
use super::{EXPOSED, describe_language, json, quotable, to_json};
use crate::error::{BearerError, ErrorCode, ErrorReason};

#[derive(Serialize)]
struct BearerBody<'a> {
    error: ErrorCode,
    error_description: &'a str,
}

impl BearerError {
    /// The response: 400, 401 or 403 with a `Bearer` challenge, 429 or 503 with `Retry-After`, or 500.
    ///
    /// A 401 of an API that clients may also call by their secret has a second challenge, `Basic`, in a header line of its
    /// own (RFC 9110 §11.6.1).
    ///
    /// Browser clients may read the challenge, and when to try again; the host adds the rest of its own CORS headers. A page
    /// of an origin that may not call is told nothing, not even where to get a token.
    #[must_use]
    pub fn into_http(self) -> Response<String> {
        let reason = self.reason();
        let status = StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::UNAUTHORIZED);
        let body = BearerBody { error: reason.code(), error_description: self.description() };
        let mut response = json(status, to_json(&body));
        describe_language(&mut response, self.words());
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after() {
            headers.insert(RETRY_AFTER, retry_after(wait));
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if reason == ErrorReason::OriginRefused {
            return response;
        }
        // Whoever called too often is not asked to authenticate better.
        if status.is_client_error()
            && status != StatusCode::TOO_MANY_REQUESTS
            && let Ok(challenge) = HeaderValue::try_from(self.challenge())
        {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::UNAUTHORIZED
            && self.context.offers_basic
            && let Ok(challenge) = HeaderValue::try_from(self.basic_challenge())
        {
            headers.append(WWW_AUTHENTICATE, challenge);
        }
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        response
    }

    /// RFC 7617 §2
    fn basic_challenge(&self) -> String {
        format!("Basic realm=\"{}\", charset=\"UTF-8\"", quotable(&self.context.realm).collect::<String>())
    }

    /// The value of `WWW-Authenticate` that tells how to come with a token.
    #[must_use]
    pub fn challenge(&self) -> String {
        let mut challenge = String::from("Bearer");
        let mut separator = ' ';
        let mut parameter = |name: &str, value: &str| {
            challenge.push(separator);
            challenge.push_str(name);
            challenge.push_str("=\"");
            challenge.extend(quotable(value));
            challenge.push('"');
            separator = ',';
        };
        parameter("realm", &self.context.realm);
        // RFC 6750 §3.1: no error code for a request that did not try to authenticate, and none but these three: whatever
        // else is wrong, such as a client's secret, no other token would mend it, and a client must not be sent for one.
        let code = self.reason().code();
        let about_the_token =
            matches!(code, ErrorCode::InvalidRequest | ErrorCode::InvalidToken | ErrorCode::InsufficientScope);
        if about_the_token && self.reason() != ErrorReason::AccessTokenMissing {
            parameter("error", code.as_str());
            parameter("error_description", self.description());
        }
        if let Some(scope) = self.scope.as_ref().filter(|scope| !scope.is_empty()) {
            parameter("scope", scope.as_str());
        }
        if let Some(url) = &self.context.resource_metadata {
            parameter("resource_metadata", url);
        }
        challenge
    }
}
