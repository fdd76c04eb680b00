//! Which grants a user or a tenant has, and how many a client.
//!
//! An entry is made and removed together with its grant, under the lock of the grant's shard. The locks here are always
//! the last to be taken, and one at a time, so that no two threads can wait for each other.
//!
//! Users, tenants and clients are known by a keyed 64-bit hash of their identifier, which spares the index the text. Two that
//! share a hash share a list, so whoever reads it compares the grant that an id leads to.
//!
//! The grants of a client are listed by shard, for there may be one client for all grants, and its list would be where
//! all threads meet.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    tenants: Box<[Mutex<TenantGrants>]>,
    clients: Box<[Mutex<ClientCounts>]>,
}

/// Grants by the hash of their subject, in the order of listings, with a part of the hash of their client: enough to
/// pass over nearly all grants of other clients.
type SubjectGrants = BTreeMap<(u64, GrantId), u32>;

/// Grants by the hash of their tenant.
type TenantGrants = BTreeSet<(u64, GrantId)>;

/// How many grants there are by the hash of their client.
type ClientCounts = HashMap<u64, usize, BuildKeyHasher>;

/// Where a grant is in the list of its shard: by the hash of its client, the newest first, which is where a tree takes
/// a new entry with the fewest comparisons. Serial numbers grow, so a revocation knows what came after it began.
pub(super) type Place = (u64, Reverse<u64>);

impl Index {
    pub(super) fn new(shards: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            subjects: (0..shards).map(|_| Mutex::default()).collect(),
            tenants: (0..shards).map(|_| Mutex::default()).collect(),
            clients: (0..shards).map(|_| Mutex::default()).collect(),
        }
    }

    /// Counts and lists a grant that is about to be stored.
    pub(super) fn enter(&self, grant: &Grant, quota: &Quota) -> Result<Option<Place>, StoreError> {
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
        if let Some(tenant) = &grant.tenant {
            let tenant = self.hasher.hash_one(tenant);
            lock(pick(&self.tenants, tenant)).insert((tenant, grant.id));
        }
        Ok(client.map(|client| (client, Reverse(serial))))
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
    pub(super) fn leave(&self, grant: &Grant, place: Option<Place>, quota: &Quota) {
        if let Some((client, _)) = place
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
        if let Some(tenant) = &grant.tenant {
            let tenant = self.hasher.hash_one(tenant);
            lock(pick(&self.tenants, tenant)).remove(&(tenant, grant.id));
        }
        quota.release_grant();
    }

    /// Where the grants of a client begin of which the newest has a serial number below `serial`.
    pub(super) fn place(&self, client: &ClientId, serial: u64) -> Place {
        (self.hasher.hash_one(client), Reverse(serial))
    }

    /// The grants that a user has at this instant.
    pub(super) fn of_subject(&self, subject: &Subject) -> Vec<GrantId> {
        self.page(subject, None, None, usize::MAX)
    }

    /// The grants that a tenant has at this instant.
    pub(super) fn of_tenant(&self, tenant: &Tenant) -> Vec<GrantId> {
        let tenant = self.hasher.hash_one(tenant);
        let (first, last) = (GrantId::from_bytes([0; 16]), GrantId::from_bytes([0xFF; 16]));
        lock(pick(&self.tenants, tenant)).range((tenant, first)..=(tenant, last)).map(|(_, id)| *id).collect()
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
            && self.tenants.iter().all(|grants| lock(grants).is_empty())
            && self.clients.iter().all(|shard| lock(shard).is_empty())
    }
}

const fn tag(client: u64) -> u32 {
    client as u32
}
