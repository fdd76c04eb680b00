//! The contract for authorization codes.

use std::fmt;
use std::num::NonZeroU32;

use async_trait::async_trait;

use super::Insertion;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::CodeRecord;
use crate::secret::TokenKey;

/// Keeps authorization codes.
///
/// > The client MUST NOT use the authorization code more than once. If an authorization code is used more than once, the
/// > authorization server MUST deny the request and SHOULD revoke (when possible) all tokens previously issued based on
/// > that authorization code. — RFC 6749 §4.1.2
#[async_trait]
pub trait CodeStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a new code. A grant has one code in its life: a second one conflicts, for as long as anything of the grant is
    /// kept. That makes a consent form single-use.
    ///
    /// A [`GrantStore`](super::GrantStore) stores the code's grant along, and a grant that is there already conflicts.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether it was stored.
    async fn insert_code(&self, code: &CodeRecord) -> Result<Insertion, StoreError>;

    /// Finds the code with this key, redeemed or not; `None` if its grant is revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told; never `Ok(None)` then.
    async fn find_code(&self, key: &TokenKey) -> Result<Option<CodeRecord>, StoreError>;

    /// Marks the code as redeemed `at` this instant. Of any number of concurrent calls exactly one gets
    /// [`Redemption::First`]; a second winner is a security hole, no winner a lost sign-in.
    ///
    /// A redeemed code stays known until `keep_until` (`None`: until its grant is revoked), so that a replay is recognised.
    /// A [`GrantStore`](super::GrantStore) keeps the grant as long, as if a token of it expired at `keep_until`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether the code was redeemed.
    async fn redeem_code(
        &self,
        key: &TokenKey,
        at: Timestamp,
        keep_until: Option<Timestamp>,
    ) -> Result<Redemption, StoreError>;

    /// Counts one more failed verifier on the code; none is lost among concurrent calls. An unknown code is fine.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not counted.
    async fn count_failure(&self, key: &TokenKey) -> Result<(), StoreError>;

    /// Deletes at most `limit` codes that need not be known any more at `before`: those that expired before it unredeemed,
    /// and those that were redeemed and whose `keep_until` lies before it. Returns how many rows went; fewer than `limit`
    /// means that nothing more is due.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known what was deleted.
    async fn purge_codes(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError>;
}

/// What became of an attempt to redeem a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
#[must_use]
pub enum Redemption {
    /// This call redeemed it.
    First,
    /// It was redeemed before.
    Replayed,
    /// There is no such code, or its grant is revoked.
    Unknown,
}
