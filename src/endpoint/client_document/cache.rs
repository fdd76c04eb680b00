//! What is known of documents, for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::flights::Flights;
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::ErrorReason;

/// How many URLs something is known of at once.
const MAX_KNOWN: usize = 1_000;

/// What a URL led to: the client as its document describes it, or why there is none.
pub(super) type Outcome = Result<Arc<Client>, ErrorReason>;

/// What documents said lately, and which are being fetched. The key is the URL as it is written: one more character is
/// another client.
#[derive(Debug, Default)]
pub(crate) struct DocumentCache {
    known: Mutex<HashMap<ClientId, Known>>,
    pub(super) flights: Flights,
}

#[derive(Debug)]
struct Known {
    outcome: Outcome,
    until: Timestamp,
}

impl DocumentCache {
    /// What the URL led to lately.
    pub(super) fn find(&self, id: &ClientId, now: Timestamp) -> Option<Outcome> {
        let known = self.known();
        let known = known.get(id).filter(|known| now < known.until)?;
        Some(known.outcome.clone())
    }

    /// Remembers what the URL led to.
    pub(super) fn remember(&self, id: &ClientId, outcome: Outcome, until: Timestamp, now: Timestamp) {
        let mut known = self.known();
        if until <= now {
            known.remove(id);
            return;
        }
        if known.len() >= MAX_KNOWN && !known.contains_key(id) {
            make_room(&mut known, now);
        }
        known.insert(id.clone(), Known { outcome, until });
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ClientId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what is out of date; and if nothing is, one failure, or else what would be out of date first.
fn make_room(known: &mut HashMap<ClientId, Known>, now: Timestamp) {
    known.retain(|_, known| now < known.until);
    if known.len() < MAX_KNOWN {
        return;
    }
    let dispensable = known.iter().min_by_key(|(_, known)| (known.outcome.is_ok(), known.until));
    if let Some(id) = dispensable.map(|(id, _)| id.clone()) {
        known.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNAVAILABLE: ErrorReason = ErrorReason::ClientDocumentUnavailable;

    const fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_millis(second * 1000)
    }

    fn id(number: usize) -> ClientId {
        format!("https://client.test/{number}").parse().unwrap()
    }

    fn client(number: usize) -> Outcome {
        Ok(Arc::new(Client::public(id(number))))
    }

    #[test]
    fn what_is_known_is_forgotten_in_time() {
        let cache = DocumentCache::default();
        cache.remember(&id(1), client(1), at(60), at(0));
        assert_eq!(cache.find(&id(1), at(59)), Some(client(1)));
        assert_eq!(cache.find(&id(1), at(60)), None);
        cache.remember(&id(1), Err(UNAVAILABLE), at(60), at(0));
        assert_eq!(cache.find(&id(1), at(59)), Some(Err(UNAVAILABLE)));
        // What may not be kept takes the place of what was.
        cache.remember(&id(1), client(1), at(30), at(30));
        assert_eq!(cache.find(&id(1), at(30)), None);
    }

    #[test]
    fn memory_is_bounded_and_failures_go_first() {
        let cache = DocumentCache::default();
        cache.remember(&id(0), client(0), at(50), at(0));
        for number in 1..MAX_KNOWN {
            cache.remember(&id(number), Err(UNAVAILABLE), at(100), at(0));
        }
        for number in MAX_KNOWN..3 * MAX_KNOWN {
            cache.remember(&id(number), client(number), at(100), at(0));
            assert!(cache.known().len() <= MAX_KNOWN);
        }
        assert_eq!(cache.find(&id(1), at(0)), None);
        assert_eq!(cache.find(&id(0), at(0)), None, "of clients the one goes first that would go anyway");
        cache.remember(&id(0), client(0), at(200), at(100));
        assert_eq!(cache.known().len(), 1, "the others are out of date");
    }
}
