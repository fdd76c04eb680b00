//! Errors as JSON (RFC 6749 §5.2).

use std::time::Duration;

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::{describe_language, json, quotable, to_json};
use crate::error::{Challenge, EndpointError, ErrorCode};

/// How long a client should wait before it tries again, in seconds.
pub(crate) const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// How long a client should wait that called too often: whole seconds, rounded up, at least one (RFC 9110 §10.2.3).
pub(super) fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
}

/// The same as the value of `Retry-After`.
pub(super) fn retry_after(wait: Duration) -> HeaderValue {
    HeaderValue::from(whole_seconds(wait).as_secs())
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorCode,
    error_description: &'a str,
}

impl EndpointError {
    /// The response: the status of the reason, a JSON body, a challenge on every 401, `Retry-After` on a 429 and a 503.
    #[must_use]
    pub fn into_http(self) -> Response<String> {
        let status = StatusCode::from_u16(self.reason().status()).unwrap_or(StatusCode::BAD_REQUEST);
        // RFC 6749 §5.2 bounds the characters, whatever the operator or a value brought in.
        let description: String = quotable(self.description()).collect();
        let mut response =
            json(status, to_json(&ErrorBody { error: self.reason().code(), error_description: &description }));
        describe_language(&mut response, self.words());
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after() {
            headers.insert(RETRY_AFTER, retry_after(wait));
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = match self.challenge() {
                Challenge::Basic(realm) => format!("Basic realm=\"{}\"", quotable(realm).collect::<String>()),
                Challenge::Bearer(realm) => {
                    let realm: String = quotable(realm).collect();
                    format!("Bearer realm=\"{realm}\"{}", bearer_error(&self))
                }
            };
            if let Ok(challenge) = HeaderValue::try_from(challenge) {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
        }
        response
    }
}

/// RFC 6750 §3.1: a request without any token gets a challenge without an error code.
fn bearer_error(error: &EndpointError) -> &'static str {
    use crate::error::ErrorReason::{InitialTokenMissing, RegistrationTokenMissing};
    match error.reason() {
        InitialTokenMissing | RegistrationTokenMissing => "",
        _ => ", error=\"invalid_token\"",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_whole_seconds_that_are_enough_and_never_none() {
        let told = |millis| retry_after(Duration::from_millis(millis));
        assert_eq!([0, 1, 999, 1_000, 1_001, 6_000].map(told), ["1", "1", "1", "1", "2", "6"]);
        assert_eq!(retry_after(Duration::MAX), u64::MAX.to_string());
    }
}
