//! Where a browser is sent back to on the service's own pages, after an errand elsewhere.

use std::fmt;

use url::Url;

use crate::issuer::Issuer;

/// The longest target, in bytes.
const MAX: usize = 2_000;

/// An address on the service's own origin: the only kind of place that a `redirect`, `next` or `return_to` parameter
/// may lead to (RFC 9700 §4.11).
///
/// The service makes one for each [`install_link`](crate::AuthorizationServer::install_link); an app reads it from its
/// `redirect` parameter, and a page of the service that sends people on after they signed in from its own.
///
/// ```
/// use grantor::{Issuer, ReturnTarget};
///
/// let service = Issuer::parse("https://links.example")?;
/// let target = ReturnTarget::parse(&service, "https://links.example/apps/board?installed=1")?;
/// assert_eq!(target.path(), "/apps/board?installed=1");
/// for foreign in ["https://evil.example/", "//evil.example", "/\\evil.example", "https://links.example@evil.example/"]
/// {     assert!(ReturnTarget::parse(&service, foreign).is_err()); }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct ReturnTarget {
    url: String,
    path_at: usize,
}

/// The text leads to another origin, or browsers could disagree about where it leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a return target is a path, or a URL on the service's own origin, of at most 2,000 characters")]
pub struct InvalidReturnTarget;

impl ReturnTarget {
    /// Reads a path that begins with one slash, or an absolute URL on the origin of `service`; the latter must spell
    /// the origin as the issuer does, and have a path.
    ///
    /// # Errors
    ///
    /// [`InvalidReturnTarget`] for everything else: another scheme, host or port, user info, two slashes or backslashes
    /// where a path begins, control characters, spaces, and what is not ASCII.
    pub fn parse(service: &Issuer, text: &str) -> Result<Self, InvalidReturnTarget> {
        // Browsers drop tabs and line ends, and take a backslash for a slash.
        let misleading = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'"' | b'<' | b'>');
        if text.len() > MAX || text.bytes().any(misleading) {
            return Err(InvalidReturnTarget);
        }
        let origin = service.origin();
        let path = text.strip_prefix(origin).unwrap_or(text);
        let behind = path.strip_prefix('/').ok_or(InvalidReturnTarget)?;
        // Also in the form that some router or proxy decodes before it redirects.
        if ["/", "%2f", "%5c"].iter().any(|slash| starts_with(behind, slash)) {
            return Err(InvalidReturnTarget);
        }
        let url = format!("{origin}{path}");
        let there = Url::parse(&url).map_err(|_| InvalidReturnTarget)?.origin();
        if Url::parse(origin).is_ok_and(|service| service.origin() == there) {
            Ok(Self { url, path_at: origin.len() })
        } else {
            Err(InvalidReturnTarget)
        }
    }

    /// The whole URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// What follows the origin: path, query and fragment. It is a safe `Location` within the service.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.get(self.path_at..).unwrap_or_default()
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

impl fmt::Debug for ReturnTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnTarget({:?})", self.url)
    }
}

impl fmt::Display for ReturnTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ReturnTarget, InvalidReturnTarget> {
        ReturnTarget::parse(&Issuer::parse("https://links.test/tenant1").unwrap(), text)
    }

    #[test]
    fn a_path_and_a_url_on_the_origin_are_the_same_target() {
        for path in ["/", "/apps/board?installed=1&next=//x#top", "/a//b", "/apps?u=https://other.test/", "/%41"] {
            let target = parse(path).unwrap();
            assert_eq!((target.path(), target.as_str()), (path, &*format!("https://links.test{path}")));
            assert_eq!(parse(target.as_str()), Ok(target));
        }
    }

    // ATK-032
    #[test]
    fn nothing_leads_to_another_origin() {
        for text in [
            "",
            "apps",
            "https://evil.test",
            "https://evil.test/",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "\\/evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            " //evil.test",
            "\u{0}//evil.test",
            "https:evil.test",
            "https:/evil.test",
            "https:///evil.test",
            "https:\\\\evil.test",
            "/%2Fevil.test",
            "/%2fevil.test",
            "/%5Cevil.test",
            "/%5c%5cevil.test",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://links.test/apps",
            "https://links.test.evil.test/",
            "https://links.test@evil.test/",
            "https://links.test:8443/",
            "https://links.test:443@evil.test/",
            "https://links.test%2eevil.test/",
            "https://links.test\\@evil.test/",
            "https://links.test//evil.test",
            "https://links.test?next=/",
            "https://links.test#/",
            "https://u:p@links.test/",
            "https://sub.links.test/",
            "/apps\r\nSet-Cookie: a=b",
            "/apps page",
            "/äpps",
            "/\"><script>",
        ] {
            assert_eq!(parse(text), Err(InvalidReturnTarget), "{text:?}");
        }
        assert!(parse(&format!("/{}", "x".repeat(1_999))).is_ok());
        assert_eq!(parse(&format!("/{}", "x".repeat(2_000))), Err(InvalidReturnTarget));
    }

    #[test]
    fn what_a_browser_makes_of_a_target_stays_on_the_origin() {
        let base = Url::parse("https://links.test/somewhere/deep").unwrap();
        for path in
            ["/", "/.//evil.test", "/..//evil.test", "/a/../..//evil.test", "/;//evil.test", "/@evil.test", "/:80"]
        {
            let target = parse(path).unwrap();
            for location in [target.path(), target.as_str()] {
                assert_eq!(base.join(location).unwrap().origin(), base.origin(), "{location}");
            }
        }
    }
}
