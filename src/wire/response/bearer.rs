//! Challenges of a protected resource (RFC 6750 §3, RFC 9728 §5.1).

use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::error::RETRY_AFTER_SECONDS;
use super::{EXPOSED, describe_language, json, quotable, to_json};
use crate::error::{BearerError, ErrorCode, ErrorReason};

#[derive(Serialize)]
struct BearerBody<'a> {
    error: ErrorCode,
    error_description: &'a str,
}

impl BearerError {
    /// The response: 400, 401 or 403 with one `Bearer` challenge, 503 with `Retry-After`, or 500.
    ///
    /// Browser clients may read the challenge, and when to try again; the host adds the rest of its own CORS headers.
    #[must_use]
    pub fn into_http(self) -> Response<String> {
        let reason = self.reason();
        let status = StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::UNAUTHORIZED);
        let body = BearerBody { error: reason.code(), error_description: self.description() };
        let mut response = json(status, to_json(&body));
        describe_language(&mut response, self.words());
        let headers = response.headers_mut();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if status.is_client_error()
            && let Ok(challenge) = HeaderValue::try_from(self.challenge())
        {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        response
    }

    /// The value of `WWW-Authenticate`.
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
        // else is wrong, no other token would mend it, and a client must not be sent for one.
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
