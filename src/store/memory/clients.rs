//! The clients of a [`MemoryStore`](super::MemoryStore).

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use super::limits::full;
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::identifier::Subject;
use crate::secret::SecretHash;
use crate::store::{Deletion, Insertion, Page, Update};

/// One lock over all of it: clients are read at every request, and hardly ever change.
#[derive(Default)]
pub(super) struct Clients(RwLock<Registered>);

#[derive(Default)]
struct Registered {
    by_id: HashMap<ClientId, Arc<Client>>,
    by_owner: BTreeMap<Subject, BTreeSet<ClientId>>,
    by_review: BTreeSet<(Timestamp, ClientId)>,
}

impl Clients {
    pub(super) fn find(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.read(|clients| clients.by_id.get(id).cloned())
    }

    pub(super) fn len(&self) -> usize {
        self.read(|clients| clients.by_id.len())
    }

    pub(super) fn list(&self, owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>> {
        let start = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        let limit = usize::try_from(page.limit.get()).unwrap_or(usize::MAX);
        self.read(|clients| match clients.by_owner.get(owner) {
            Some(ids) => {
                let ids = ids.range((start, Bound::Unbounded)).take(limit);
                ids.filter_map(|id| clients.by_id.get(id).cloned()).collect()
            }
            None => Vec::new(),
        })
    }

    pub(super) fn list_due(&self, before: Timestamp, limit: NonZeroU32) -> Vec<Arc<Client>> {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        self.read(|clients| {
            let due = clients.by_review.iter().take_while(|(at, _)| *at < before).take(limit);
            due.filter_map(|(_, id)| clients.by_id.get(id).cloned()).collect()
        })
    }

    pub(super) fn insert(&self, client: &Client, limit: usize) -> Result<Insertion, StoreError> {
        self.write(|clients| {
            let count = clients.by_id.len();
            let Entry::Vacant(vacant) = clients.by_id.entry(client.id().clone()) else {
                return Ok(Insertion::Conflict);
            };
            if count >= limit {
                return Err(full("as many clients as MemoryLimits::with_clients allows"));
            }
            vacant.insert(Arc::new(client.clone()));
            clients.enter(client);
            Ok(Insertion::Inserted)
        })
    }

    pub(super) fn update(&self, client: &Client) -> Update {
        self.write(|clients| {
            let Some(stored) = clients.by_id.get_mut(client.id()) else {
                return Update::Unknown;
            };
            if stored.version() != client.version() {
                return Update::Conflict;
            }
            let updated = client.clone().with_version(client.version().wrapping_add(1));
            let replaced = std::mem::replace(stored, Arc::new(updated));
            clients.leave(&replaced);
            clients.enter(client);
            Update::Updated
        })
    }

    pub(super) fn touch_secret(&self, id: &ClientId, secret: &SecretHash, at: Timestamp) {
        self.write(|clients| {
            if let Some(stored) = clients.by_id.get_mut(id)
                && let Some(touched) = stored.touched(secret, at)
            {
                *stored = Arc::new(touched);
            }
        });
    }

    pub(super) fn delete(&self, id: &ClientId) -> Deletion {
        self.write(|clients| match clients.by_id.remove(id) {
            Some(client) => {
                clients.leave(&client);
                Deletion::Deleted
            }
            None => Deletion::Unknown,
        })
    }

    fn read<T>(&self, read: impl FnOnce(&Registered) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Registered) -> T) -> T {
        write(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Registered {
    /// Lists a client that was just stored.
    fn enter(&mut self, client: &Client) {
        if let Some(at) = client.review_at() {
            self.by_review.insert((at, client.id().clone()));
        }
        if let Some(owner) = client.owner() {
            self.by_owner.entry(owner.clone()).or_default().insert(client.id().clone());
        }
    }

    /// Forgets the places of one that is not stored any more, or not like this.
    fn leave(&mut self, client: &Client) {
        if let Some(at) = client.review_at() {
            self.by_review.remove(&(at, client.id().clone()));
        }
        let Some(owner) = client.owner() else { return };
        let Some(ids) = self.by_owner.get_mut(owner) else { return };
        ids.remove(client.id());
        if ids.is_empty() {
            self.by_owner.remove(owner);
        }
    }
}
