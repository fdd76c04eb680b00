//! Tokens and grants.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqliteConnection;

use super::statements::{self, keyed};
use super::transaction::begin;
use super::{SqliteStore, store_error};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens, Retirement};
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, TokenKey};
use crate::store::sql::{self, grant_columns};
use crate::store::{FoundAccessToken, FoundRefreshToken, GrantSummary, Insertion, Page, Reuse, Rotation, TokenStore};

/// Overwrites the nonce of the token that another one (`?2`) replaced.
///
/// The index holds only tokens that have a nonce, hence the last condition. It must be named: SQLite guesses that a grant has
/// few tokens and would look at all of them.
pub(super) const FORGET_NONCE: &str = "UPDATE grantor_refresh_tokens INDEXED BY grantor_refresh_tokens_nonce \
     SET nonce = zeroblob(16) WHERE grant_id = ?1 AND successor = ?2 AND nonce <> x'00000000000000000000000000000000'";

#[async_trait]
impl TokenStore for SqliteStore {
    async fn insert_grant(&self, grant: &Arc<Grant>, keep_until: Timestamp) -> Result<Insertion, StoreError> {
        let insert = statements::insert_grant(grant, Some(keep_until))?;
        let inserted = insert.execute(&self.writer).await.map_err(store_error)?;
        Ok(if inserted.rows_affected() == 1 { Insertion::Inserted } else { Insertion::Conflict })
    }

