//! Where an authorization response may go.

use std::fmt;
use std::sync::Arc;

use url::form_urlencoded::byte_serialize;

use crate::issuer::Issuer;

/// A checked redirect URI with the `state` that goes back along (RFC 6749 §4.1.2).
///
/// Only a registered redirect URI yields one, so whatever holds it may redirect.
#[derive(Clone)]
pub(crate) struct RedirectTarget {
    uri: Arc<str>,
    state: Option<String>,
    issuer: Issuer,
}

impl fmt::Debug for RedirectTarget {
    /// Everything but `state`, which often is what protects the client from forged answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedirectTarget").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl RedirectTarget {
    /// The caller has checked `uri` against the client's registration.
    pub(crate) const fn new(uri: Arc<str>, state: Option<String>, issuer: Issuer) -> Self {
        Self { uri, state, issuer }
    }

    pub(crate) const fn uri(&self) -> &Arc<str> {
        &self.uri
    }

    pub(crate) fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The URI with `parameters`, `state` and `iss` (RFC 9207) appended; what was there before is kept byte for byte.
    pub(crate) fn location(&self, parameters: &[(&str, &str)]) -> String {
        let length = self.uri.len() + self.state.as_ref().map_or(0, |state| state.len() * 3 / 2) + 256;
        let mut location = String::with_capacity(length);
        location.push_str(&self.uri);
        let mut separator = if self.uri.contains('?') { '&' } else { '?' };
        let state = self.state.as_deref().map(|state| ("state", state));
        for (name, value) in parameters.iter().copied().chain(state) {
            location.push(separator);
            location.push_str(name);
            location.push('=');
            location.extend(byte_serialize(value.as_bytes()));
            separator = '&';
        }
        location.push_str("&iss=");
        location.push_str(self.issuer.encoded());
        location
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(uri: &str, state: Option<&str>) -> String {
        let issuer = Issuer::parse("https://as.test/tenant1").unwrap();
        RedirectTarget::new(uri.into(), state.map(str::to_owned), issuer).location(&[("code", "c")])
    }

    #[test]
    fn an_existing_query_is_kept_byte_for_byte() {
        let expected = "https://app.test/cb2?x=1&y=a%20b&code=c&iss=https%3A%2F%2Fas.test%2Ftenant1";
        assert_eq!(location("https://app.test/cb2?x=1&y=a%20b", None), expected);
    }

    #[test]
    fn a_uri_without_a_path_gets_its_query_directly() {
        assert!(location("https://App.test:8443", None).starts_with("https://App.test:8443?code=c&"));
    }

    #[test]
    fn any_state_comes_back_as_it_was() {
        for state in ["a b&c=d%25+é/\"<>", " %&+£€", "x&code=evil", "\r\nSet-Cookie: a=b", &"s".repeat(4_000)] {
            let location = location("https://app.test/cb", Some(state));
            let (_, query) = location.split_once('?').unwrap();
            let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
            assert_eq!(pairs.iter().filter(|(name, _)| name == "code").count(), 1);
            assert_eq!(pairs.iter().find(|(name, _)| name == "state").unwrap().1, state);
            assert!(location.is_ascii() && !location.contains(['\r', '\n', ' ']));
        }
    }
}
