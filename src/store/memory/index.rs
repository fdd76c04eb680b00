//! Which grants a user has, and how many a client; and where a shard lists those of a client or tenant.
//!
//! An entry is made and removed together with its grant, under the lock of the grant's shard. The locks here are always
//! the last to be taken, and one at a time, so that no two threads can wait for each other.
//!
//! Users, clients and tenants are known by a keyed 64-bit hash of their identifier, which spares the index the text. Two that
//! share a hash share a list, so whoever reads it compares the grant that an id leads to.
//!
//! The grants of a client, and those of a tenant, are listed by shard, for there may be one for all grants, and its list
//! would be where all threads meet.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
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
use crate::identifier::{Subject, Tenant};
use crate::secret::GrantId;

pub(super) struct Index {
    hasher: RandomState,
    subjects: Box<[Mutex<SubjectGrants>]>,
    clients: Box<[Mutex<ClientCounts>]>,
}

/// Grants by the hash of their subject, in the order of listings, with a part of the hash of their client: enough to
/// pass over nearly all grants of other clients.
type SubjectGrants = BTreeMap<(u64, GrantId), u32>;

/// How many grants there are by the hash of their client.
type ClientCounts = HashMap<u64, usize, BuildKeyHasher>;

/// Where a grant is in a list of its shard: by the hash of its client or tenant, the newest first, which is where a tree takes
/// a new entry with the fewest comparisons. Serial numbers grow, so a revocation knows what came after it began.
pub(super) type Place = (u64, Reverse<u64>);

/// Where a grant is in the lists of its shard.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub(super) client: Option<Place>,
    pub(super) tenant: Option<Place>,
}

/// Whose grants a shard lists.
#[derive(Clone, Copy)]
pub(super) enum Party<'a> {
    Client(&'a ClientId),
    Tenant(&'a Tenant),
}

impl Party<'_> {
    pub(super) fn has(self, grant: &Grant) -> bool {
        match self {
            Self::Client(client) => grant.client.as_ref() == Some(client),
            Self::Tenant(tenant) => grant.tenant.as_ref() == Some(tenant),
        }
    }
}

impl Index {
    pub(super) fn new(shards: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            subjects: (0..shards).map(|_| Mutex::default()).collect(),
            clients: (0..shards).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts and lists a grant that is about to be stored.
    pub(super) fn enter(&self, grant: &Grant, quota: &Quota) -> Result<Places, StoreError> {
        let serial = quota.admit_grant()?;
        let client = grant.client.as_ref().map(|client| self.hasher.hash_one(client));
        if client.is_some_and(|client| !self.count_client(client, quota.limits().grants_per_client())) {
            quota.release_grant();
            return Err(full("as many grants of this client as MemoryLimits::with_grants_per_client allows"));
        }
        if let Some(subject) = &grant.subject {
            let subject = self.hasher.hash_one(subject);
            lock(pick(&self.subjects, subject)).insert((subject, grant.id), client.map_or(0, tag));
        }
        let tenant = grant.tenant.as_ref().map(|tenant| self.hasher.hash_one(tenant));
        let place = |hash| (hash, Reverse(serial));
        Ok(Places { client: client.map(place), tenant: tenant.map(place) })
    }

    fn count_client(&self, client: u64, limit: usize) -> bool {
        let mut counts = lock(pick(&self.clients, client));
        let count = counts.get(&client).map_or(0, |count| *count);
        let admitted = count < limit;
        if admitted {
            counts.insert(client, count.saturating_add(1));
        }
        admitted
    }

    /// Forgets a grant that is about to be deleted.
    pub(super) fn leave(&self, grant: &Grant, places: Places, quota: &Quota) {
        if let Some((client, _)) = places.client
            && let Entry::Occupied(mut count) = lock(pick(&self.clients, client)).entry(client)
        {
            *count.get_mut() = count.get().saturating_sub(1);
            if *count.get() == 0 {
                count.remove();
            }
        }
        if let Some(subject) = &grant.subject {
            let subject = self.hasher.hash_one(subject);
            lock(pick(&self.subjects, subject)).remove(&(subject, grant.id));
        }
        quota.release_grant();
    }

    pub(super) fn has_grants(&self, client: &ClientId) -> bool {
        let client = self.hasher.hash_one(client);
        lock(pick(&self.clients, client)).contains_key(&client)
    }

    /// Where the grants of a client or tenant begin of which the newest has a serial number below `serial`.
    pub(super) fn place(&self, party: Party<'_>, serial: u64) -> Place {
        let hash = match party {
            Party::Client(client) => self.hasher.hash_one(client),
            Party::Tenant(tenant) => self.hasher.hash_one(tenant),
        };
        (hash, Reverse(serial))
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
        let client = client.map(|client| tag(self.hasher.hash_one(client)));
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
            && self.clients.iter().all(|shard| lock(shard).is_empty())
    }
}

const fn tag(client: u64) -> u32 {
    client as u32
}
