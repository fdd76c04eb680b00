//! For how long a document is not fetched again.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES};

use crate::clock::Timestamp;

/// For how long what was fetched is used again, within one process.
///
/// The host of the document says so, by `Cache-Control`, `Age` and `Expires` (RFC 9111), as far as the operator lets it.
/// A document that says `no-store`, `no-cache` or `private` is used for the request that it was fetched for.
///
/// A failure is remembered only so that nobody can make the server ask without end. Nothing is used beyond its time, also
/// if it cannot be fetched again: whoever takes a document away is believed.
///
/// # Defaults
///
/// | | |
/// |---|---|
/// | a document that does not say | 5 minutes |
/// | the shortest | none: what the host says |
/// | the longest | 24 hours |
/// | a failure | 10 seconds |
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DocumentCaching {
    unsaid: Duration,
    shortest: Duration,
    longest: Duration,
    failure: Duration,
}

impl DocumentCaching {
    /// The longest that a failure is remembered.
    pub const MAX_FAILURE: Duration = Duration::from_mins(1);

    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            unsaid: Duration::from_mins(5),
            shortest: Duration::ZERO,
            longest: Duration::from_hours(24),
            failure: Duration::from_secs(10),
        }
    }

    /// Sets for how long a document is used whose host does not say so.
    #[must_use]
    pub const fn with_unsaid(mut self, duration: Duration) -> Self {
        self.unsaid = duration;
        self
    }

    /// Sets for how long a document is used at least, whatever its host says, also `no-store`.
    #[must_use]
    pub const fn with_shortest(mut self, duration: Duration) -> Self {
        self.shortest = duration;
        self
    }

    /// Sets for how long a document is used at most, whatever its host says. It wins over the shortest.
    #[must_use]
    pub const fn with_longest(mut self, duration: Duration) -> Self {
        self.longest = duration;
        self
    }

    /// Sets for how long a URL is not asked again that failed; more than [`MAX_FAILURE`](Self::MAX_FAILURE) counts as that.
    #[must_use]
    pub const fn with_failure(mut self, duration: Duration) -> Self {
        self.failure = if duration.as_millis() > Self::MAX_FAILURE.as_millis() { Self::MAX_FAILURE } else { duration };
        self
    }

    /// For how long a failure is remembered.
    pub(crate) const fn failure(&self) -> Duration {
        self.failure
    }

    /// For how long an answer with these headers is used, that came `now`.
    pub(crate) fn lifetime(&self, headers: &HeaderMap, now: Timestamp) -> Duration {
        let said = said(headers, now).map(|lifetime| lifetime.saturating_sub(age(headers)));
        said.unwrap_or(self.unsaid).max(self.shortest).min(self.longest)
    }
}

impl Default for DocumentCaching {
    fn default() -> Self {
        Self::new()
    }
}

/// What the host says, in the order of RFC 9111 §4.2.1: this is a cache that many people share.
fn said(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let (mut own, mut shared) = (None, None);
    for directive in directives(headers) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" | "private" => return Some(Duration::ZERO),
            "max-age" => own = shorter(own, value),
            "s-maxage" => shared = shorter(shared, value),
            _ => {}
        }
    }
    shared.or(own).or_else(|| expires(headers, now))
}

fn directives(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CACHE_CONTROL).iter();
    // A value that is no text could say anything: keep nothing.
    values.flat_map(|value| value.to_str().unwrap_or("no-store").split(',')).map(str::trim)
}

/// Of several the shortest, and of what cannot be read nothing (RFC 9111 §4.2.1).
fn shorter(known: Option<Duration>, value: &str) -> Option<Duration> {
    let value = seconds(value).unwrap_or_default();
    Some(known.map_or(value, |known| known.min(value)))
}

fn seconds(text: &str) -> Option<Duration> {
    let digits = text.trim().trim_matches('"');
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // RFC 9111 §1.2.2: what is too large to be counted is as large as can be.
    is_number.then(|| Duration::from_secs(digits.parse().unwrap_or(u64::MAX)))
}