    async fn insert_tokens(&self, tokens: &IssuedTokens) -> Result<Insertion, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        let grant = statements::insert_or_extend_grant(&tokens.grant, tokens.expires_at())?;
        let granted = grant.execute(&mut *transaction).await.map_err(store_error)?;
        if granted.rows_affected() == 0 {
            return Ok(Insertion::Conflict);
        }
        let insertion = store_tokens(&mut transaction, tokens).await?;
        if insertion == Insertion::Inserted {
            transaction.commit().await.map_err(store_error)?;
        }
        Ok(insertion)
    }

    async fn find_access_token(&self, key: &TokenKey) -> Result<Option<FoundAccessToken>, StoreError> {
        let sql = concat!(
            "SELECT t.scope, t.resource, t.issued_at, t.expires_at, ",
            grant_columns!(),
            " FROM grantor_access_tokens AS t JOIN grantor_grants AS g ON g.id = t.grant_id",
            " WHERE t.grant_id = ?1 AND t.hash = ?2 AND g.revoked_at IS NULL",
        );
        let row = keyed(sql, key).fetch_optional(&self.readers).await.map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(FoundAccessToken { token: sql::access_token(&row, *key)?, grant: sql::grant(&row, key.grant)? }))
    }

    async fn find_refresh_token(&self, key: &TokenKey) -> Result<Option<FoundRefreshToken>, StoreError> {
        let sql = concat!(
            "SELECT t.issued_at, t.expires_at, t.retired_at, t.nonce, t.successor, t.access_scope, t.access_resource, ",
            "t.access_expires_at, ",
            grant_columns!(),
            " FROM grantor_refresh_tokens AS t JOIN grantor_grants AS g ON g.id = t.grant_id",
            " WHERE t.grant_id = ?1 AND t.hash = ?2 AND g.revoked_at IS NULL",
        );
        let row = keyed(sql, key).fetch_optional(&self.readers).await.map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(FoundRefreshToken { token: sql::refresh_token(&row, *key)?, grant: sql::grant(&row, key.grant)? }))
    }

    async fn rotate_refresh_token(
        &self,
        key: &TokenKey,
        retirement: &Retirement,
        successors: &IssuedTokens,
    ) -> Result<Rotation, StoreError> {
        let retire = "UPDATE grantor_refresh_tokens SET retired_at = ?3, nonce = ?4, successor = ?5, access_scope = ?6, \
                      access_resource = ?7, access_expires_at = ?8 \
                      WHERE grant_id = ?1 AND hash = ?2 AND retired_at IS NULL \
                      AND EXISTS (SELECT 1 FROM grantor_grants WHERE id = ?1 AND revoked_at IS NULL)";
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        let retired =
            statements::retiring(retire, key, retirement)?.execute(&mut *transaction).await.map_err(store_error)?;
        let rotation = if retired.rows_affected() == 1 {
            keyed(FORGET_NONCE, key).execute(&mut *transaction).await.map_err(store_error)?;
            let extend = statements::extend_grant(&key.grant, successors.expires_at());
            extend.execute(&mut *transaction).await.map_err(store_error)?;
            match store_tokens(&mut transaction, successors).await? {
                Insertion::Inserted => {}
                Insertion::Conflict => return Err(key_taken()),
            }
            Rotation::Rotated
        } else {
            count_retry(&mut transaction, key).await?
        };
        transaction.commit().await.map_err(store_error)?;
        Ok(rotation)
    }

    async fn reuse_refresh_token(
        &self,
        key: &TokenKey,
        expires_at: Option<Timestamp>,
        access: &AccessTokenRecord,
    ) -> Result<Reuse, StoreError> {
        let renew = "UPDATE grantor_refresh_tokens SET expires_at = ?3 \
                     WHERE grant_id = ?1 AND hash = ?2 AND retired_at IS NULL \
                     AND EXISTS (SELECT 1 FROM grantor_grants WHERE id = ?1 AND revoked_at IS NULL)";
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        let renewed = keyed(renew, key)
            .bind(expires_at.map(Timestamp::unix_millis))
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        if renewed.rows_affected() == 0 {
            return Ok(Reuse::Unknown);
        }
        let last = access.expires_at.zip(expires_at).map(|(access, refresh)| access.max(refresh));
        statements::extend_grant(&key.grant, last).execute(&mut *transaction).await.map_err(store_error)?;
        let inserted =
            statements::insert_access_token(access)?.execute(&mut *transaction).await.map_err(store_error)?;
        if inserted.rows_affected() == 0 {
            return Err(key_taken());
        }
        transaction.commit().await.map_err(store_error)?;
        Ok(Reuse::Accepted)
    }

    async fn revoke_access_token(&self, key: &TokenKey) -> Result<(), StoreError> {
        let sql = "DELETE FROM grantor_access_tokens WHERE grant_id = ?1 AND hash = ?2";
        keyed(sql, key).execute(&self.writer).await.map_err(store_error)?;
        Ok(())
    }

    async fn revoke_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query("UPDATE grantor_grants SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL")
            .bind(id.as_bytes().as_slice())
            .bind(at.unix_millis())
            .execute(&self.writer)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn revoke_subject(&self, subject: &Subject, at: Timestamp) -> Result<u64, StoreError> {
        let revoked =
            sqlx::query("UPDATE grantor_grants SET revoked_at = ?2 WHERE subject = ?1 AND revoked_at IS NULL")
                .bind(subject.as_str())
                .bind(at.unix_millis())
                .execute(&self.writer)
                .await
                .map_err(store_error)?;
        Ok(revoked.rows_affected())
    }

    async fn revoke_client(&self, client: &ClientId, at: Timestamp) -> Result<u64, StoreError> {
        let revoked = sqlx::query("UPDATE grantor_grants SET revoked_at = ?2 WHERE client = ?1 AND revoked_at IS NULL")
            .bind(client.as_str())
            .bind(at.unix_millis())
            .execute(&self.writer)
            .await
            .map_err(store_error)?;
        Ok(revoked.rows_affected())
    }

    async fn revoke_tenant(&self, tenant: &Tenant, at: Timestamp) -> Result<u64, StoreError> {
        let revoked = sqlx::query("UPDATE grantor_grants SET revoked_at = ?2 WHERE tenant = ?1 AND revoked_at IS NULL")
            .bind(tenant.as_str())
            .bind(at.unix_millis())
            .execute(&self.writer)
            .await
            .map_err(store_error)?;
        Ok(revoked.rows_affected())
    }

    async fn find_grant(&self, id: &GrantId) -> Result<Option<GrantSummary>, StoreError> {
        let sql = concat!(
            "SELECT g.id, g.expires_at, g.last_used_at, g.revoked_at, ",
            grant_columns!(),
            " FROM grantor_grants AS g WHERE g.id = ?1",
        );
        let row =
            sqlx::query(sql).bind(id.as_bytes().as_slice()).fetch_optional(&self.readers).await.map_err(store_error)?;
        row.as_ref().map(sql::summary).transpose()
    }

    async fn list_grants(
        &self,
        subject: &Subject,
        client: Option<&ClientId>,
        page: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError> {
        let sql = concat!(
            "SELECT g.id, g.expires_at, g.last_used_at, g.revoked_at, ",
            grant_columns!(),
            " FROM grantor_grants AS g WHERE g.subject = ?1 AND g.id > ?2 AND (?3 IS NULL OR g.client = ?3)",
            " ORDER BY g.id LIMIT ?4",
        );
        // Every identifier is behind the empty one.
        let after = page.after.as_ref().map_or(&[][..], |id| id.as_bytes().as_slice());
        let rows = sqlx::query(sql)
            .bind(subject.as_str())
            .bind(after)
            .bind(client.map(|client| client.as_str()))
            .bind(page.limit.get())
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        rows.iter().map(sql::summary).collect()
    }

    async fn has_grants(&self, client: &ClientId) -> Result<bool, StoreError> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM grantor_grants WHERE client = ?1)")
            .bind(client.as_str())
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)
    }

    async fn touch_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        let sql =
            "UPDATE grantor_grants SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
        sqlx::query(sql)
            .bind(id.as_bytes().as_slice())
            .bind(at.unix_millis())
            .execute(&self.writer)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn purge_tokens(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.purge_expired(before, limit).await
    }
}

