//! Clean-up, in bounded steps.

use std::num::NonZeroU32;

use super::transaction::begin;
use super::{SqliteStore, store_error};
use crate::clock::Timestamp;
use crate::error::StoreError;

/// How many rows one transaction deletes. Other writes wait for one at a time: some milliseconds.
const BATCH: u32 = 100;

/// What [`SqliteStore::purge_expired`] deletes, in this order; `?1` is the instant, `?2` how many rows may still go.
///
/// A grant outlives its tokens, so that by the time it goes they have gone one by one, each counted. Only what a grant
/// that never expires takes along when it was revoked is not bounded.
const EXPIRED: [&str; 4] = [
    "DELETE FROM grantor_access_tokens WHERE (grant_id, hash) IN \
     (SELECT grant_id, hash FROM grantor_access_tokens WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
    "DELETE FROM grantor_refresh_tokens WHERE (grant_id, hash) IN \
     (SELECT grant_id, hash FROM grantor_refresh_tokens WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
    "DELETE FROM grantor_grants WHERE id IN \
     (SELECT id FROM grantor_grants WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
    "DELETE FROM grantor_grants WHERE id IN \
     (SELECT id FROM grantor_grants WHERE expires_at IS NULL AND revoked_at < ?1 ORDER BY revoked_at LIMIT ?2)",
];

impl SqliteStore {
    /// Deletes tokens that expired, and grants that nothing can be done with any more.
    pub(super) async fn purge_expired(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        let mut left = limit.get();
        while left > 0 {
            let batch = left.min(BATCH);
            let deleted = self.purge_batch(before, batch).await?;
            left = left.saturating_sub(deleted);
            if deleted < batch {
                break;
            }
        }
        Ok(limit.get() - left)
    }

    /// Deletes at most `limit` rows in one transaction, and returns how many went.
    async fn purge_batch(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut left = limit;
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        for sql in EXPIRED {
            let deleted = sqlx::query(sql)
                .bind(before.unix_millis())
                .bind(left)
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?
                .rows_affected();
            left = left.saturating_sub(u32::try_from(deleted).unwrap_or(u32::MAX));
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(limit - left)
    }

    /// Deletes grants of which only a code is left that need not be known any more.
    pub(super) async fn purge_spent_codes(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        // A grant with a code never expires before that, nor before the instant until which a redemption is to be kept.
        let sql = "DELETE FROM grantor_grants WHERE id IN (SELECT id FROM grantor_grants AS g WHERE expires_at < ?1 \
                   AND EXISTS (SELECT 1 FROM grantor_codes WHERE grant_id = g.id) \
                   AND NOT EXISTS (SELECT 1 FROM grantor_access_tokens WHERE grant_id = g.id) \
                   AND NOT EXISTS (SELECT 1 FROM grantor_refresh_tokens WHERE grant_id = g.id) \
                   ORDER BY expires_at LIMIT ?2)";
        let deleted = sqlx::query(sql)
            .bind(before.unix_millis())
            .bind(limit.get())
            .execute(&self.writer)
            .await
            .map_err(store_error)?
            .rows_affected();
        Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
    }
}
