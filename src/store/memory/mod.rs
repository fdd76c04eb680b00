//! A store that keeps everything in memory.
//!
//! Grants are spread over shards by their id, each behind a lock of its own, and all that belongs to a grant is in its
//! shard. So every step on one grant is one critical section. No method awaits: a future that is polled once is done.
//!
//! Locks are taken in one order: that of a shard first, then one of the index. Nobody holds two of a kind.

mod clients;
mod hash;
mod index;
mod limits;
mod purge;
mod shard;
#[cfg(test)]
mod tests;
mod tokens;

use std::fmt;
use std::hash::BuildHasher as _;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

pub use limits::MemoryLimits;

use self::clients::Clients;
use self::hash::BuildKeyHasher;
use self::index::{Index, Party};
use self::limits::Quota;
use self::purge::BATCH;
use self::shard::Shard;
use super::{
    ClientRegistry, ClientStore, CodeStore, Deletion, FoundAccessToken, FoundRefreshToken, GrantStore, GrantSummary,
    Insertion, Page, Redemption, Reuse, Rotation, TokenStore, Update,
};
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, CodeRecord, Grant, IssuedTokens, Retirement};
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, SecretHash, TokenKey};

/// Into how many parts the grants are divided: enough that a handful of threads hardly ever meet.
const SHARDS: usize = 64;

/// Keeps clients, codes and tokens in memory, for tests and for services that run as one process.
///
/// **Everything is lost when the process ends**, so every user has to sign in again then; nothing is shared with another
/// process. It holds no more than its [`MemoryLimits`] allow.
///
/// The cost of a call does not depend on how much is stored; revoking a user, a client or a tenant costs as much as they
/// have grants. That takes effect grant by grant, and is complete when the call returns: what was stored before the call is
/// revoked, and what is stored after is not.
///
/// ```
/// use std::num::NonZeroU32;
/// use grantor::client::Client;
/// use grantor::store::{ClientRegistry, Insertion, MemoryLimits, MemoryStore};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryStore::with_limits(MemoryLimits::new().with_clients(1));
/// let app = Client::public("mobile".parse()?).with_redirect_uri("https://app.example/callback".parse()?);
/// assert_eq!(store.insert_client(&app).await?, Insertion::Inserted);
/// assert_eq!(store.count_clients(NonZeroU32::MAX).await?, 1);
/// assert!(store.insert_client(&Client::public("another".parse()?)).await.is_err());
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    clients: Clients,
    shards: Box<[Padded]>,
    index: Index,
    quota: Quota,
}

/// Keeps the locks of two shards out of one cache line.
#[derive(Default)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

impl MemoryStore {
    /// An empty store with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(MemoryLimits::new())
    }

    /// An empty store with these limits.
    #[must_use]
    pub fn with_limits(limits: MemoryLimits) -> Self {
        Self {
            clients: Clients::default(),
            shards: (0..SHARDS).map(|_| Padded::default()).collect(),
            index: Index::new(SHARDS),
            quota: Quota::new(limits),
        }
    }

    fn shard(&self, id: &GrantId) -> MutexGuard<'_, Shard> {
        lock(&pick(&self.shards, BuildKeyHasher::default().hash_one(id)).0)
    }

    fn revoke_all(&self, party: Party<'_>, at: Timestamp) -> u64 {
        let start = self.index.place(party, self.quota.next_serial());
        let mut revoked = 0_u64;
        for shard in &self.shards {
            let mut next = Some(start);
            while let Some(place) = next {
                let batch;
                (batch, next) = lock(&shard.0).revoke_listed(place, party, at, &self.quota);
                revoked = revoked.saturating_add(batch);
            }
        }
        revoked
    }

    fn purge(&self, before: Timestamp, limit: NonZeroU32) -> u32 {
        let mut left = limit.get();
        for shard in &self.shards {
            let mut more = true;
            while more && left > 0 {
                let rows;
                (rows, more) = lock(&shard.0).purge(before, left.min(BATCH), &self.quota, &self.index);
                left = left.saturating_sub(rows);
            }
        }
        limit.get().saturating_sub(left)
    }
}

/// The shard for this hash. The maps use its lowest and highest bits, so the choice is made by others.
#[expect(clippy::indexing_slicing, reason = "the remainder is below the length, and there is at least one shard")]
const fn pick<T>(shards: &[T], hash: u64) -> &T {
    &shards[(hash >> 32) as usize % shards.len()]
}

/// No step panics half-way, so what a poisoned lock guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    /// How much is stored, and nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("clients", &self.clients.len())
            .field("grants", &self.quota.grants())
            .field("tokens", &self.quota.tokens())
            .field("limits", self.quota.limits())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ClientStore for MemoryStore {
    async fn find_client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        Ok(self.clients.find(id))
    }
}

#[async_trait]
impl ClientRegistry for MemoryStore {
    async fn insert_client(&self, client: &Client) -> Result<Insertion, StoreError> {
        self.clients.insert(client, self.quota.limits().clients())
    }

    async fn update_client(&self, client: &Client) -> Result<Update, StoreError> {
        Ok(self.clients.update(client))
    }

    async fn touch_secret(&self, id: &ClientId, secret: &SecretHash, at: Timestamp) -> Result<(), StoreError> {
        self.clients.touch_secret(id, secret, at);
        Ok(())
    }

    async fn delete_client(&self, id: &ClientId) -> Result<Deletion, StoreError> {
        Ok(self.clients.delete(id))
    }

    async fn list_clients(&self, owner: &Subject, page: Page<ClientId>) -> Result<Vec<Arc<Client>>, StoreError> {
        Ok(self.clients.list(owner, page))
    }

