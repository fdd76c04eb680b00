//! Redirect URIs: where an authorization response may go (RFC 6749 §3.1.2, OAuth 2.1 §2.3, RFC 8252).

mod destination;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::client::Environment;

pub use destination::{DestinationPattern, InvalidDestination, RedirectDestinations};

/// The longest redirect URI that is accepted, in bytes.
pub const MAX_LENGTH: usize = 2_000;

/// A redirect URI as it was registered.
///
/// Comparison is by character (RFC 3986 §6.2.1), but for the port of an `http` loopback URI, which is free
/// (RFC 8252 §7.3). The text is never written anew: what was registered is what a `Location` begins with.
///
/// Three forms exist, and nothing else is a redirect URI:
///
/// * `https://…` with a host;
/// * `http://127.0.0.1…`, `http://[::1]…` and `http://localhost…`, with or without a port;
/// * a private-use scheme (RFC 8252 §7.1). Whether one without a dot (`cursor:`) is accepted is the operator's
///   choice; schemes that a browser acts upon itself (`javascript:`, `data:`, …) never are.
///
/// ```
/// use grantor::redirect_uri::RedirectUri;
///
/// let registered: RedirectUri = "http://127.0.0.1/callback".parse()?;
/// assert!(registered.matches("http://127.0.0.1:51004/callback"));
/// assert!(!registered.matches("http://localhost:51004/callback"));
/// # Ok::<(), grantor::redirect_uri::InvalidRedirectUri>(())
/// ```
#[derive(Clone, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri {
    text: Arc<str>,
    form: Form,
}

/// What kind of destination a redirect URI is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// `https`: a web site, or an app that claimed the URI from its operating system (RFC 8252 §7.2).
    Https,
    /// `http` on a loopback address: a native app that listens on the user's own machine (RFC 8252 §7.3).
    Loopback(Loopback),
    /// A private-use scheme: a native app that registered it with its operating system (RFC 8252 §7.1).
    PrivateUse,
}

/// Which loopback host a redirect URI names. The three are never interchangeable.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Loopback {
    /// `127.0.0.1`
    V4,
    /// `[::1]`
    V6,
    /// `localhost`, which a machine may resolve elsewhere (RFC 8252 §8.3)
    Localhost,
}

/// Why a text is not a redirect URI.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRedirectUri {
    /// A space, backslash, quote, wildcard, control or non-ASCII character.
    #[error("a redirect URI is made of printable ASCII without spaces, backslashes, quotes and wildcards")]
    Character,
    /// A `#`, even an empty fragment (RFC 6749 §3.1.2).
    #[error("a redirect URI has no fragment")]
    Fragment,
    /// No scheme, no host, or a port outside 1 to 65535.
    #[error("a redirect URI is absolute, with a valid host and port")]
    NotAbsolute,
    /// `http` to anything but a loopback host.
    #[error("http is for loopback hosts (127.0.0.1, [::1], localhost); use https")]
    PlainHttp,
    /// A query parameter that the authorization response uses itself.
    #[error("the query of a redirect URI must not contain code, state, iss, error or response")]
    ReservedParameter,
    /// A scheme that is dangerous, or that the operator does not accept.
    #[error("this scheme is not accepted for redirect URIs")]
    Scheme,
    /// Longer than [`MAX_LENGTH`].
    #[error("a redirect URI has at most 2,000 bytes")]
    TooLong,
    /// `user:password@`.
    #[error("a redirect URI has no user info")]
    UserInfo,
}

