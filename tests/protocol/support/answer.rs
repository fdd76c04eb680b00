//! What came back.

use std::collections::HashSet;

use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;

/// A response with its JSON, if it has any.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub json: Value,
}

impl From<Response<String>> for Answer {
    fn from(response: Response<String>) -> Self {
        let (parts, body) = response.into_parts();
        let json = serde_json::from_str(&body).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, body, json }
    }
}

impl Answer {
    /// A text member of the JSON.
    #[track_caller]
    pub fn text(&self, member: &str) -> &str {
        self.json[member].as_str().unwrap_or_else(|| panic!("no text member {member} in {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `JOK`: 200, JSON, not to be stored, nothing empty or null.
    #[track_caller]
    pub fn expect_ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
        self.expect_json();
        assert!(self.json.get("error").is_none(), "{self:?}");
        self
    }

    /// `JERR`: this status and error code, JSON, not to be stored; a challenge on a 401 and on nothing else.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.json["error"].as_str()), (status, Some(code)), "{self:?}");
        self.expect_json();
        assert!(self.json.get("access_token").is_none(), "{self:?}");
        assert_eq!(self.headers.contains_key("www-authenticate"), status == 401, "{self:?}");
        let description = self.text("error_description");
        assert!(description.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{self:?}");
        self
    }

    #[track_caller]
    fn expect_json(&self) {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let members = self.json.as_object().expect("a JSON object");
        assert!(members.values().all(|value| !value.is_null() && value != ""), "{self:?}");
    }

    /// A redirect to the client: 303, not to be stored; its parameters, each of which occurs once.
    #[track_caller]
    pub fn expect_redirect(&self, to: &str) -> Vec<(String, String)> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("referrer-policy"), Some("no-referrer"));
        assert!(self.body.is_empty());
        parameters(self.header("location").expect("a location"), to)
    }
}

/// The parameters that were appended to `to`; each name occurs once, and there is no fragment.
#[track_caller]
pub fn parameters(location: &str, to: &str) -> Vec<(String, String)> {
    let query = location.strip_prefix(to).unwrap_or_else(|| panic!("{location} does not begin with {to}"));
    let query = query.strip_prefix(['?', '&']).expect("a query");
    assert!(!location.contains('#'));
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let names: HashSet<_> = pairs.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), pairs.len(), "a parameter occurs twice in {location}");
    pairs
}
