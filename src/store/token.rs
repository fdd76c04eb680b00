//! The contract for tokens and their grants.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;

use super::{CodeStore, Insertion, Page, Redemption};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens, RefreshTokenRecord, Retirement};
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, TokenKey};

/// Keeps tokens, and the grants that they belong to.
///
/// **Revocation is sticky**: once a grant is revoked, nothing under it is found again, whether it was stored before,
/// during or after the revocation. A revoked grant that is forgotten too early is a hole; one that is kept too long only
/// takes space.
#[async_trait]
pub trait TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a grant that has no tokens yet; a grant with this id conflicts.
    ///
    /// It is kept until `keep_until`, and for as long as what is issued under it if that is longer.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether it was stored.
    async fn insert_grant(&self, grant: &Arc<Grant>, keep_until: Timestamp) -> Result<Insertion, StoreError>;

    /// Stores tokens, and their grant if it is new, all of it or nothing. A revoked grant conflicts, and so does a token
    /// with one of these keys.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether they were stored.
    async fn insert_tokens(&self, tokens: &IssuedTokens) -> Result<Insertion, StoreError>;

    /// Finds an access token and its grant in one read; `None` if either is revoked. This is the hot path.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told; never `Ok(None)` then.
    async fn find_access_token(&self, key: &TokenKey) -> Result<Option<FoundAccessToken>, StoreError>;

    /// Finds a refresh token and its grant in one read, active or retired; `None` if the grant is revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told; never `Ok(None)` then.
    async fn find_refresh_token(&self, key: &TokenKey) -> Result<Option<FoundRefreshToken>, StoreError>;

    /// Retires the active refresh token `key` and stores its successors, all of it or nothing. Of any number of concurrent
    /// calls exactly one gets [`Rotation::Rotated`], and only its tokens are stored.
    ///
    /// A successor with a key that is stored already is the caller's mistake: an error, and nothing is changed.
    ///
    /// In the same step it overwrites with zeros the nonce of the token that `key` replaced: the one under the same grant
    /// whose retirement names `key.hash` as its successor. Nothing is derived with that nonce any more, except by somebody
    /// who found an old token and reads the store. A token that was stored as retired, and not retired by a
    /// rotation, may keep its nonce.
    ///
    /// A call for a token that is retired already counts as one retry of it, stores nothing, and tells how it was retired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether the token was retired.
    async fn rotate_refresh_token(
        &self,
        key: &TokenKey,
        retirement: &Retirement,
        successors: &IssuedTokens,
    ) -> Result<Rotation, StoreError>;

    /// Stores one more access token under the active refresh token `key`, and moves that token's expiry to `expires_at`, all
    /// of it or nothing. An access token with a key that is stored already is the caller's mistake: an error, and nothing is
    /// changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether the token was stored.
    async fn reuse_refresh_token(
        &self,
        key: &TokenKey,
        expires_at: Option<Timestamp>,
        access: &AccessTokenRecord,
    ) -> Result<Reuse, StoreError>;

    /// Makes sure that this access token is not found again; the rest of its grant lives on. An unknown token is fine.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it may still be found.
    async fn revoke_access_token(&self, key: &TokenKey) -> Result<(), StoreError>;

    /// Revokes the grant with all that belongs to it. Revoking twice, or an unknown grant, is fine; the first instant stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still be found.
    async fn revoke_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError>;

    /// Revokes every grant of a user, and returns how many were not revoked before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still be found.
    async fn revoke_subject(&self, subject: &Subject, at: Timestamp) -> Result<u64, StoreError>;

    /// Revokes every grant of a client, and returns how many were not revoked before.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still be found.
    async fn revoke_client(&self, client: &ClientId, at: Timestamp) -> Result<u64, StoreError>;

    /// Revokes every grant that is confined to this tenant, whoever's it is, and returns how many were not revoked before.
    /// Grants that are not confined to any tenant stay.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still be found.
    async fn revoke_tenant(&self, tenant: &Tenant, at: Timestamp) -> Result<u64, StoreError>;

    /// Finds a grant, as it would be listed: revoked and expired ones too, until they are purged.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told; never `Ok(None)` then.
    async fn find_grant(&self, id: &GrantId) -> Result<Option<GrantSummary>, StoreError>;

    /// Lists the grants of a user, of one client if `client` is given, ordered by identifier; revoked and expired ones too,
    /// until they are purged.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told.
    async fn list_grants(
        &self,
        subject: &Subject,
        client: Option<&ClientId>,
        page: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError>;

    /// Tells whether the client has any grant: revoked and expired ones count too, until they are purged.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told; never `Ok(false)` then.
    async fn has_grants(&self, client: &ClientId) -> Result<bool, StoreError>;

    /// Remembers that the grant was used `at` this instant, unless a later use is known. An unknown grant is fine.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not remembered.
    async fn touch_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError>;

    /// Deletes at most `limit` tokens that expired before `before`, and grants with all that belongs to them once their last
    /// token has, revoked ones too. Returns how many rows went; fewer than `limit` means that nothing more is due.
    ///
    /// A grant is due once its [`expires_at`](GrantSummary::expires_at) lies before `before`; one that never expires, once the
    /// instant of its revocation does. Each token and each grant counts as a row, and `limit` bounds them together.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known what was deleted.
    async fn purge_tokens(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError>;
}

/// A store that holds codes and tokens together, and so can spend a code and store what it buys in one step.
#[async_trait]
pub trait GrantStore: CodeStore + TokenStore {
    /// Marks the code as redeemed at `tokens.access.issued_at` **and** stores the tokens, together or not at all. Of any
    /// number of concurrent calls exactly one gets [`Redemption::First`], and only its tokens are stored.
    ///
    /// The code stays known for as long as its grant, so that a replay is recognised. A token with a key that is stored
    /// already is the caller's mistake: an error, and nothing is changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether the code was redeemed.
    async fn exchange_code(&self, code: &TokenKey, tokens: &IssuedTokens) -> Result<Redemption, StoreError>;
}

/// An access token with its grant.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct FoundAccessToken {
    /// The token.
    pub token: AccessTokenRecord,
    /// Its grant.
    pub grant: Arc<Grant>,
}

