//! Hosts, as an operator names them: [`HostPattern`].

use std::str::FromStr;

use url::{Host, Url};

/// One host, `client.example`, or all below it, `*.client.example`, which is not `client.example` itself.
///
/// ```
/// use grantor::host_pattern::HostPattern;
///
/// let pattern: HostPattern = "*.client.example".parse()?;
/// assert!(pattern.matches("pages.client.example"));
/// assert!(!pattern.matches("client.example") && !pattern.matches("evilclient.example"));
/// # Ok::<(), grantor::host_pattern::InvalidHostPattern>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostPattern {
    name: String,
    reach: Reach,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reach {
    Host,
    Below,
}

/// The text is not a host, nor `*.` and the name of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a host pattern is a host in lower case and ASCII, or *. and the name of one")]
pub struct InvalidHostPattern;

impl HostPattern {
    /// Reads a pattern. A host is spelled as a browser would, once it has read it: an IP address as that, an
    /// internationalized name in its ASCII form, and without a port.
    ///
    /// # Errors
    ///
    /// [`InvalidHostPattern`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidHostPattern> {
        let (name, reach) = match text.strip_prefix("*.") {
            Some(name) => (name, Reach::Below),
            None => (text, Reach::Host),
        };
        let url = Url::parse(&format!("https://{name}/")).map_err(|_| InvalidHostPattern)?;
        let spelled = url.host_str() == Some(name) && !name.contains('*') && !name.split('.').any(str::is_empty);
        match (url.host(), reach) {
            (Some(Host::Domain(_)), _) | (Some(_), Reach::Host) if spelled => Ok(Self { name: name.to_owned(), reach }),
            _ => Err(InvalidHostPattern),
        }
    }

    /// Whether the pattern stands for this host, which is in lower case and ASCII.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        match self.reach {
            Reach::Host => host == self.name,
            Reach::Below => host.strip_suffix(self.name.as_str()).is_some_and(|rest| rest.ends_with('.')),
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHostPattern;

    fn from_str(text: &str) -> Result<Self, InvalidHostPattern> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_host_or_all_hosts_below_one() {
        for text in ["a", "a.test", "xn--bcher-kva.test", "*.test", "10.0.0.1", "[::1]", "localhost"] {
            assert!(HostPattern::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "*",
            "*.",
            "*.*.test",
            "a.*.test",
            "a/b",
            "a:443",
            "A.test",
            "a.test.",
            ".a.test",
            "a..test",
            "010.0.0.1",
            "*.10.0.0.1",
            "*.[::1]",
            "u@a.test",
            "a?b",
            "a#b",
            "b\u{fc}cher.test",
            " a",
            "https://a",
        ] {
            assert_eq!(HostPattern::parse(text), Err(InvalidHostPattern), "{text}");
        }
    }
}