/// Stores the tokens but not their grant, within a transaction of the caller's, who must give it up on a conflict.
pub(super) async fn store_tokens(
    connection: &mut SqliteConnection,
    tokens: &IssuedTokens,
) -> Result<Insertion, StoreError> {
    let access =
        statements::insert_access_token(&tokens.access)?.execute(&mut *connection).await.map_err(store_error)?;
    if access.rows_affected() == 0 {
        return Ok(Insertion::Conflict);
    }
    if let Some(refresh) = &tokens.refresh {
        let refresh = statements::insert_refresh_token(refresh)?.execute(connection).await.map_err(store_error)?;
        if refresh.rows_affected() == 0 {
            return Ok(Insertion::Conflict);
        }
    }
    Ok(Insertion::Inserted)
}

/// Keys are hashes of fresh random secrets, so that only a broken caller can present one twice.
pub(super) fn key_taken() -> StoreError {
    StoreError::failed("a token with this key is stored already")
}

/// Counts one more retry of a token that is retired, within a transaction of the caller's.
async fn count_retry(connection: &mut SqliteConnection, key: &TokenKey) -> Result<Rotation, StoreError> {
    let count = "UPDATE grantor_refresh_tokens SET retries = min(retries + 1, 4294967295) \
                 WHERE grant_id = ?1 AND hash = ?2 AND retired_at IS NOT NULL \
                 AND EXISTS (SELECT 1 FROM grantor_grants WHERE id = ?1 AND revoked_at IS NULL)";
    let counted = keyed(count, key).execute(&mut *connection).await.map_err(store_error)?;
    if counted.rows_affected() == 0 {
        return Ok(Rotation::Unknown);
    }
    let select = "SELECT retired_at, nonce, successor, access_scope, access_resource, access_expires_at, retries \
                  FROM grantor_refresh_tokens WHERE grant_id = ?1 AND hash = ?2";
    let row = keyed(select, key).fetch_one(connection).await.map_err(store_error)?;
    Ok(Rotation::Retired { retirement: sql::retirement(&row)?, retries: sql::count(&row, "retries")? })
}
