//! The issuer: the server's own name (RFC 8414 §2, RFC 9207).

use std::fmt;
use std::sync::Arc;

use url::{Host, Url};

/// The URL that names this authorization server.
///
/// `https` with a host, without query, fragment, user info and final slash; `http` for loopback hosts only. It appears,
/// byte for byte, in the metadata, in every authorization response (`iss`) and in introspection answers.
///
/// ```
/// use grantor::Issuer;
///
/// assert!(Issuer::parse("https://links.example").is_ok());
/// assert!(Issuer::parse("http://links.example").is_err());
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Issuer(Arc<Inner>);

#[derive(Eq, PartialEq)]
struct Inner {
    text: String,
    path_at: usize,
    encoded: String,
}

/// Why a text is not an issuer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIssuer {
    /// Not an absolute URL with a host, or not written in its normal form.
    #[error("an issuer is an absolute URL with a host, in lower case and without a default port")]
    NotAbsolute,
    /// `http` to anything but a loopback host (RFC 9207 §2).
    #[error("an issuer is https; http is for loopback hosts (127.0.0.1, [::1], localhost) only")]
    PlainHttp,
    /// A query, fragment or user info.
    #[error("an issuer has no query, fragment or user info")]
    Superfluous,
    /// A final slash, about which clients disagree.
    #[error("an issuer does not end with a slash")]
    TrailingSlash,
}

impl Issuer {
    /// Reads an issuer.
    ///
    /// # Errors
    ///
    /// [`InvalidIssuer`] tells which rule is broken.
    pub fn parse(text: &str) -> Result<Self, InvalidIssuer> {
        let url = Url::parse(text).map_err(|_| InvalidIssuer::NotAbsolute)?;
        let loopback = match url.host().ok_or(InvalidIssuer::NotAbsolute)? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        match url.scheme() {
            "https" => {}
            "http" if loopback => {}
            "http" => return Err(InvalidIssuer::PlainHttp),
            _ => return Err(InvalidIssuer::NotAbsolute),
        }
        if text.contains(['?', '#', '@']) {
            return Err(InvalidIssuer::Superfluous);
        }
        if text.ends_with('/') {
            return Err(InvalidIssuer::TrailingSlash);
        }
        if url.as_str().trim_end_matches('/') != text {
            return Err(InvalidIssuer::NotAbsolute);
        }
        let path_at = if url.path() == "/" { text.len() } else { text.len() - url.path().len() };
        let encoded = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        Ok(Self(Arc::new(Inner { text: text.to_owned(), path_at, encoded })))
    }

    /// The issuer, exactly as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.0.text.get(..self.0.path_at).unwrap_or_default()
    }

    /// What follows the origin: empty, or a path that begins with a slash and does not end with one.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.text.get(self.0.path_at..).unwrap_or_default()
    }

    /// Host and port, for the realm of a challenge.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.origin().split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The issuer, form-encoded.
    pub(crate) fn encoded(&self) -> &str {
        &self.0.encoded
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({:?})", self.0.text)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::str::FromStr for Issuer {
    type Err = InvalidIssuer;

    fn from_str(text: &str) -> Result<Self, InvalidIssuer> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_or_loopback() {
        for text in [
            "https://as.test",
            "https://as.test/tenant1",
            "https://as.test:8443",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost:3000",
        ] {
            assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(Issuer::parse("http://as.test"), Err(InvalidIssuer::PlainHttp));
        assert_eq!(Issuer::parse("http://10.0.0.1"), Err(InvalidIssuer::PlainHttp));
    }

    #[test]
    fn query_fragment_slash_and_relative_issuers_are_refused() {
        assert_eq!(Issuer::parse("https://as.test?x=1"), Err(InvalidIssuer::Superfluous));
        assert_eq!(Issuer::parse("https://as.test#x"), Err(InvalidIssuer::Superfluous));
        assert_eq!(Issuer::parse("https://as.test/"), Err(InvalidIssuer::TrailingSlash));
        for text in ["as.test", "ftp://as.test", "", "https://AS.test", "https://as.test:443", "https:as.test"] {
            assert_eq!(Issuer::parse(text), Err(InvalidIssuer::NotAbsolute), "{text}");
        }
    }

    #[test]
    fn origin_and_path_are_told_apart() {
        let issuer = Issuer::parse("https://as.test/tenant1").unwrap();
        assert_eq!((issuer.origin(), issuer.path(), issuer.authority()), ("https://as.test", "/tenant1", "as.test"));
        let root = Issuer::parse("https://as.test").unwrap();
        assert_eq!((root.origin(), root.path()), ("https://as.test", ""));
    }
}
