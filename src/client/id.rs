//! The identifier of a client.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

/// The identifier of a client: 1 to 255 printable ASCII characters (RFC 6749 appendix A.1), or up to 2,000 if it is an
/// `https` URL. Not a secret.
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(Arc<str>);

/// The text is not a client identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a client id is 1 to 255 printable ASCII characters, or up to 2,000 if it is an https URL")]
pub struct InvalidClientId;

impl ClientId {
    /// The longest identifier that is a URL, in bytes.
    pub(crate) const MAX_URL: usize = 2_000;

    /// Reads a client identifier.
    ///
    /// # Errors
    ///
    /// [`InvalidClientId`] if it is empty, too long, or has a character outside `%x20-7E`.
    pub fn parse(text: &str) -> Result<Self, InvalidClientId> {
        let longest = if is_url(text) { Self::MAX_URL } else { 255 };
        if (1..=longest).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidClientId)
        }
    }

    /// The caller has made `text` of URL-safe characters, at most 255 of them.
    pub(crate) fn generated(text: String) -> Self {
        Self(text.into())
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it begins as an `https` URL does: no identifier that the server makes is one.
    pub(crate) fn is_url(&self) -> bool {
        is_url(&self.0)
    }

    /// The host of an identifier that is an `https` URL, in lower case and in its ASCII form.
    pub(crate) fn host(&self) -> Option<String> {
        let url = self.is_url().then(|| Url::parse(&self.0).ok())??;
        url.host_str().map(str::to_owned)
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://")
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({:?})", &*self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ClientId {
    type Err = InvalidClientId;

    fn from_str(text: &str) -> Result<Self, InvalidClientId> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ClientId {
    type Error = InvalidClientId;

    fn try_from(text: String) -> Result<Self, InvalidClientId> {
        Self::parse(&text)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_url_may_be_long() {
        let url = |length: usize| format!("https://{}", "a".repeat(length - 8));
        for text in ["a".repeat(255), url(256), url(2_000)] {
            assert_eq!(ClientId::parse(&text).map(String::from).as_deref(), Ok(text.as_str()));
        }
        for text in ["a".repeat(256), url(2_001), format!("http://{}", "a".repeat(300)), "é".to_owned(), String::new()]
        {
            assert_eq!(ClientId::parse(&text), Err(InvalidClientId), "{text}");
        }
    }

    #[test]
    fn the_host_is_that_of_a_url() {
        let host = |text: &str| ClientId::parse(text).unwrap().host();
        assert_eq!(host("https://Client.test:8443/meta.json").as_deref(), Some("client.test"));
        for text in ["client.test", "http://client.test/meta.json", "https://", "urn:x"] {
            assert_eq!(host(text), None, "{text}");
        }
    }
}