/// The time between `Date` and `Expires`; a malformed one is in the past (RFC 9111 §5.3).
fn expires(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let expires = headers.get(EXPIRES)?;
    let date = |value: &http::HeaderValue| {
        let date = value.to_str().ok().and_then(|text| httpdate::parse_http_date(text).ok())?;
        let since = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(Timestamp::from_unix_millis(0).saturating_add(since))
    };
    let sent = headers.get(DATE).and_then(date).unwrap_or(now);
    Some(date(expires).map_or(Duration::ZERO, |expires| expires.duration_since(sent)))
}

/// How old the answer was when it came.
fn age(headers: &HeaderMap) -> Duration {
    headers.get(AGE).and_then(|value| value.to_str().ok()).and_then(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn lifetime(caching: DocumentCaching, headers: &[(&str, &str)]) -> Duration {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        // 1994-11-15 08:12:31 UTC
        caching.lifetime(&map, Timestamp::from_unix_millis(784_887_151_000))
    }

    // CIMD-017
    #[test]
    fn the_host_says_for_how_long_within_bounds() {
        let caching = DocumentCaching::new();
        for (headers, expected) in [
            (&[][..], 5 * MINUTE),
            (&[("cache-control", "public")], 5 * MINUTE),
            (&[("cache-control", "max-age=60")], MINUTE),
            (&[("cache-control", "public, Max-Age = \"60\" ,immutable")], MINUTE),
            (&[("cache-control", "max-age=60"), ("cache-control", "s-maxage=120")], 2 * MINUTE),
            (&[("cache-control", "max-age=600, max-age=60")], MINUTE),
            (&[("cache-control", "max-age=60"), ("age", "45")], MINUTE / 4),
            (&[("cache-control", "max-age=60"), ("age", "61")], Duration::ZERO),
            (&[("cache-control", "max-age=1000000000")], 24 * 60 * MINUTE),
            (&[("cache-control", "max-age=99999999999999999999999")], 24 * 60 * MINUTE),
            (&[("cache-control", "max-age=0")], Duration::ZERO),
            (&[("cache-control", "max-age=-1")], Duration::ZERO),
            (&[("cache-control", "max-age=abc")], Duration::ZERO),
            (&[("cache-control", "max-age")], Duration::ZERO),
            (&[("cache-control", "no-store")], Duration::ZERO),
            (&[("cache-control", "max-age=60, NO-CACHE")], Duration::ZERO),
            (&[("cache-control", "max-age=60"), ("cache-control", "private")], Duration::ZERO),
            (&[("expires", "Tue, 15 Nov 1994 08:13:31 GMT")], MINUTE),
            (&[("date", "Tue, 15 Nov 1994 08:13:01 GMT"), ("expires", "Tue, 15 Nov 1994 08:13:31 GMT")], MINUTE / 2),
            (&[("expires", "Tue, 15 Nov 1994 08:12:30 GMT")], Duration::ZERO),
            (&[("expires", "0")], Duration::ZERO),
            (&[("expires", "0"), ("cache-control", "max-age=60")], MINUTE),
        ] {
            assert_eq!(lifetime(caching, headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn the_operator_has_the_last_word() {
        let caching = DocumentCaching::new()
            .with_unsaid(2 * MINUTE)
            .with_shortest(MINUTE)
            .with_longest(3 * MINUTE)
            .with_failure(5 * MINUTE);
        assert_eq!(lifetime(caching, &[]), 2 * MINUTE);
        assert_eq!(lifetime(caching, &[("cache-control", "no-store")]), MINUTE);
        assert_eq!(lifetime(caching, &[("cache-control", "max-age=600")]), 3 * MINUTE);
        assert_eq!(lifetime(caching.with_longest(Duration::ZERO), &[]), Duration::ZERO);
        assert_eq!(caching.failure(), MINUTE);
    }
}
