//! The client identifier URL.

use std::fmt;

use url::{Host, Position, Url};

use crate::client::ClientId;

/// A client identifier that is the URL of the client's own document (draft §3).
///
/// It is `https`, with the name of a host, a path that is not just `/`, and no fragment, user information or dot
/// segments; a port and a query are allowed. It is written as a URL parser writes it: in lower case where case does not
/// matter, without a default port, percent-encoded where that is needed. So one text means one place to every program,
/// and no host is hidden in a number: an IP address is not a name, however it is written.
///
/// ```
/// use grantor::cimd::ClientIdUrl;
///
/// let url: ClientIdUrl = "https://client.example/oauth/meta.json".parse()?;
/// assert_eq!(url.host(), "client.example");
/// assert!(ClientIdUrl::parse("https://2130706433/meta.json").is_err());
/// # Ok::<(), grantor::cimd::InvalidClientIdUrl>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct ClientIdUrl {
    id: ClientId,
    url: Url,
}

/// Why a text is not a client identifier URL.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClientIdUrl {
    /// Not an `https` URL.
    #[error("a client identifier URL is an https URL")]
    NotHttps,
    /// A `#`, even an empty fragment.
    #[error("a client identifier URL has no fragment")]
    Fragment,
    /// The host is an IP address, in whatever notation, or no host name: 253 characters of ASCII letters, digits,
    /// hyphens, underscores and dots, without a final dot.
    #[error("the host of a client identifier URL is a name, without a final dot")]
    Host,
    /// Not written as a URL parser writes it: with dot segments, upper case in the host, `:443`, or characters that have to be
    /// percent-encoded.
    #[error("a client identifier URL has no dot segments, and is written in its normal form")]
    NotNormal,
    /// No path, or only `/`.
    #[error("a client identifier URL has a path")]
    Path,
    /// Longer than [`ClientIdUrl::MAX_LENGTH`].
    #[error("a client identifier URL has at most 2,000 characters")]
    TooLong,
    /// `user:password@`.
    #[error("a client identifier URL has no user information")]
    UserInformation,
}

impl ClientIdUrl {
    /// The longest URL, in bytes.
    pub const MAX_LENGTH: usize = ClientId::MAX_URL;

    /// Reads a client identifier URL.
    ///
    /// # Errors
    ///
    /// [`InvalidClientIdUrl`] tells which rule is broken.
    pub fn parse(text: &str) -> Result<Self, InvalidClientIdUrl> {
        if text.len() > Self::MAX_LENGTH {
            return Err(InvalidClientIdUrl::TooLong);
        }
        let url = Url::parse(text).map_err(|_| InvalidClientIdUrl::NotHttps)?;
        if url.scheme() != "https" {
            return Err(InvalidClientIdUrl::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidClientIdUrl::UserInformation);
        }
        if url.fragment().is_some() {
            return Err(InvalidClientIdUrl::Fragment);
        }
        match url.host() {
            Some(Host::Domain(name)) if is_host_name(name) => {}
            _ => return Err(InvalidClientIdUrl::Host),
        }
        if url.path() == "/" {
            return Err(InvalidClientIdUrl::Path);
        }
        if url.as_str() != text {
            return Err(InvalidClientIdUrl::NotNormal);
        }
        let id = ClientId::parse(text).map_err(|_| InvalidClientIdUrl::NotNormal)?;
        Ok(Self { id, url })
    }

    /// The URL as a client identifier.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.id
    }

    /// The URL as text, exactly as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.id.as_str()
    }

    /// The name of the host, in lower case and in its ASCII form.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The port: 443 if the URL names none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(443)
    }

    /// What a request for the document names: path and query.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// Host, and port if the URL names one: the value of `Host`.
    pub(crate) fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Whether `url` has the same scheme, host and port.
    pub(crate) fn has_origin_of(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| url.origin() == self.url.origin())
    }
}

/// A name that every resolver takes for a name (RFC 1123 §2.1, and the underscore that is found in practice).
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

impl fmt::Debug for ClientIdUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdUrl({:?})", self.as_str())
    }
}

impl fmt::Display for ClientIdUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for ClientIdUrl {
    type Err = InvalidClientIdUrl;

