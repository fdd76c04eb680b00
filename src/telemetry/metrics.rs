//! Counters and latencies, for whatever recorder the process has.

use std::sync::OnceLock;
use std::time::Duration;

use ::metrics::{Key, KeyName, Label, Level, Metadata, Unit, with_recorder};

use super::operate::Outcome;
use crate::error::ErrorReason;
use crate::observer::Operation;

const OPERATIONS: &str = "grantor_operations_total";
const DURATION: &str = "grantor_operation_duration_seconds";
const METADATA: Metadata<'static> = Metadata::new("grantor", Level::INFO, Some(module_path!()));

/// Outcomes that are no reason.
const OK: usize = 0;
const ABANDONED: usize = 1;
const FIRST_REASON: usize = 2;

/// The keys of each operation, made when it first ends, and those of its counters when they first count.
static KEYS: [OnceLock<Box<Keys>>; Operation::ALL.len()] = [const { OnceLock::new() }; Operation::ALL.len()];

struct Keys {
    counters: [OnceLock<Key>; FIRST_REASON + ErrorReason::ALL.len()],
    ok: Key,
    refused: Key,
    failed: Key,
    abandoned: Key,
}

fn key(name: &'static str, operation: Operation, outcome: &'static str) -> Key {
    Key::from_parts(name, vec![Label::new("operation", operation.name()), Label::new("outcome", outcome)])
}

impl Keys {
    fn new(operation: Operation) -> Self {
        let duration = |outcome| key(DURATION, operation, outcome);
        Self {
            counters: [const { OnceLock::new() }; FIRST_REASON + ErrorReason::ALL.len()],
            ok: duration("ok"),
            refused: duration("refused"),
            failed: duration("failed"),
            abandoned: duration("abandoned"),
        }
    }

    fn of(operation: Operation) -> Option<&'static Self> {
        let slot = KEYS.get(operation as usize)?;
        Some(slot.get_or_init(|| Box::new(Self::new(operation))))
    }

    fn counter(&self, operation: Operation, outcome: Outcome) -> Option<&Key> {
        let (at, name) = match outcome {
            Outcome::Ok => (OK, outcome.name()),
            Outcome::Abandoned => (ABANDONED, outcome.name()),
            Outcome::Refused(reason) | Outcome::Failed(reason) => (FIRST_REASON + reason as usize, reason.name()),
        };
        Some(self.counters.get(at)?.get_or_init(|| key(OPERATIONS, operation, name)))
    }

    const fn duration(&self, outcome: Outcome) -> &Key {
        match outcome {
            Outcome::Ok => &self.ok,
            Outcome::Refused(_) => &self.refused,
            Outcome::Failed(_) => &self.failed,
            Outcome::Abandoned => &self.abandoned,
        }
    }
}

/// Counts an operation.
pub(super) fn counted(operation: Operation, outcome: Outcome) {
    if let Some(key) = Keys::of(operation).and_then(|keys| keys.counter(operation, outcome)) {
        with_recorder(|recorder| recorder.register_counter(key, &METADATA).increment(1));
    }
}

/// Counts and times an operation.
pub(super) fn timed(operation: Operation, outcome: Outcome, elapsed: Duration) {
    counted(operation, outcome);
    if let Some(keys) = Keys::of(operation) {
        let key = keys.duration(outcome);
        with_recorder(|recorder| recorder.register_histogram(key, &METADATA).record(elapsed));
    }
}

/// Describes the metrics to the recorder of this process. Building a server does it, so call this only if the recorder
/// is installed later.
pub fn describe_metrics() {
    with_recorder(|recorder| {
        recorder.describe_counter(
            KeyName::from_const_str(OPERATIONS),
            Some(Unit::Count),
            "How often each operation of the authorization server ended, by outcome.".into(),
        );
        recorder.describe_histogram(
            KeyName::from_const_str(DURATION),
            Some(Unit::Seconds),
            "How long each operation of the authorization server took, by outcome.".into(),
        );
    });
}
