//! Resource indicators: which API a token is for (RFC 8707).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest resource indicator that is accepted, in bytes.
pub const MAX_LENGTH: usize = 2_000;
/// The most resource indicators that one request may name.
pub const MAX_COUNT: usize = 10;

/// The absolute URI of a protected resource; it becomes the audience of a token.
///
/// Two indicators are the same resource if they are equal once scheme and host are in lower case, the scheme's
/// default port is dropped and an empty path is `/`; all else counts exactly. The text is kept as it was given.
///
/// ```
/// use grantor::resource::ResourceIndicator;
///
/// let registered: ResourceIndicator = "https://api.example".parse()?;
/// assert_eq!(registered, "HTTPS://API.example:443/".parse()?);
/// assert_ne!(registered, "https://api.example/v1".parse()?);
/// assert_eq!(registered.as_str(), "https://api.example");
/// # Ok::<(), grantor::resource::InvalidResourceIndicator>(())
/// ```
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceIndicator(Arc<Inner>);

struct Inner {
    text: String,
    folded: String,
}

/// The text is not an absolute URI without a fragment (RFC 8707 §2), or it is too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a resource indicator is an absolute URI without a fragment, of at most 2,000 bytes")]
pub struct InvalidResourceIndicator;

impl ResourceIndicator {
    /// Reads an absolute URI.
    ///
    /// # Errors
    ///
    /// [`InvalidResourceIndicator`] if it is relative, has a fragment, user info or characters outside printable
    /// ASCII, or is longer than [`MAX_LENGTH`].
    pub fn parse(text: &str) -> Result<Self, InvalidResourceIndicator> {
        let printable = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'#' | b'<' | b'>');
        if text.len() > MAX_LENGTH || !text.bytes().all(printable) {
            return Err(InvalidResourceIndicator);
        }
        let url = Url::parse(text).map_err(|_| InvalidResourceIndicator)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidResourceIndicator);
        }
        let web = matches!(url.scheme(), "http" | "https");
        if web && !text.get(url.scheme().len()..).is_some_and(|rest| rest.starts_with("://")) {
            return Err(InvalidResourceIndicator);
        }
        let folded = if web { fold(text, &url) } else { text.to_owned() };
        Ok(Self(Arc::new(Inner { text: text.to_owned(), folded })))
    }

    /// The URI as it was registered; the form that `aud` has.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
}

/// Takes scheme, host and port from the parser and the rest from the text, so that nothing but those is normalised.
fn fold(text: &str, url: &Url) -> String {
    let authority_at = url.scheme().len() + "://".len();
    let rest = text.get(authority_at..).and_then(|rest| rest.get(rest.find(['/', '?'])?..)).unwrap_or("");
    let slash = if rest.starts_with('/') { "" } else { "/" };
    format!("{}{slash}{rest}", url.origin().ascii_serialization())
}

impl PartialEq for ResourceIndicator {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.folded == other.0.folded
    }
}

impl Eq for ResourceIndicator {}

impl fmt::Debug for ResourceIndicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceIndicator({:?})", self.0.text)
    }
}

impl fmt::Display for ResourceIndicator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl std::str::FromStr for ResourceIndicator {
    type Err = InvalidResourceIndicator;

    fn from_str(text: &str) -> Result<Self, InvalidResourceIndicator> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ResourceIndicator {
    type Error = InvalidResourceIndicator;

    fn try_from(text: String) -> Result<Self, InvalidResourceIndicator> {
        Self::parse(&text)
    }
}

impl From<ResourceIndicator> for String {
    fn from(resource: ResourceIndicator) -> Self {
        resource.as_str().to_owned()
    }
}

/// The resources that a grant or a token reaches; a token without any is for whoever accepts it.
///
/// Cloning shares the list.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(from = "Vec<ResourceIndicator>", into = "Vec<ResourceIndicator>")]
pub struct Resources(Option<Arc<[ResourceIndicator]>>);

impl Resources {
    /// The resources, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ResourceIndicator> {
        self.0.iter().flat_map(|list| list.iter())
    }

    /// Whether there is no resource at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The entry that is the same resource as `resource`, in its own spelling.
    #[must_use]
    pub fn find(&self, resource: &ResourceIndicator) -> Option<&ResourceIndicator> {
        self.iter().find(|own| *own == resource)
    }

    /// Whether whatever `other` reaches is reached by these, too; no resource at all reaches every one.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        self.is_empty() || (!other.is_empty() && other.iter().all(|resource| self.find(resource).is_some()))
    }
}

impl From<Vec<ResourceIndicator>> for Resources {
    fn from(list: Vec<ResourceIndicator>) -> Self {
        if list.is_empty() { Self(None) } else { Self(Some(list.into())) }
    }
}

impl From<Resources> for Vec<ResourceIndicator> {
    fn from(resources: Resources) -> Self {
        resources.iter().cloned().collect()
    }
}

impl FromIterator<ResourceIndicator> for Resources {
    fn from_iter<I: IntoIterator<Item = ResourceIndicator>>(resources: I) -> Self {
        Self::from(resources.into_iter().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_malformed_and_fragment_uris_are_refused() {
        for text in
            ["foo", "/x", "https://a#b", "https://a#", "mcp.example.com", "https:/a", "https://u@a/", "https://ä", ""]
        {
            assert!(ResourceIndicator::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_scheme_host_default_port_and_empty_path_are_folded() {
        let one = ResourceIndicator::parse("https://api.test/one").unwrap();
        assert_eq!(one, ResourceIndicator::parse("HTTPS://API.test:443/one").unwrap());
        for other in
            ["https://api.test/one/", "https://api.test/One", "https://api.test/x/../one", "https://api.test/%6Fne"]
        {
            assert_ne!(one, ResourceIndicator::parse(other).unwrap(), "{other}");
        }
        let query = ResourceIndicator::parse("https://api.test?x=1").unwrap();
        assert_eq!(query, ResourceIndicator::parse("https://api.test/?x=1").unwrap());
    }
}
