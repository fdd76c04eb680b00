//! Where clients that nobody vouches for may have people sent.

use std::str::FromStr;

use url::Url;

use super::{DANGEROUS_SCHEMES, Form, RedirectUri};
use crate::host_pattern::HostPattern;

/// Which of the redirect URIs that the server accepts a client may have that registers itself.
///
/// ```
/// use grantor::redirect_uri::RedirectDestinations;
///
/// let some = RedirectDestinations::new()
///     .allowing_only(["claude.ai".parse()?, "*.agents.example".parse()?, "127.0.0.1".parse()?, "cursor:".parse()?])
///     .denying(["old.agents.example".parse()?]);
/// assert!(some.accepts(&"https://eu.agents.example/callback".parse()?));
/// assert!(some.accepts(&"http://127.0.0.1:51004/callback".parse()?));
/// assert!(!some.accepts(&"https://old.agents.example/callback".parse()?));
/// assert!(!some.accepts(&"https://claude.ai.evil.example/callback".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Defaults
///
/// All of them.
#[derive(Clone, Debug, Default)]
pub struct RedirectDestinations {
    /// `None` is all.
    allowed: Option<Vec<DestinationPattern>>,
    denied: Vec<DestinationPattern>,
}

/// A place, or a family of places, that redirect URIs lead to.
///
/// | text | what it stands for |
/// |---|---|
/// | `client.example` | that host, with any port |
/// | `*.client.example` | every host below it, but not itself |
/// | `127.0.0.1`, `[::1]`, `localhost` | the user's own machine, each for itself |
/// | `cursor:` | a private-use scheme |
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DestinationPattern(Pattern);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Pattern {
    Hosts(HostPattern),
    Scheme(String),
}

/// The text is neither a host, nor `*.` and the name of one, nor a private-use scheme and a colon.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a destination is a host in lower case and ASCII, *. and the name of one, or a private-use scheme and a colon")]
pub struct InvalidDestination;

impl RedirectDestinations {
    /// Everything that the server accepts.
    #[must_use]
    pub const fn new() -> Self {
        Self { allowed: None, denied: Vec::new() }
    }

    /// Accepts these destinations, and from then on only those that were named so.
    #[must_use]
    pub fn allowing_only(mut self, destinations: impl IntoIterator<Item = DestinationPattern>) -> Self {
        self.allowed.get_or_insert_default().extend(destinations);
        self
    }

    /// Refuses these destinations, whatever else is allowed. A client that registered before is not answered there any
    /// more.
    #[must_use]
    pub fn denying(mut self, destinations: impl IntoIterator<Item = DestinationPattern>) -> Self {
        self.denied.extend(destinations);
        self
    }

    /// Whether a client may register itself, and be answered, with this redirect URI.
    #[must_use]
    pub fn accepts(&self, uri: &RedirectUri) -> bool {
        let destination = Destination::of(uri);
        let named = |patterns: &[DestinationPattern]| patterns.iter().any(|pattern| destination.is_in(&pattern.0));
        self.allowed.as_deref().is_none_or(named) && !named(&self.denied)
    }
}

/// What of a redirect URI is compared.
enum Destination {
    /// As a browser reads it, whatever way it is spelled.
    Host(String),
    Scheme(String),
    /// Nothing that a pattern could stand for.
    Nowhere,
}

impl Destination {
    fn of(uri: &RedirectUri) -> Self {
        if uri.form() == Form::PrivateUse {
            return Self::Scheme(uri.scheme());
        }
        let url = Url::parse(uri.as_str()).ok();
        let host = url.as_ref().and_then(Url::host_str);
        // A dot at the end names the same host.
        host.map_or(Self::Nowhere, |host| Self::Host(host.strip_suffix('.').unwrap_or(host).to_owned()))
    }

    fn is_in(&self, pattern: &Pattern) -> bool {
        match (self, pattern) {
            (Self::Host(host), Pattern::Hosts(hosts)) => hosts.matches(host),
            (Self::Scheme(scheme), Pattern::Scheme(name)) => scheme == name,
            _ => false,
        }
    }
}

