//! How grants end: revoked, and purged.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::ops::Bound;
use std::sync::Arc;

use super::index::{Index, Party, Place};
use super::limits::Quota;
use super::shard::{NEVER, Shard};
use crate::clock::Timestamp;
use crate::grant::Grant;
use crate::secret::GrantId;
use crate::store::GrantSummary;

/// How many grants are looked at, and how many rows deleted, before others get their turn at the shard.
pub(super) const BATCH: u32 = 64;

impl Shard {
    pub(super) fn touch_grant(&mut self, id: &GrantId, at: Timestamp) {
        if let Some(stored) = self.grants.get_mut(id) {
            stored.last_used_at = stored.last_used_at.max(Some(at));
        }
    }

    pub(super) fn summarize(&self, id: &GrantId) -> Option<GrantSummary> {
        let stored = self.grants.get(id)?;
        Some(GrantSummary {
            grant: Arc::clone(&stored.grant),
            expires_at: stored.expires_at,
            last_used_at: stored.last_used_at,
            revoked_at: stored.revoked_at,
        })
    }

    /// Revokes the grant if it is one of those `of` says, and tells whether it was not revoked before.
    ///
    /// The grant itself stays: under it nothing can be stored again.
    pub(super) fn revoke_grant(
        &mut self,
        id: GrantId,
        at: Timestamp,
        of: impl FnOnce(&Grant) -> bool,
        quota: &Quota,
    ) -> bool {
        let Some(stored) = self.grants.get_mut(&id).filter(|stored| stored.revoked_at.is_none() && of(&stored.grant))
        else {
            return false;
        };
        stored.revoked_at = Some(at);
        stored.code = None;
        stored.look_by(stored.gone_at(), &mut self.agenda);
        let tokens = std::mem::take(&mut stored.tokens);
        quota.release_tokens(tokens.len());
        for held in &tokens {
            self.tokens.remove(id, held);
        }
        true
    }

    /// Revokes grants of `party` that come behind `place` in its list; returns how many of them were not revoked
    /// before, and where to go on.
    pub(super) fn revoke_listed(
        &mut self,
        place: Place,
        party: Party<'_>,
        at: Timestamp,
        quota: &Quota,
    ) -> (u64, Option<Place>) {
        let (hash, _) = place;
        let list = match party {
            Party::Client(_) => &self.clients,
            Party::Tenant(_) => &self.tenants,
        };
        let behind = list.range((Bound::Excluded(place), Bound::Included((hash, Reverse(0)))));
        let batch: Vec<_> = behind.take(BATCH as usize).map(|(place, id)| (*place, *id)).collect();
        let of = |grant: &Grant| party.has(grant);
        let revoked = batch.iter().filter(|(_, id)| self.revoke_grant(*id, at, of, quota)).map(|_| 1).sum();
        (revoked, batch.last().map(|(place, _)| *place))
    }

    /// Deletes up to `limit` rows that expired before `before`; returns how many, and whether to go on.
    pub(super) fn purge(&mut self, before: Timestamp, limit: u32, quota: &Quota, index: &Index) -> (u32, bool) {
        let mut rows = 0;
        for _ in 0..BATCH {
            match self.agenda.last() {
                Some((Reverse(at), _)) if *at < before && rows < limit => {}
                Some((Reverse(at), _)) => return (rows, *at < before),
                None => return (rows, false),
            }
            if let Some((_, id)) = self.agenda.pop_last() {
                rows += self.look_at(id, before, limit.saturating_sub(rows), quota, index);
            }
        }
        (rows, true)
    }

    fn look_at(&mut self, id: GrantId, before: Timestamp, limit: u32, quota: &Quota, index: &Index) -> u32 {
        let Entry::Occupied(mut entry) = self.grants.entry(id) else {
            return 0;
        };
        let stored = entry.get_mut();
        let mut rows = 0;
        stored.tokens.retain(|held| {
            let goes = held.expires_at < before && rows < limit;
            if goes {
                self.tokens.remove(id, held);
                quota.release_tokens(1);
                rows += 1;
            }
            !goes
        });
        if stored.tokens.is_empty() && stored.gone_at() < before && rows < limit {
            index.leave(&stored.grant, stored.places, quota);
            if let Some(place) = &stored.places.client {
                self.clients.remove(place);
            }
            if let Some(place) = &stored.places.tenant {
                self.tenants.remove(place);
            }
            entry.remove();
            return rows.saturating_add(1);
        }
        let first = stored.tokens.iter().map(|held| held.expires_at).min();
        stored.due = first.unwrap_or_else(|| stored.gone_at());
        if stored.due != NEVER {
            self.agenda.insert((Reverse(stored.due), id));
        }
        rows
    }
}