/// A refresh token with its grant.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct FoundRefreshToken {
    /// The token.
    pub token: RefreshTokenRecord,
    /// Its grant.
    pub grant: Arc<Grant>,
}

/// What became of an attempt to rotate a refresh token.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
#[must_use]
pub enum Rotation {
    /// This call retired it, and its successors are stored.
    Rotated,
    /// It was retired before.
    Retired {
        /// How. Its nonce is zeros if the successor was used.
        retirement: Retirement,
        /// How many calls found the token retired so far, this one included.
        retries: u32,
    },
    /// There is no such token, or its grant is revoked.
    Unknown,
}

/// What became of an attempt to use a refresh token that stays.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
#[must_use]
pub enum Reuse {
    /// The access token is stored.
    Accepted,
    /// There is no such active token, or its grant is revoked.
    Unknown,
}

/// A grant as it is listed.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct GrantSummary {
    /// The grant.
    pub grant: Arc<Grant>,
    /// When the last code or token that was issued under it expires; `None` is never. It only rises, and what the grant or its
    /// redeemed code is to be kept until counts as well.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as uses are remembered.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Whether a grant can be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
pub enum GrantStatus {
    /// It can.
    Active,
    /// Its life is over.
    Expired,
    /// It was ended before its time; also if its time is over by now.
    Revoked,
}

impl GrantSummary {
    /// Whether the grant can be used at `now`, in the words of a page.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> GrantStatus {
        match self.revoked_at {
            Some(_) => GrantStatus::Revoked,
            None if self.is_live(now) => GrantStatus::Active,
            None => GrantStatus::Expired,
        }
    }

    /// Whether anything can still be done with the grant at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}
