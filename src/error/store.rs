//! What stores fail with.

use std::fmt;

use super::ErrorReason;

/// A store could not do what it was asked to. Absence is not an error, and neither is losing a race.
///
/// The source is for the operator; a client only learns that the server is in trouble, and never that its grant is bad.
#[derive(Debug)]
pub struct StoreError {
    retry: Retry,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Whether the same call can succeed later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retry {
    /// It can: no connection, a full pool, a time-out, a lock.
    CanHelp,
    /// It cannot: a row that cannot be read, a missing table.
    CannotHelp,
}

impl StoreError {
    /// The store cannot answer now, but may later: no connection, a full pool, a time-out.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { retry: Retry::CanHelp, source: source.into() }
    }

    /// The store failed in a way that trying again will not mend.
    pub fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { retry: Retry::CannotHelp, source: source.into() }
    }

    /// Whether the same call can succeed later.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        self.retry
    }

    /// The reason that goes with it.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        match self.retry {
            Retry::CanHelp => ErrorReason::StoreUnavailable,
            Retry::CannotHelp => ErrorReason::StoreFailed,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.retry {
            Retry::CanHelp => "the store is unavailable",
            Retry::CannotHelp => "the store failed",
        })
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
