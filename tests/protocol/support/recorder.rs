//! What the operator is told.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use grantor::error::ErrorReason;
use grantor::observer::{Endpoint, Event, Observer};

use super::output::Everywhere;

/// Keeps every event as the text that a log would show, and the refusals with their cause.
#[derive(Debug, Default)]
pub struct Recorder {
    events: Mutex<Vec<String>>,
    refusals: Mutex<Vec<Refused>>,
}

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refused {
    pub endpoint: Endpoint,
    pub reason: ErrorReason,
    /// The failure of a store behind it, down to what the store itself says.
    pub cause: Option<String>,
}

impl Observer for Recorder {
    fn observe(&self, event: &Event<'_>) {
        Everywhere.observe(event);
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{event:?}"));
        if let Event::Refused { endpoint, reason, source, .. } = event {
            let cause = source.and_then(|error| error.source()).map(ToString::to_string);
            let refused = Refused { endpoint: *endpoint, reason: *reason, cause };
            self.refusals.lock().unwrap_or_else(PoisonError::into_inner).push(refused);
        }
    }
}

impl Recorder {
    /// What was recorded so far, and forgets it.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// The refusals so far, and forgets them.
    pub fn refusals(&self) -> Vec<Refused> {
        std::mem::take(&mut self.refusals.lock().unwrap())
    }
}
