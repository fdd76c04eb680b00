//! What the endpoints that speak JSON fail with.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::{ErrorReason, StoreError};
use crate::configuration::Words;

/// A refused request to the token, revocation, introspection or registration endpoint (RFC 6749 §5.2).
///
/// [`into_http`](Self::into_http) makes the response; the client learns the code and the description, and never the
/// source.
#[derive(Debug)]
pub struct EndpointError {
    reason: ErrorReason,
    description: Option<Cow<'static, str>>,
    words: Words,
    challenge: Challenge,
    source: Option<StoreError>,
    retry_after: Option<Duration>,
}

/// What a 401 names as the way to authenticate (RFC 9110 §11.6.1 wants it on every 401).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Challenge {
    /// `Basic`, for this realm.
    Basic(String),
    /// `Bearer`, for this realm.
    Bearer(String),
}

impl EndpointError {
    pub(crate) fn new(reason: ErrorReason, challenge: Challenge) -> Self {
        Self { reason, description: None, words: Words::default(), challenge, source: None, retry_after: None }
    }

    pub(crate) fn with_description(mut self, description: impl Into<Cow<'static, str>>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Says it as the operator wants it said.
    pub(crate) fn with_words(mut self, words: Words) -> Self {
        self.words = words;
        self
    }

    pub(crate) fn with_source(mut self, source: StoreError) -> Self {
        self.source = Some(source);
        self
    }

    pub(crate) const fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// How long the client should wait, if it called too often.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The cause, for logs and counters; a client is told no more than its code and description.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// What the client is told in words.
    #[must_use]
    pub fn description(&self) -> &str {
        let own = self.words.replacement().or(self.description.as_deref());
        own.unwrap_or_else(|| self.reason.description())
    }

    pub(crate) const fn words(&self) -> &Words {
        &self.words
    }

    /// What a 401 names as the way to authenticate.
    #[must_use]
    pub const fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// The failure of a store behind it, for the operator's log.
    #[must_use]
    pub const fn store_error(&self) -> Option<&StoreError> {
        self.source.as_ref()
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.description())
    }
}

impl std::error::Error for EndpointError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
