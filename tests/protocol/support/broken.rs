//! A server whose store fails when it is told to, and what must be said of that.

use std::sync::Arc;

use grantor::error::{ErrorReason, Retry};
use grantor::observer::Endpoint;

use super::failing::{CAUSE, Failing, Fault};
use super::{Answer, Recorder, Setup};

/// A server, the store behind it, and the operator.
pub struct Broken {
    pub setup: Setup,
    failing: Arc<Failing>,
    recorder: Arc<Recorder>,
}

impl Broken {
    /// One on each store.
    pub async fn both() -> Vec<Self> {
        let mut both = Vec::new();
        for start in Setup::both_starts().await {
            let (failing, recorder) = (Arc::new(Failing::default()), Arc::new(Recorder::default()));
            let observer = recorder.clone();
            let setup = Setup::intercepted(start, &failing, |builder| builder.observer(observer)).await;
            both.push(Self { setup, failing, recorder });
        }
        both
    }

    /// The next call fails this way.
    pub fn arm(&self, fault: Fault) {
        drop(self.recorder.refusals());
        self.failing.arm(fault);
    }

    /// The store failed, and the operator was told once, with the cause.
    #[track_caller]
    pub fn expect_told(&self, fault: Fault, endpoint: Endpoint) {
        assert!(self.failing.has_failed(), "{fault:?} never happened");
        let reason = reason(fault);
        let refusals = self.recorder.refusals();
        assert_eq!(refusals.len(), 1, "{fault:?} {refusals:?}");
        let told = (refusals[0].endpoint, refusals[0].reason, refusals[0].cause.as_deref());
        assert_eq!(told, (endpoint, reason, Some(CAUSE)), "{fault:?}");
    }

    /// The client is told that the server is in trouble, and nothing else; the operator is told why (TOK-011, LOG-008).
    #[track_caller]
    pub fn expect_trouble(&self, answer: Answer, fault: Fault, endpoint: Endpoint) {
        expect_nothing_internal(&format!("{:?} {}", answer.headers, answer.body));
        match fault.retry {
            Retry::CanHelp => {
                let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
                assert!(seconds.is_some_and(|seconds| seconds > 0), "{fault:?} {answer:?}");
                answer.expect_error(503, "temporarily_unavailable");
            }
            _ => {
                assert!(answer.header("retry-after").is_none(), "{fault:?} {answer:?}");
                answer.expect_error(500, "server_error");
            }
        }
        self.expect_told(fault, endpoint);
    }
}

/// What a fault is for the operator.
pub fn reason(fault: Fault) -> ErrorReason {
    match fault.retry {
        Retry::CanHelp => ErrorReason::StoreUnavailable,
        _ => ErrorReason::StoreFailed,
    }
}

/// No cause, no query, no host and no file of the inside (LOG-008).
#[track_caller]
pub fn expect_nothing_internal(text: &str) {
    for internal in ["db-7", "internal", "SELECT", "secrets", "src/", "panicked", "sqlite", "StoreError"] {
        assert!(!text.contains(internal), "{internal} in {text}");
    }
}