impl DestinationPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// [`InvalidDestination`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidDestination> {
        if let Some(scheme) = text.strip_suffix(':') {
            return if is_private_use(scheme) {
                Ok(Self(Pattern::Scheme(scheme.to_owned())))
            } else {
                Err(InvalidDestination)
            };
        }
        HostPattern::parse(text).map(|hosts| Self(Pattern::Hosts(hosts))).map_err(|_| InvalidDestination)
    }
}

/// RFC 3986 §3.1, in lower case, and none that is no redirect URI or that stands for hosts.
fn is_private_use(scheme: &str) -> bool {
    let mut bytes = scheme.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.'))
        && !DANGEROUS_SCHEMES.contains(&scheme)
        && !matches!(scheme, "http" | "https")
}

impl FromStr for DestinationPattern {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, InvalidDestination> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns<const N: usize>(texts: [&str; N]) -> [DestinationPattern; N] {
        texts.map(|text| text.parse().unwrap())
    }

    fn accepts(destinations: &RedirectDestinations, uri: &str) -> bool {
        destinations.accepts(&uri.parse().unwrap())
    }

    // MCP-016
    #[test]
    fn only_what_was_named_is_accepted() {
        let some = RedirectDestinations::new().allowing_only(patterns(["claude.ai", "*.pages.test"]));
        let some = some.allowing_only(patterns(["127.0.0.1", "cursor:"]));
        for uri in [
            "https://claude.ai/api/mcp/auth_callback",
            "https://CLAUDE.ai:8443/cb",
            "https://a.pages.test/cb",
            "https://b.a.pages.test/cb",
            "http://127.0.0.1:51004/cb",
            "cursor://anysphere.cursor-mcp/oauth/callback",
        ] {
            assert!(accepts(&some, uri), "{uri}");
        }
        for uri in [
            "https://pages.test/cb",
            "https://evilpages.test/cb",
            "https://evilclaude.ai/cb",
            "https://claude.ai.evil.test/cb",
            "https://www.claude.ai/cb",
            "http://localhost/cb",
            "http://[::1]/cb",
            "cursor-evil:/cb",
            "com.example.app:/cb",
            "cursor.evil:/cb",
        ] {
            assert!(!accepts(&some, uri), "{uri}");
        }
        let none = RedirectDestinations::new().allowing_only([]);
        assert!(
            !accepts(&none, "https://claude.ai/cb") && accepts(&RedirectDestinations::new(), "https://claude.ai/cb")
        );
    }

    // ATK-010, ATK-012
    #[test]
    fn what_is_denied_is_refused_however_it_is_spelled() {
        let some = RedirectDestinations::new().denying(patterns([
            "evil.test",
            "*.evil.test",
            "10.0.0.1",
            "localhost",
            "evil:",
        ]));
        for uri in [
            "https://evil.test/cb",
            "https://EVIL.test./cb",
            "https://evil.test:8443",
            "https://a.evil.test./cb",
            "https://10.0.0.1/cb",
            "https://10.1/cb",
            "https://0x0a000001/cb",
            "https://167772161/cb",
            "http://localhost:3000/cb",
            "Evil://x/cb",
        ] {
            assert!(!accepts(&some, uri), "{uri}");
        }
        for uri in ["https://good.test/cb", "https://notevil.test/cb", "http://127.0.0.1/cb", "com.example.app:/cb"] {
            assert!(accepts(&some, uri), "{uri}");
        }
        let both = some.allowing_only(patterns(["*.evil.test", "good.test"]));
        assert!(accepts(&both, "https://good.test/cb") && !accepts(&both, "https://a.evil.test/cb"));
    }

    #[test]
    fn a_pattern_is_a_host_all_hosts_below_one_or_a_private_use_scheme() {
        for text in ["a.test", "*.test", "[::1]", "localhost", "vscode-insiders:", "com.example.app:"] {
            assert!(DestinationPattern::parse(text).is_ok(), "{text}");
        }
        for text in ["", "A.test", "a:443", "https:", "http:", "javascript:", "Cursor:", ":", "1:", "a b:", "://"] {
            assert_eq!(DestinationPattern::parse(text), Err(InvalidDestination), "{text}");
        }
    }
}
