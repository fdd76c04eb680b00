//! Codes, and their exchange for tokens.

use std::num::NonZeroU32;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::statements::{self, keyed};
use super::tokens::{key_taken, store_tokens};
use super::transaction::begin;
use super::{SqliteStore, store_error};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{CodeRecord, IssuedTokens};
use crate::secret::TokenKey;
use crate::store::sql::{self, grant_columns};
use crate::store::{CodeStore, GrantStore, Insertion, Redemption};

#[async_trait]
impl CodeStore for SqliteStore {
    /// Stores the code's grant too, until the code expires; a grant that is there already conflicts.
    async fn insert_code(&self, code: &CodeRecord) -> Result<Insertion, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        let grant = statements::insert_grant(&code.grant, Some(code.expires_at))?;
        let inserted = grant.execute(&mut *transaction).await.map_err(store_error)?;
        if inserted.rows_affected() == 0 {
            return Ok(Insertion::Conflict);
        }
        statements::insert_code(code).execute(&mut *transaction).await.map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        Ok(Insertion::Inserted)
    }

    async fn find_code(&self, key: &TokenKey) -> Result<Option<CodeRecord>, StoreError> {
        let sql = concat!(
            "SELECT c.challenge, c.redirect_uri, c.redirect_uri_requested, c.expires_at, c.failures, c.redeemed_at, ",
            grant_columns!(),
            " FROM grantor_codes AS c JOIN grantor_grants AS g ON g.id = c.grant_id",
            " WHERE c.grant_id = ?1 AND c.hash = ?2 AND g.revoked_at IS NULL",
        );
        let row = keyed(sql, key).fetch_optional(&self.readers).await.map_err(store_error)?;
        row.as_ref().map(|row| sql::code(row, *key)).transpose()
    }

    async fn redeem_code(
        &self,
        key: &TokenKey,
        at: Timestamp,
        keep_until: Option<Timestamp>,
    ) -> Result<Redemption, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        let redemption = redeem(&mut transaction, key, at).await?;
        if redemption == Redemption::First {
            statements::extend_grant(&key.grant, keep_until).execute(&mut *transaction).await.map_err(store_error)?;
            transaction.commit().await.map_err(store_error)?;
        }
        Ok(redemption)
    }

    async fn count_failure(&self, key: &TokenKey) -> Result<(), StoreError> {
        let sql = "UPDATE grantor_codes SET failures = min(failures + 1, 4294967295) WHERE grant_id = ?1 AND hash = ?2";
        keyed(sql, key).execute(&self.writer).await.map_err(store_error)?;
        Ok(())
    }

    /// Deletes codes with their grants, and only those that no token is left of; [`TokenStore::purge_tokens`] takes the
    /// tokens and then the grant, code included.
    ///
    /// [`TokenStore::purge_tokens`]: crate::store::TokenStore::purge_tokens
    async fn purge_codes(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.purge_spent_codes(before, limit).await
    }
}

#[async_trait]
impl GrantStore for SqliteStore {
    async fn exchange_code(&self, code: &TokenKey, tokens: &IssuedTokens) -> Result<Redemption, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        let redemption = redeem(&mut transaction, code, tokens.access.issued_at).await?;
        if redemption == Redemption::First {
            let extend = statements::extend_grant(&code.grant, tokens.expires_at());
            extend.execute(&mut *transaction).await.map_err(store_error)?;
            match store_tokens(&mut transaction, tokens).await? {
                Insertion::Inserted => {}
                Insertion::Conflict => return Err(key_taken()),
            }
            transaction.commit().await.map_err(store_error)?;
        }
        Ok(redemption)
    }
}

/// Marks the code as redeemed, if it is not, within a transaction of the caller's.
async fn redeem(connection: &mut SqliteConnection, key: &TokenKey, at: Timestamp) -> Result<Redemption, StoreError> {
    let update = "UPDATE grantor_codes SET redeemed_at = ?3 WHERE grant_id = ?1 AND hash = ?2 AND redeemed_at IS NULL \
                  AND EXISTS (SELECT 1 FROM grantor_grants WHERE id = ?1 AND revoked_at IS NULL)";
    let updated = keyed(update, key).bind(at.unix_millis()).execute(&mut *connection).await.map_err(store_error)?;
    if updated.rows_affected() == 1 {
        return Ok(Redemption::First);
    }
    let select = "SELECT 1 FROM grantor_codes AS c JOIN grantor_grants AS g ON g.id = c.grant_id \
                  WHERE c.grant_id = ?1 AND c.hash = ?2 AND g.revoked_at IS NULL";
    let known = keyed(select, key).fetch_optional(connection).await.map_err(store_error)?;
    Ok(if known.is_some() { Redemption::Replayed } else { Redemption::Unknown })
}
