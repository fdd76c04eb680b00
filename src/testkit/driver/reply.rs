//! What came back.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;
use url::form_urlencoded;

/// The members of a JSON answer that nobody else should see.
const SECRETS: [&str; 4] = ["access_token", "refresh_token", "client_secret", "registration_access_token"];

/// A response as it came, whatever it says.
///
/// `Debug` shows its status, where it leads and what it says, without codes and tokens.
#[derive(Clone)]
pub struct Reply {
    step: &'static str,
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    json: Value,
}

impl Reply {
    pub(in crate::testkit) fn new(step: &'static str, response: Response<impl Into<Bytes>>) -> Self {
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&body.into()).into_owned();
        let json = serde_json::from_str(&body).unwrap_or(Value::Null);
        Self { step, status: parts.status, headers: parts.headers, body, json }
    }

    /// The same, as the answer to another step.
    pub(super) fn named(self, step: &'static str) -> Self {
        Self { step, ..self }
    }

    /// The status, which can be compared with a number.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header that is there, and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The body as JSON; null if it is something else.
    #[must_use]
    pub const fn json(&self) -> &Value {
        &self.json
    }

    /// A parameter of the address that the response redirects to.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, query) = self.header(LOCATION.as_str())?.split_once('?')?;
        form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The error code: of the JSON, or of the redirect.
    #[must_use]
    pub fn error(&self) -> Option<Cow<'_, str>> {
        self.json.get("error").and_then(Value::as_str).map(Cow::Borrowed).or_else(|| self.parameter("error"))
    }

    /// Demands this status and error code, in the JSON or in the redirect.
    ///
    /// # Panics
    ///
    /// If either is another.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        let is = self.status == status && self.error().as_deref() == Some(code);
        assert!(is, "{status} {code} was expected, but {self:?}");
        self
    }

    /// Demands this status.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert!(self.status == status, "{status} was expected, but {self:?}");
        self
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was answered by {}", self.step, self.status)?;
        if let Some(location) = self.header(LOCATION.as_str()) {
            write!(f, ", to {}", without_code(location))?;
        }
        let is_page = self.header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("text/html"));
        match &self.json {
            Value::Null if self.body.is_empty() => Ok(()),
            Value::Null if is_page => write!(f, ": {}", words(&self.body)),
            Value::Null => write!(f, ": {}", self.body),
            json => write!(f, ": {}", without_secrets(json)),
        }
    }
}

fn without_code(location: &str) -> String {
    let Some((target, query)) = location.split_once('?') else { return location.to_owned() };
    let pairs = query.split('&').map(|pair| if pair.starts_with("code=") { "code=.." } else { pair });
    format!("{target}?{}", pairs.collect::<Vec<_>>().join("&"))
}

fn without_secrets(json: &Value) -> Value {
    let mut json = json.clone();
    for name in SECRETS {
        if let Some(secret) = json.get_mut(name) {
            *secret = Value::from("..");
        }
    }
    json
}

/// What a person reads of a page.
fn words(page: &str) -> String {
    let texts = page.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
    texts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, header: (&str, &str), body: &str) -> Reply {
        let response = Response::builder().status(status).header(header.0, header.1).body(body.to_owned());
        Reply::new("the request", response.unwrap())
    }

    #[test]
    fn what_is_printed_tells_what_came_and_no_secret() {
        let shown = |header, body| format!("{:?}", reply(200, header, body));
        let json = shown(("content-type", "application/json"), r#"{"access_token":"at_1","scope":"read"}"#);
        assert_eq!(json, r#"the request was answered by 200 OK: {"access_token":"..","scope":"read"}"#);
        let redirect = shown(("location", "https://app.example/cb?code=ac_1&state=x"), "");
        assert_eq!(redirect, "the request was answered by 200 OK, to https://app.example/cb?code=..&state=x");
        let page = shown(("content-type", "text/html"), "<h1>No</h1>\n<input value=\"token\"><p>not today</p>");
        assert_eq!(page, "the request was answered by 200 OK: No not today");
        assert_eq!(shown(("x-y", "z"), "plain"), "the request was answered by 200 OK: plain");
    }

    #[test]
    fn an_error_is_found_in_the_json_and_in_the_redirect() {
        reply(400, ("content-type", "application/json"), r#"{"error":"invalid_grant"}"#)
            .expect_error(400, "invalid_grant");
        reply(303, ("location", "https://app.example/cb?error=access_denied"), "").expect_error(303, "access_denied");
        assert_eq!(reply(200, ("x-y", "z"), "").error(), None);
    }

    #[test]
    #[should_panic(
        expected = "400 invalid_grant was expected, but the request was answered by 401 Unauthorized: {\"error\":\"x\"}"
    )]
    fn another_error_than_the_expected_one_is_told() {
        reply(401, ("x-y", "z"), r#"{"error":"x"}"#).expect_error(400, "invalid_grant");
    }
}
