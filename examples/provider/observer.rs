//! What the authorization server decides, in the log.

use grantor::observer::{Event, Observer};

/// Writes every event to the log. Events carry identifiers, never secrets.
#[derive(Clone, Copy, Debug)]
pub struct LogEvents;

impl Observer for LogEvents {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Refused { source: Some(_), .. } => tracing::error!(target: "oauth", ?event),
            Event::Replayed { .. } => tracing::warn!(target: "oauth", ?event),
            _ => tracing::info!(target: "oauth", ?event),
        }
    }
}
