//! Which grants a user or a client has.
//!
//! An entry is made and removed together with its grant, under the lock of the grant's shard. The locks here are always
//! the last to be taken, and one at a time, so that no two threads can wait for each other.
//!
//! Users and clients are known by a keyed 64-bit hash of their identifier, which spares the index the text. Two that
//! share a hash share a list, so whoever reads it compares the grant that an id leads to.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Bound;
use std::sync::Mutex;

use super::hash::BuildKeyHasher;
use super::limits::{Quota, full};
use super::{lock, pick};
use crate::client::ClientId;
use crate::error::StoreError;
use crate::grant::Grant;
use crate::identifier::Subject;
use crate::secret::GrantId;

/// How many grants of a client are read under one lock.
const CHUNK: usize = 512;

pub(super) struct Index {
    hasher: RandomState,
    subjects: Box<[Mutex<SubjectGrants>]>,
    clients: Box<[Mutex<ClientGrants>]>,
}

/// Grants by the hash of their subject, in the order of listings, with a part of the hash of their client: enough to
/// pass over nearly all grants of other clients.
type SubjectGrants = BTreeMap<(u64, GrantId), u32>;

/// Grants by the hash of their client, the newest first: so a revocation knows what was there when it began. A tree
/// takes a new first entry with the fewest comparisons.
struct ClientGrants {
    last: u64,
    grants: HashMap<u64, BTreeMap<u64, GrantId>, BuildKeyHasher>,
}

impl Default for ClientGrants {
    fn default() -> Self {
        Self { last: u64::MAX, grants: HashMap::default() }
    }
}

/// Where the grant is in the list of its client.
#[derive(Clone, Copy)]
pub(super) struct Place(u64);

impl Index {
    pub(super) fn new(shards: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            subjects: (0..shards).map(|_| Mutex::default()).collect(),
            clients: (0..shards).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts and lists a grant that is about to be stored.
    pub(super) fn enter(&self, grant: &Grant, quota: &Quota) -> Result<Place, StoreError> {
        quota.admit_grant()?;
        let client = grant.client.as_ref().map(|client| self.hasher.hash_one(client));
        let place = match client {
            Some(client) => match self.enter_client(client, grant.id, quota.limits().grants_per_client()) {
                Some(place) => place,
                None => {
                    quota.release_grant();
                    return Err(full("as many grants of this client as MemoryLimits::with_grants_per_client allows"));
                }
            },
            None => Place(0),
        };
        if let Some(subject) = &grant.subject {
            let subject = self.hasher.hash_one(subject);
            lock(pick(&self.subjects, subject)).insert((subject, grant.id), tag(client));
        }
        Ok(place)
    }

    fn enter_client(&self, client: u64, id: GrantId, limit: usize) -> Option<Place> {
        let mut shard = lock(pick(&self.clients, client));
        if shard.grants.get(&client).map_or(0, BTreeMap::len) >= limit {
            return None;
        }
        let place = shard.last.wrapping_sub(1);
        shard.last = place;
        shard.grants.entry(client).or_default().insert(place, id);
        Some(Place(place))
    }

    /// Forgets a grant that is about to be deleted.
    pub(super) fn leave(&self, grant: &Grant, place: Place, quota: &Quota) {
        if let Some(client) = &grant.client {
            let client = self.hasher.hash_one(client);
            let mut shard = lock(pick(&self.clients, client));
            if let Some(grants) = shard.grants.get_mut(&client) {
                grants.remove(&place.0);
                if grants.is_empty() {
                    shard.grants.remove(&client);
                }
            }
        }
        if let Some(subject) = &grant.subject {
            let subject = self.hasher.hash_one(subject);
            lock(pick(&self.subjects, subject)).remove(&(subject, grant.id));
        }
        quota.release_grant();
    }

    /// The grants that a user has at this instant.
    pub(super) fn of_subject(&self, subject: &Subject) -> Vec<GrantId> {
        self.page(subject, None, None, usize::MAX)
    }

    /// Up to `limit` grants of a user behind `after`, in order.
    pub(super) fn page(
        &self,
        subject: &Subject,
        client: Option<&ClientId>,
        after: Option<GrantId>,
        limit: usize,
    ) -> Vec<GrantId> {
        let subject = self.hasher.hash_one(subject);
        let client = client.map(|client| tag(Some(self.hasher.hash_one(client))));
        let start = match after {
            Some(id) => Bound::Excluded((subject, id)),
            None => Bound::Included((subject, GrantId::from_bytes([0; 16]))),
        };
        let end = Bound::Included((subject, GrantId::from_bytes([0xFF; 16])));
        let grants = lock(pick(&self.subjects, subject));
        let own = grants.range((start, end)).filter(|(_, of)| client.is_none_or(|client| **of == client));
        own.map(|((_, id), _)| *id).take(limit).collect()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.subjects.iter().all(|grants| lock(grants).is_empty())
            && self.clients.iter().all(|shard| lock(shard).grants.is_empty())
    }

    /// The grants that a client has at this instant.
    ///
    /// They are read piece by piece, so that a client with all the grants there are does not keep others waiting; those
    /// that are inserted meanwhile come before the first piece, and so are left out.
    pub(super) fn of_client(&self, client: &ClientId) -> impl Iterator<Item = GrantId> {
        let client = self.hasher.hash_one(client);
        let shard = pick(&self.clients, client);
        let mut next = Some(0);
        let chunks = std::iter::from_fn(move || {
            let from = next?;
            let shard = lock(shard);
            let chunk: Vec<_> =
                shard.grants.get(&client)?.range(from..).take(CHUNK).map(|(at, id)| (*at, *id)).collect();
            next = chunk.last().and_then(|(at, _)| at.checked_add(1));
            Some(chunk)
        });
        chunks.flatten().map(|(_, id)| id)
    }
}

const fn tag(client: Option<u64>) -> u32 {
    if let Some(hash) = client { hash as u32 } else { 0 }
}