/// Schemes that a browser or an operating system acts upon itself; they are no redirect URIs whatever a policy says.
const DANGEROUS_SCHEMES: [&str; 20] = [
    "about",
    "blob",
    "chrome",
    "data",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "mailto",
    "ms-its",
    "resource",
    "sms",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

const RESPONSE_PARAMETERS: [&str; 7] = ["code", "error", "error_description", "error_uri", "iss", "response", "state"];

impl RedirectUri {
    /// Reads a redirect URI.
    ///
    /// # Errors
    ///
    /// [`InvalidRedirectUri`] tells which rule is broken.
    pub fn parse(text: &str) -> Result<Self, InvalidRedirectUri> {
        if text.len() > MAX_LENGTH {
            return Err(InvalidRedirectUri::TooLong);
        }
        let refused =
            |byte: u8| matches!(byte, b'\\' | b'"' | b'\'' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | b'*');
        if text.bytes().any(|byte| !byte.is_ascii_graphic() || refused(byte)) {
            return Err(InvalidRedirectUri::Character);
        }
        if text.contains('#') {
            return Err(InvalidRedirectUri::Fragment);
        }
        let (scheme, rest) = text.split_once(':').ok_or(InvalidRedirectUri::NotAbsolute)?;
        let url = Url::parse(text).map_err(|_| InvalidRedirectUri::NotAbsolute)?;
        if url.query_pairs().any(|(name, _)| RESPONSE_PARAMETERS.contains(&&*name)) {
            return Err(InvalidRedirectUri::ReservedParameter);
        }
        let form = match scheme.to_ascii_lowercase().as_str() {
            "https" => web_authority(rest).map(|_| Form::Https),
            "http" => web_authority(rest)
                .and_then(|host| loopback(host).ok_or(InvalidRedirectUri::PlainHttp))
                .map(Form::Loopback),
            scheme if DANGEROUS_SCHEMES.contains(&scheme) => Err(InvalidRedirectUri::Scheme),
            _ if rest.is_empty() => Err(InvalidRedirectUri::NotAbsolute),
            _ if !url.username().is_empty() || url.password().is_some() => Err(InvalidRedirectUri::UserInfo),
            _ => Ok(Form::PrivateUse),
        }?;
        Ok(Self { text: text.into(), form })
    }

    /// Whether an authorization request that asks for `requested` may be answered there.
    #[must_use]
    pub fn matches(&self, requested: &str) -> bool {
        if *self.text == *requested {
            return true;
        }
        let Form::Loopback(_) = self.form else { return false };
        match (split_port(&self.text), split_port(requested)) {
            (Some(registered), Some(requested)) => registered == requested,
            _ => false,
        }
    }

    /// The text, exactly as it was registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What kind of destination this is.
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// The scheme, in lower case.
    #[must_use]
    pub fn scheme(&self) -> String {
        self.text.split(':').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// What a consent page shows of the destination: the host in its ASCII form, or the scheme of a private-use URI.
    #[must_use]
    pub fn display_host(&self) -> String {
        match self.form {
            Form::PrivateUse => format!("{}:", self.scheme()),
            _ => host_of(&self.text).to_ascii_lowercase(),
        }
    }

    /// Whether the host is this very machine, whatever the scheme: nobody can claim such a URI for one app.
    pub(crate) fn names_this_machine(&self) -> bool {
        let host = self.display_host();
        host == "localhost"
            || host == "[::1]"
            || host.split('.').all(|label| label.starts_with(|c: char| c.is_ascii_digit()))
    }

    pub(crate) fn shared_text(&self) -> &Arc<str> {
        &self.text
    }
}

/// The host (with its port taken off) of a text that was checked to have an authority.
fn host_of(text: &str) -> &str {
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    authority
        .rsplit_once(':')
        .filter(|(host, _)| !host.contains('[') || host.ends_with(']'))
        .map_or(authority, |(host, _)| host)
}

/// Checks `//host[:port]…` by its text and returns the host; a URL parser would forgive too much here.
fn web_authority(after_scheme: &str) -> Result<&str, InvalidRedirectUri> {
    let rest = after_scheme.strip_prefix("//").ok_or(InvalidRedirectUri::NotAbsolute)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(InvalidRedirectUri::UserInfo);
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, after)) => (authority.get(..inner.len() + 2).unwrap_or_default(), after),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if host.is_empty() || host.contains('%') || !(port.is_empty() || is_port(port)) {
        return Err(InvalidRedirectUri::NotAbsolute);
    }
    Ok(host)
}

