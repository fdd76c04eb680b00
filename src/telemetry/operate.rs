//! Operations: when they began, and how they ended.

#[cfg(feature = "metrics")]
use std::time::Instant;

#[cfg(feature = "tracing")]
use ::tracing::{Instrument as _, Span};

#[cfg(feature = "metrics")]
use super::metrics;
#[cfg(feature = "tracing")]
use super::tracing;
use crate::error::{AuthorizeError, BearerError, EndpointError, ErrorReason, StoreError};
use crate::observer::Operation;

/// What an operation fails with.
pub(crate) trait Failure {
    fn reason(&self) -> ErrorReason;
}

macro_rules! failures {
    ($($error:ident,)*) => {
        $(
            impl Failure for $error {
                fn reason(&self) -> ErrorReason {
                    Self::reason(self)
                }
            }
        )*
    };
}

failures! { AuthorizeError, BearerError, EndpointError, StoreError, }

/// How an operation ended.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    Ok,
    Refused(ErrorReason),
    /// A store did.
    Failed(ErrorReason),
    /// Whoever waited for it went away.
    Abandoned,
}

impl Outcome {
    fn of<E: Failure>(error: Option<&E>) -> Self {
        match error.map(Failure::reason) {
            None => Self::Ok,
            Some(reason @ (ErrorReason::StoreUnavailable | ErrorReason::StoreFailed)) => Self::Failed(reason),
            Some(reason) => Self::Refused(reason),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// An operation under way. It counts as abandoned unless something else is known when it goes.
struct Running {
    #[cfg(feature = "metrics")]
    operation: Operation,
    #[cfg(feature = "metrics")]
    began: Instant,
    #[cfg(feature = "tracing")]
    span: Span,
    outcome: Outcome,
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(feature = "metrics")]
        metrics::timed(self.operation, self.outcome, self.began.elapsed());
        #[cfg(feature = "tracing")]
        tracing::end(&self.span, self.outcome);
    }
}

/// Runs an operation that waits.
pub(crate) async fn operate<T, E: Failure>(
    operation: Operation,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut running = Running {
        #[cfg(feature = "metrics")]
        operation,
        #[cfg(feature = "metrics")]
        began: Instant::now(),
        #[cfg(feature = "tracing")]
        span: tracing::span(operation),
        outcome: Outcome::Abandoned,
    };
    #[cfg(feature = "tracing")]
    let future = future.instrument(running.span.clone());
    let result = future.await;
    running.outcome = Outcome::of(result.as_ref().err());
    result
}

/// Takes note of an operation that waited for nothing: it is counted, and not timed.
pub(crate) fn ended<E: Failure>(operation: Operation, error: Option<&E>) {
    #[cfg(feature = "metrics")]
    metrics::counted(operation, Outcome::of(error));
    #[cfg(not(feature = "metrics"))]
    let _ = (operation, error);
}
