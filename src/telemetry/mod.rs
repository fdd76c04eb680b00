//! Where everything that the server does passes by: each operation as a whole, and each decision in it.
//!
//! Without the features `tracing` and `metrics` an operation is the bare future, and a decision one call of the
//! observer.

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
mod bare;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod operate;
#[cfg(feature = "tracing")]
mod tracing;

use std::sync::Arc;

use crate::observer::{Event, Observer};

#[cfg(not(any(feature = "metrics", feature = "tracing")))]
pub(crate) use bare::{ended, operate};
#[cfg(feature = "metrics")]
pub use metrics::describe_metrics;
#[cfg(any(feature = "metrics", feature = "tracing"))]
pub(crate) use operate::{ended, operate};

/// Who is told of what is decided.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    observer: Arc<dyn Observer>,
}

impl Telemetry {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        #[cfg(feature = "metrics")]
        describe_metrics();
        Self { observer }
    }

    pub(crate) fn observe(&self, event: &Event<'_>) {
        #[cfg(feature = "tracing")]
        tracing::write(event);
        self.observer.observe(event);
    }
}