fn loopback(host: &str) -> Option<Loopback> {
    match host {
        "127.0.0.1" => Some(Loopback::V4),
        "[::1]" => Some(Loopback::V6),
        "localhost" => Some(Loopback::Localhost),
        _ => None,
    }
}

/// `:` and 1 to 65535 in plain digits; nothing may be smuggled in the port's place.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else { return false };
    digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0') && digits.parse::<u16>().is_ok()
}

/// `http://` and a loopback host, and what follows the port if there is one.
fn split_port(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
    let after = rest.get(host.len()..)?;
    let (port, tail) = after.split_at(after.find(['/', '?']).unwrap_or(after.len()));
    let printable = tail.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (printable && (port.is_empty() || is_port(port))).then_some((host, tail))
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedirectUri({:?})", &*self.text)
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for RedirectUri {
    type Err = InvalidRedirectUri;

    fn from_str(text: &str) -> Result<Self, InvalidRedirectUri> {
        Self::parse(text)
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = InvalidRedirectUri;

    fn try_from(text: String) -> Result<Self, InvalidRedirectUri> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.as_str().to_owned()
    }
}

/// Which redirect URIs the operator accepts, beyond what [`RedirectUri`] itself demands.
///
/// # Defaults
///
/// `localhost` is accepted, and private-use schemes need a dot (`com.example.app`, OAuth 2.1 §2.3.1).
#[derive(Clone, Debug)]
pub struct RedirectUriPolicy {
    localhost: LocalhostRedirects,
    schemes: Vec<String>,
}

/// Whether `http://localhost` is a redirect URI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LocalhostRedirects {
    /// Accepted, with any port, as `127.0.0.1` is.
    Accepted,
    /// Refused: `localhost` may resolve to another machine (RFC 8252 §8.3).
    Refused,
}

impl RedirectUriPolicy {
    /// The default policy.
    #[must_use]
    pub const fn new() -> Self {
        Self { localhost: LocalhostRedirects::Accepted, schemes: Vec::new() }
    }

    /// Decides about `localhost`.
    #[must_use]
    pub const fn with_localhost(mut self, localhost: LocalhostRedirects) -> Self {
        self.localhost = localhost;
        self
    }

    /// Accepts the private-use schemes without a dot of apps that are known to register themselves: `claude`, `cursor`,
    /// `vscode`, `vscode-insiders` and `windsurf`.
    #[must_use]
    pub fn with_known_app_schemes(self) -> Self {
        ["claude", "cursor", "vscode", "vscode-insiders", "windsurf"].into_iter().fold(self, Self::with_scheme)
    }

    /// Accepts a private-use scheme that has no dot, such as `cursor` or `vscode`. Without effect for a dangerous one.
    #[must_use]
    pub fn with_scheme(mut self, scheme: &str) -> Self {
        self.schemes.push(scheme.to_ascii_lowercase());
        self
    }

    /// Whether `uri` may be registered and used, as far as the client is of no environment in particular.
    #[must_use]
    pub fn accepts(&self, uri: &RedirectUri) -> bool {
        match uri.form() {
            Form::Loopback(Loopback::Localhost) => self.localhost == LocalhostRedirects::Accepted,
            Form::PrivateUse => {
                let scheme = uri.scheme();
                scheme.contains('.') || self.schemes.contains(&scheme)
            }
            _ => true,
        }
    }

    /// Whether `uri` may be registered and used by a client of this environment: in development every loopback host is
    /// accepted, in production none, and else the policy decides alone.
    #[must_use]
    pub fn accepts_in(&self, environment: Environment, uri: &RedirectUri) -> bool {
        match (environment, uri.form()) {
            (Environment::Development, Form::Loopback(_)) => true,
            (Environment::Production, Form::Loopback(_)) => false,
            _ => self.accepts(uri),
        }
    }
}

impl Default for RedirectUriPolicy {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
#[path = "redirect_uri/tests.rs"]
mod tests;