    fn from_str(text: &str) -> Result<Self, InvalidClientIdUrl> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // CIMD-001
    #[test]
    fn a_document_is_at_an_https_url_with_a_path_and_nothing_superfluous() {
        for text in [
            "https://client.test/meta.json",
            "https://client.test:8443/meta.json",
            "https://client.test/meta.json?version=2",
            "https://client.test/~mallory/a%20b/",
            "https://xn--bcher-kva.test/meta.json",
            "https://localhost/meta.json",
            "https://a_b.client.test//x",
        ] {
            let url = ClientIdUrl::parse(text).unwrap();
            assert_eq!((url.as_str(), url.client_id().as_str()), (text, text));
        }
        use InvalidClientIdUrl::{Fragment, Host, NotHttps, NotNormal, Path, TooLong, UserInformation};
        for (text, problem) in [
            ("http://client.test/meta.json", NotHttps),
            ("client.test/meta.json", NotHttps),
            ("/meta.json", NotHttps),
            ("", NotHttps),
            ("https://", NotHttps),
            ("https://client.test:65536/meta.json", NotHttps),
            ("https://client.test", Path),
            ("https://client.test/", Path),
            ("https://client.test?x", Path),
            ("https://client.test/.", Path),
            ("https://client.test/a/..", Path),
            ("https://client.test/a/../b", NotNormal),
            ("https://client.test/./b", NotNormal),
            ("https://client.test/a/%2e%2E/b", NotNormal),
            ("https://client.test/a/%2e/b", NotNormal),
            ("https://client.test/meta.json#", Fragment),
            ("https://client.test/meta.json#x", Fragment),
            ("https://u@client.test/m", UserInformation),
            ("https://u:p@client.test/m", UserInformation),
            ("https://:p@client.test/m", UserInformation),
            ("https://@client.test/m", NotNormal),
            ("https://client.test:443/m", NotNormal),
            ("https://client.test:/m", NotNormal),
            ("https://client.test:08443/m", NotNormal),
            ("HTTPS://client.test/m", NotNormal),
            ("https://CLIENT.test/m", NotNormal),
            ("https:client.test/m", NotNormal),
            ("https:///client.test/m", NotNormal),
            ("https:\\\\client.test\\m", NotNormal),
            ("https://client.test\\m", NotNormal),
            (" https://client.test/m", NotNormal),
            ("https://client.test/m\n", NotNormal),
            ("https://client.test/a b", NotNormal),
            ("https://client.test/ä", NotNormal),
            ("https://bücher.test/m", NotNormal),
            ("https://client。test/m", NotNormal),
            ("https://%63lient.test/m", NotNormal),
            ("https://client.test./m", Host),
            ("https://client..test/m", Host),
            ("https://*.test/m", Host),
            (&format!("https://client.test/{}", "x".repeat(1_981)), TooLong),
        ] {
            assert_eq!(ClientIdUrl::parse(text), Err(problem), "{text}");
        }
        assert!(ClientIdUrl::parse(&format!("https://client.test/{}", "x".repeat(1_980))).is_ok());
    }

    // CIMD-014
    #[test]
    fn an_address_is_no_name_however_it_is_written() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0X7F.0.0.1",
            "017700000001",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.1.",
            "0",
            "8.8.8.8",
            "169.254.169.254",
            "[::1]",
            "[::]",
            "[::ffff:7f00:1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[fe80::1]",
            "①②⑦.⓪.⓪.①",
            "127。0。0。1",
            "%31%32%37.0.0.1",
        ] {
            let text = format!("https://{host}/x");
            assert!(ClientIdUrl::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_names_path_and_query_as_they_are_written() {
        let url = ClientIdUrl::parse("https://client.test:8443/a%20b?x=1&y").unwrap();
        assert_eq!((url.host(), url.port(), url.authority()), ("client.test", 8443, "client.test:8443"));
        assert_eq!(url.path_and_query(), "/a%20b?x=1&y");
        let url = ClientIdUrl::parse("https://client.test/m").unwrap();
        assert_eq!((url.port(), url.authority()), (443, "client.test"));
        assert!(url.has_origin_of("https://CLIENT.test:443/cb") && url.has_origin_of("https://client.test"));
        for other in ["https://client.test:444/cb", "http://client.test/cb", "https://a.client.test/cb", "x:/cb", ""] {
            assert!(!url.has_origin_of(other), "{other}");
        }
    }
}
