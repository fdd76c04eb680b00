//! What the authorization endpoint fails with.

use std::fmt;
use std::time::Duration;

use super::{ErrorReason, StoreError};
use crate::configuration::{Readers, Taken};
use crate::redirect_target::RedirectTarget;

/// An authorization request or a decision that cannot be carried out.
///
/// [`answer`](Self::answer) turns it into what the browser gets.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthorizeError {
    /// Show this to the person. There is no redirect URI to trust.
    Show(Unredirectable),
    /// Send this to the client.
    Redirect(Box<Rejection>),
}

/// Something that must be shown to the person, and never redirected (RFC 6749 §4.1.2.1).
#[derive(Debug)]
pub struct Unredirectable {
    reason: ErrorReason,
    readers: Option<Box<Readers>>,
    source: Option<StoreError>,
    retry_after: Option<Duration>,
}

/// A refusal that may go to the client, because its redirect URI was checked.
#[derive(Debug)]
pub struct Rejection {
    pub(crate) target: RedirectTarget,
    pub(crate) taken: Taken,
    reason: ErrorReason,
    readers: Option<Box<Readers>>,
    source: Option<StoreError>,
}

impl Unredirectable {
    pub(crate) const fn new(reason: ErrorReason) -> Self {
        Self { reason, readers: None, source: None, retry_after: None }
    }

    /// The cause, for logs and counters; a client is told no more than its code and description.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        self.reason
    }
}

impl Rejection {
    pub(crate) const fn new(target: RedirectTarget, taken: Taken, reason: ErrorReason) -> Self {
        Self { target, taken, reason, readers: None, source: None }
    }

    pub(crate) fn store(target: RedirectTarget, taken: Taken, error: StoreError) -> Self {
        Self { target, taken, reason: error.reason(), readers: None, source: Some(error) }
    }

    /// The cause, for logs and counters; a client is told no more than its code and description.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        self.reason
    }
}

impl AuthorizeError {
    pub(crate) const fn show(reason: ErrorReason) -> Self {
        Self::Show(Unredirectable::new(reason))
    }

    /// Says when another attempt makes sense, of what is shown.
    pub(crate) const fn with_retry_after(mut self, wait: Duration) -> Self {
        if let Self::Show(shown) = &mut self {
            shown.retry_after = Some(wait);
        }
        self
    }

    /// How long the person should wait before they try again, if they did too often.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Show(shown) => shown.retry_after,
            Self::Redirect(_) => None,
        }
    }

    /// The cause, for logs and counters; a client is told no more than its code and description.
    #[must_use]
    pub const fn reason(&self) -> ErrorReason {
        match self {
            Self::Show(shown) => shown.reason,
            Self::Redirect(rejection) => rejection.reason,
        }
    }

    /// Tells which languages the person reads, by the value of the request's `Accept-Language`.
    ///
    /// It only matters if the builder was given a [`Wording`](crate::configuration::Wording) with languages. What the
    /// client asked for in `ui_locales` comes first.
    #[must_use]
    pub fn with_accept_language(mut self, value: &str) -> Self {
        if let Some(readers) = self.slot() {
            value.clone_into(&mut readers.accept_language);
        }
        self
    }

    /// Tells who is going to read it, if the operator has words of their own for that.
    pub(crate) fn for_readers(mut self, readers: Option<Box<Readers>>) -> Self {
        *self.slot() = readers;
        self
    }

    pub(crate) fn readers(&self) -> Option<&Readers> {
        match self {
            Self::Show(shown) => shown.readers.as_deref(),
            Self::Redirect(rejection) => rejection.readers.as_deref(),
        }
    }

    fn slot(&mut self) -> &mut Option<Box<Readers>> {
        match self {
            Self::Show(shown) => &mut shown.readers,
            Self::Redirect(rejection) => &mut rejection.readers,
        }
    }

    /// The failure of a store behind it, for the operator's log.
    #[must_use]
    pub const fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Show(shown) => shown.source.as_ref(),
            Self::Redirect(rejection) => rejection.source.as_ref(),
        }
    }
}

impl From<StoreError> for AuthorizeError {
    fn from(error: StoreError) -> Self {
        let reason = error.reason();
        Self::Show(Unredirectable { source: Some(error), ..Unredirectable::new(reason) })
    }
}

impl fmt::Display for AuthorizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason().name(), self.reason().description())
    }
}

impl std::error::Error for AuthorizeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.store_error().map(|error| error as _)
    }
}