    async fn list_due_clients(&self, before: Timestamp, limit: NonZeroU32) -> Result<Vec<Arc<Client>>, StoreError> {
        Ok(self.clients.list_due(before, limit))
    }

    async fn count_clients(&self, at_most: NonZeroU32) -> Result<u32, StoreError> {
        Ok(u32::try_from(self.clients.len()).unwrap_or(u32::MAX).min(at_most.get()))
    }
}

#[async_trait]
impl CodeStore for MemoryStore {
    async fn insert_code(&self, code: &CodeRecord) -> Result<Insertion, StoreError> {
        let mut shard = self.shard(&code.grant.id);
        shard.insert_grant(&code.grant, Some(code.expires_at), Some(code), &self.quota, &self.index)
    }

    async fn find_code(&self, key: &TokenKey) -> Result<Option<CodeRecord>, StoreError> {
        Ok(self.shard(&key.grant).find_code(key))
    }

    async fn redeem_code(
        &self,
        key: &TokenKey,
        at: Timestamp,
        keep_until: Option<Timestamp>,
    ) -> Result<Redemption, StoreError> {
        Ok(self.shard(&key.grant).redeem_code(key, at, keep_until))
    }

    async fn count_failure(&self, key: &TokenKey) -> Result<(), StoreError> {
        self.shard(&key.grant).count_failure(key);
        Ok(())
    }

    /// Does what [`MemoryStore::purge_tokens`](TokenStore::purge_tokens) does: a code goes with its grant.
    async fn purge_codes(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        Ok(self.purge(before, limit))
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn insert_grant(&self, grant: &Arc<Grant>, keep_until: Timestamp) -> Result<Insertion, StoreError> {
        self.shard(&grant.id).insert_grant(grant, Some(keep_until), None, &self.quota, &self.index)
    }

    async fn insert_tokens(&self, tokens: &IssuedTokens) -> Result<Insertion, StoreError> {
        self.shard(&tokens.grant.id).insert_tokens(tokens, &self.quota, &self.index)
    }

    async fn find_access_token(&self, key: &TokenKey) -> Result<Option<FoundAccessToken>, StoreError> {
        Ok(self.shard(&key.grant).find_access_token(key))
    }

    async fn find_refresh_token(&self, key: &TokenKey) -> Result<Option<FoundRefreshToken>, StoreError> {
        Ok(self.shard(&key.grant).find_refresh_token(key))
    }

    async fn rotate_refresh_token(
        &self,
        key: &TokenKey,
        retirement: &Retirement,
        successors: &IssuedTokens,
    ) -> Result<Rotation, StoreError> {
        self.shard(&key.grant).rotate_refresh_token(key, retirement, successors, &self.quota)
    }

    async fn reuse_refresh_token(
        &self,
        key: &TokenKey,
        expires_at: Option<Timestamp>,
        access: &AccessTokenRecord,
    ) -> Result<Reuse, StoreError> {
        self.shard(&key.grant).reuse_refresh_token(key, expires_at, access, &self.quota)
    }

    async fn revoke_access_token(&self, key: &TokenKey) -> Result<(), StoreError> {
        self.shard(&key.grant).revoke_access_token(key, &self.quota);
        Ok(())
    }

    async fn revoke_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.shard(id).revoke_grant(*id, at, |_| true, &self.quota);
        Ok(())
    }

    async fn revoke_subject(&self, subject: &Subject, at: Timestamp) -> Result<u64, StoreError> {
        let of = |grant: &Grant| grant.subject.as_ref() == Some(subject);
        let ids = self.index.of_subject(subject);
        Ok(ids.into_iter().filter(|id| self.shard(id).revoke_grant(*id, at, of, &self.quota)).map(|_| 1).sum())
    }

    async fn revoke_client(&self, client: &ClientId, at: Timestamp) -> Result<u64, StoreError> {
        Ok(self.revoke_all(Party::Client(client), at))
    }

    async fn revoke_tenant(&self, tenant: &Tenant, at: Timestamp) -> Result<u64, StoreError> {
        Ok(self.revoke_all(Party::Tenant(tenant), at))
    }

    async fn find_grant(&self, id: &GrantId) -> Result<Option<GrantSummary>, StoreError> {
        Ok(self.shard(id).summarize(id))
    }

    async fn list_grants(
        &self,
        subject: &Subject,
        client: Option<&ClientId>,
        page: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError> {
        let limit = usize::try_from(page.limit.get()).unwrap_or(usize::MAX);
        let matches = |summary: &GrantSummary| {
            let Grant { client: of, subject: by, .. } = &*summary.grant;
            by.as_ref() == Some(subject) && (client.is_none() || of.as_ref() == client)
        };
        let mut after = page.after;
        let mut grants = Vec::new();
        // Another round replaces what was purged between the look at the index and that at the grant.
        while grants.len() < limit {
            let ids = self.index.page(subject, client, after, limit.saturating_sub(grants.len()));
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            grants.extend(ids.iter().filter_map(|id| self.shard(id).summarize(id)).filter(matches));
        }
        Ok(grants)
    }

    async fn has_grants(&self, client: &ClientId) -> Result<bool, StoreError> {
        Ok(self.index.has_grants(client))
    }

    async fn touch_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.shard(id).touch_grant(id, at);
        Ok(())
    }

    async fn purge_tokens(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        Ok(self.purge(before, limit))
    }
}

#[async_trait]
impl GrantStore for MemoryStore {
    async fn exchange_code(&self, code: &TokenKey, tokens: &IssuedTokens) -> Result<Redemption, StoreError> {
        self.shard(&code.grant).exchange_code(code, tokens, &self.quota)
    }
}
