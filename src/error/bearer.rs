//! What a protected resource refuses with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::{ErrorReason, StoreError};
use crate::configuration::{OFFLINE_ACCESS, WordingCatalog, Words};
use crate::scope::Scope;
use crate::telemetry::Telemetry;

/// A refused call of a protected resource (RFC 6750 §3).
///
/// [`into_http`](Self::into_http) makes the 401 or 403 with its `WWW-Authenticate`.
#[derive(Debug)]
pub struct BearerError {
    pub(crate) context: Arc<ChallengeContext>,
    pub(crate) scope: Option<Scope>,
    reason: ErrorReason,
    words: Words,
    source: Option<StoreError>,
    retry_after: Option<Duration>,
}

/// What every challenge of one resource server says.
#[derive(Clone, Debug)]
pub(crate) struct ChallengeContext {
    /// Who asks.
    pub(crate) realm: String,
    /// Where the protected resource metadata is (RFC 9728 §5.1).
    pub(crate) resource_metadata: Option<String>,
    /// Whether a client may authenticate by its secret instead of a token (RFC 7617).
    pub(crate) offers_basic: bool,
    /// What a client is told to ask for at first besides what its call needs; `None` names the latter alone, always.
    pub(crate) initial_scope: Option<Scope>,
    /// How it says so.
    pub(crate) wording: Option<Arc<WordingCatalog>>,
    /// Who is told.
    pub(crate) telemetry: Telemetry,
}

impl ChallengeContext {
    /// What to ask for, for a call that needs this scope, by a client that has `held` already.
    pub(crate) fn asked_for(&self, needed: Scope, held: Option<&Scope>) -> Scope {
        let besides = self.initial_scope.as_ref().map(|initial| held.unwrap_or(initial).without(OFFLINE_ACCESS));
        // What is needed matters more than what would be convenient.
        besides.and_then(|besides| besides.union(&needed).ok()).unwrap_or(needed)
    }

    /// How the sender of a request with these headers is told the reason.
    pub(crate) fn words(&self, reason: ErrorReason, headers: &HeaderMap) -> Words {
        self.wording.as_ref().map_or_else(Words::default, |wording| wording.description(reason, headers))
    }
}

impl BearerError {
    pub(crate) fn new(context: Arc<ChallengeContext>, reason: ErrorReason) -> Self {
        Self { context, scope: None, reason, words: Words::default(), source: None, retry_after: None }
    }

    pub(crate) fn store(context: Arc<ChallengeContext>, error: StoreError) -> Self {
        let reason = error.reason();
        Self { source: Some(error), ..Self::new(context, reason) }
    }

    pub(crate) fn limited(context: Arc<ChallengeContext>, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(context, ErrorReason::RateLimited) }
    }

    /// Names the scope to ask for in the challenge (RFC 6750 §3), in place of what it names already. Of a 401, and of a 403
    /// that more scope would turn; no scope would turn another refusal, so it stays as it is.
    ///
    /// [`ResourceServer::verify_scope`](crate::ResourceServer::verify_scope) names what a call needs, and what
    /// [`with_step_up`](crate::ResourceServer::with_step_up) adds. An API may know better.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        if self.reason.status() == 401 || self.reason == ErrorReason::ScopeInsufficient {
            self.scope = Some(scope);
        }
        self
    }

    /// Says it as the operator wants it said.
    pub(crate) fn with_words(mut self, words: Words) -> Self {
        self.words = words;
        self
    }

    /// What the client is told in words.
    #[must_use]
    pub fn description(&self) -> &str {
        self.words.replacement().unwrap_or_else(|| self.reason.description())
    }

    pub(crate) const fn words(&self) -> &Words {
        &self.words
    }

    /// How long the caller should wait, if it called too often.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The cause, for logs and counters; a client is told no more than its code and description.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// The failure of a store behind it, for the operator's log.
    #[must_use]
    pub const fn store_error(&self) -> Option<&StoreError> {
        self.source.as_ref()
    }
}

impl fmt::Display for BearerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.description())
    }
}

impl std::error::Error for BearerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
