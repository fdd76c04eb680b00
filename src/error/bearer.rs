//! What a protected resource refuses with.

use std::fmt;
use std::sync::Arc;

use super::{ErrorReason, StoreError};
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
    source: Option<StoreError>,
}

/// What every challenge of one resource server says.
#[derive(Clone, Debug)]
pub(crate) struct ChallengeContext {
    /// Who asks.
    pub(crate) realm: String,
    /// Where the protected resource metadata is (RFC 9728 §5.1).
    pub(crate) resource_metadata: Option<String>,
    /// Who is told.
    pub(crate) telemetry: Telemetry,
}

impl BearerError {
    pub(crate) const fn new(context: Arc<ChallengeContext>, reason: ErrorReason) -> Self {
        Self { context, scope: None, reason, source: None }
    }

    pub(crate) fn store(context: Arc<ChallengeContext>, error: StoreError) -> Self {
        Self { context, scope: None, reason: error.reason(), source: Some(error) }
    }

    pub(crate) fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
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
        write!(f, "{}: {}", self.reason.name(), self.reason.description())
    }
}

impl std::error::Error for BearerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
