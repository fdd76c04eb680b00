//! What happens, for the operator: one typed event per decision, with identifiers and never a secret; and what becomes
//! of it in logs, traces and metrics.
//!
//! Three ways lead to it, each independent of the others:
//!
//! * An [`Observer`], given to the builder, is told of every [`Event`].
//! * The feature `tracing` writes each event and opens a span for each operation. All it takes is a subscriber.
//! * The feature `metrics` counts and times each operation. All it takes is a recorder.
//!
//! # Events and spans
//!
//! Their target is `grantor`. The span of an [`Operation`] has its name, and these fields as far as they are known at
//! its end:
//!
//! | field | |
//! |---|---|
//! | `operation` | [`Operation::name`] |
//! | `client`, `grant`, `subject` | whom and what it was about, if that is one; `client` of a refused request may be an invention |
//! | `grant_type` | how tokens were issued |
//! | `outcome` | `ok`, `refused`, `failed` (a store did) or `abandoned` (the caller dropped the future: it hung up, or timed out) |
//! | `reason` | [`ErrorReason::name`](crate::error::ErrorReason::name) |
//!
//! An event has the field `event`, which is [`Event::name`], and the fields of its [`Event`] under their names. The
//! level says how it should be read:
//!
//! | level | events |
//! |---|---|
//! | `ERROR` | a store failed, or a rate limiter; `error` is the whole chain of causes |
//! | `WARN` | a code or a refresh token was replayed |
//! | `INFO` | every other decision |
//! | `DEBUG` | what happens all the time: a request is valid, a client proved who it is, a token was accepted or introspected, a client read its registration |
//!
//! The spans of `verify` and `introspect` are `DEBUG` as well, all others `INFO`.
//!
//! # Metrics
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `grantor_operations_total` | counter | `operation`, `outcome`: `ok`, `abandoned`, or the [name](crate::error::ErrorReason::name) of the reason |
//! | `grantor_operation_duration_seconds` | histogram | `operation`, `outcome`: `ok`, `refused`, `failed` or `abandoned` |
//!
//! Operations that wait for nothing (`sign_in`, `confirm`, `require`, `require_tenant`, `metadata`) are counted and not timed, and so is
//! what is refused before an operation begins: a wrong method, a body that is too large. No label holds what a request
//! brought in, so their number is bounded. The histogram is in seconds, of which an operation takes thousandths: give a
//! recorder that wants buckets such from 0.0001 to 1.
//!
//! The metrics are described to the recorder that is installed when a server is built. A recorder that comes later
//! counts all the same; `describe_metrics` describes them to it.
//!
//! What to watch: `store_unavailable` and `store_failed` (the store), `code_replayed` and `refresh_token_replayed` (a
//! thief, or a client that shares its tokens), `client_authentication_failed` (a secret that was rotated, or is being
//! guessed), `consent_token_invalid` (a forged form), and the time that `verify` and `token` take.

mod event;
mod operation;
mod words;

use std::fmt;

pub use event::Event;
pub use operation::Operation;

#[cfg(feature = "metrics")]
pub use crate::telemetry::describe_metrics;
pub use words::{Actor, Consent, Endpoint, Extent};

/// Watches what the server decides. It is called in the middle of requests, so it must neither block nor panic.
///
/// ```
/// use grantor::observer::{Event, Observer};
///
/// #[derive(Debug)]
/// struct ToStderr;
///
/// impl Observer for ToStderr {
///     fn observe(&self, event: &Event<'_>) {
///         eprintln!("{event:?}");
///     }
/// }
/// ```
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Is told of one event.
    fn observe(&self, event: &Event<'_>);
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn observe(&self, _event: &Event<'_>) {}
}
