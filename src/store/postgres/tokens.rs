//! Tokens and grants.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqlStr;

use super::parameters::Parameters;
use super::steps::{issued, locked, raised};
use super::{PostgresStore, Write};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens, Retirement};
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, TokenKey};
use crate::store::sql::{self, Columns as _, grant_columns};
use crate::store::{FoundAccessToken, FoundRefreshToken, GrantSummary, Insertion, Page, Reuse, Rotation, TokenStore};

pub(super) struct Statements {
    insert_grant: SqlStr,
    insert: SqlStr,
    find_access_token: SqlStr,
    find_refresh_token: SqlStr,
    rotate: SqlStr,
    reuse: SqlStr,
    revoke_access_token: SqlStr,
    revoke_grant: SqlStr,
    find_grant: SqlStr,
    list_grants: SqlStr,
    has_grants: SqlStr,
    touch_grant: SqlStr,
}

impl Statements {
    pub(super) fn new(write: &Write<'_>) -> Self {
        Self {
            insert_grant: write(
                "INSERT INTO grantor_grants \
                     (id, expires_at, client, subject, scope, resource, tenant, extra, created_at, name) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING RETURNING true AS inserted",
            ),
            insert: write(concat!(
                "WITH won AS ( \
                     INSERT INTO grantor_grants AS g \
                         (id, expires_at, client, subject, scope, resource, tenant, extra, created_at, name) \
                     VALUES ($1, $2, $17, $18, $19, $20, $21, $22, $23, $24) \
                     ON CONFLICT (id) DO UPDATE SET expires_at = CASE \
                         WHEN g.expires_at < excluded.expires_at OR excluded.expires_at IS NULL THEN excluded.expires_at \
                         ELSE g.expires_at END \
                     WHERE g.revoked_at IS NULL RETURNING 1 \
                 ), ",
                issued!(),
                " SELECT true AS inserted FROM won",
            )),
            find_access_token: write(concat!(
                "SELECT t.scope, t.resource, t.issued_at, t.expires_at, ",
                grant_columns!(),
                " FROM grantor_access_tokens AS t JOIN grantor_grants AS g ON g.id = t.grant_id",
                " WHERE t.grant_id = $1 AND t.hash = $2 AND g.revoked_at IS NULL",
            )),
            find_refresh_token: write(concat!(
                "SELECT t.issued_at, t.expires_at, t.retired_at, t.nonce, t.successor, t.access_scope, t.access_resource, ",
                "t.access_expires_at, ",
                grant_columns!(),
                " FROM grantor_refresh_tokens AS t JOIN grantor_grants AS g ON g.id = t.grant_id",
                " WHERE t.grant_id = $1 AND t.hash = $2 AND g.revoked_at IS NULL",
            )),
            // Whoever retires the token leaves no retries, and whoever comes later leaves at least one.
            rotate: write(concat!(
                "WITH ",
                locked!(),
                ", token AS ( \
                     UPDATE grantor_refresh_tokens AS t SET \
                         retired_at = CASE WHEN t.retired_at IS NULL THEN $18 ELSE t.retired_at END, \
                         nonce = CASE WHEN t.retired_at IS NULL THEN $19 ELSE t.nonce END, \
                         successor = CASE WHEN t.retired_at IS NULL THEN $20 ELSE t.successor END, \
                         access_scope = CASE WHEN t.retired_at IS NULL THEN $21 ELSE t.access_scope END, \
                         access_resource = CASE WHEN t.retired_at IS NULL THEN $22 ELSE t.access_resource END, \
                         access_expires_at = CASE WHEN t.retired_at IS NULL THEN $23 ELSE t.access_expires_at END, \
                         retries = CASE WHEN t.retired_at IS NULL THEN 0 ELSE least(t.retries + 1, 4294967295) END \
                     FROM locked WHERE t.grant_id = $1 AND t.hash = $17 \
                     RETURNING t.retired_at, t.nonce, t.successor, t.access_scope, t.access_resource, \
                         t.access_expires_at, t.retries \
                 ), \
                 won AS (SELECT 1 FROM token WHERE retries = 0), \
                 predecessor AS ( \
                     UPDATE grantor_refresh_tokens AS t SET nonce = '\\x00000000000000000000000000000000' FROM won \
                     WHERE t.grant_id = $1 AND t.successor = $17 \
                     AND t.nonce <> '\\x00000000000000000000000000000000' \
                 ), ",
                raised!("$2"),
                ", ",
                issued!(),
                " SELECT retired_at, nonce, successor, access_scope, access_resource, access_expires_at, retries FROM token",
            )),
            reuse: write(concat!(
                "WITH ",
                locked!(),
                ", won AS ( \
                     UPDATE grantor_refresh_tokens AS t SET expires_at = $3 FROM locked \
                     WHERE t.grant_id = $1 AND t.hash = $2 AND t.retired_at IS NULL RETURNING 1 \
                 ), ",
                raised!("$4"),
                " INSERT INTO grantor_access_tokens (grant_id, hash, scope, resource, issued_at, expires_at) \
                 SELECT $1, $5, $6, $7, $8, $9 FROM won RETURNING true AS accepted",
            )),
            revoke_access_token: write("DELETE FROM grantor_access_tokens WHERE grant_id = $1 AND hash = $2"),
            revoke_grant: write("UPDATE grantor_grants SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL"),
            find_grant: write(concat!(
                "SELECT g.id, g.expires_at, g.last_used_at, g.revoked_at, ",
                grant_columns!(),
                " FROM grantor_grants AS g WHERE g.id = $1",
            )),
            list_grants: write(concat!(
                "SELECT g.id, g.expires_at, g.last_used_at, g.revoked_at, ",
                grant_columns!(),
                " FROM grantor_grants AS g WHERE g.subject = $1 AND g.id > $2 AND ($3 IS NULL OR g.client = $3)",
                " ORDER BY g.id LIMIT $4",
            )),
            has_grants: write("SELECT EXISTS (SELECT 1 FROM grantor_grants WHERE client = $1) AS found"),
            touch_grant: write(
                "UPDATE grantor_grants SET last_used_at = $2 \
                 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
            ),
        }
    }
}

#[async_trait]
impl TokenStore for PostgresStore {
    async fn insert_grant(&self, grant: &Arc<Grant>, keep_until: Timestamp) -> Result<Insertion, StoreError> {
        let parameters = Parameters::of_grant(&grant.id).bind_instant(keep_until).bind_grant(grant)?;
        self.insertion(&self.statements.tokens.insert_grant, parameters).await
    }

    async fn insert_tokens(&self, tokens: &IssuedTokens) -> Result<Insertion, StoreError> {
        let parameters = Parameters::of_tokens(&tokens.grant.id, tokens)?.bind_grant(&tokens.grant)?;
        self.insertion(&self.statements.tokens.insert, parameters).await
    }

    async fn find_access_token(&self, key: &TokenKey) -> Result<Option<FoundAccessToken>, StoreError> {
        let row = self.row(&self.statements.tokens.find_access_token, Parameters::of_key(key)).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(FoundAccessToken { token: sql::access_token(&row, *key)?, grant: sql::grant(&row, key.grant)? }))
    }

    async fn find_refresh_token(&self, key: &TokenKey) -> Result<Option<FoundRefreshToken>, StoreError> {
        let row = self.row(&self.statements.tokens.find_refresh_token, Parameters::of_key(key)).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(FoundRefreshToken { token: sql::refresh_token(&row, *key)?, grant: sql::grant(&row, key.grant)? }))
    }

    async fn rotate_refresh_token(
        &self,
        key: &TokenKey,
        retirement: &Retirement,
        successors: &IssuedTokens,
    ) -> Result<Rotation, StoreError> {
        let parameters = Parameters::of_tokens(&key.grant, successors)?
            .bind(key.hash.as_bytes().as_slice())
            .bind_retirement(Some(retirement))?;
        let Some(row) = self.row(&self.statements.tokens.rotate, parameters).await? else {
            return Ok(Rotation::Unknown);
        };
        Ok(match sql::count(&row, "retries")? {
            0 => Rotation::Rotated,
            retries => Rotation::Retired { retirement: sql::retirement(&row)?, retries },
        })
    }

    async fn reuse_refresh_token(
        &self,
        key: &TokenKey,
        expires_at: Option<Timestamp>,
        access: &AccessTokenRecord,
    ) -> Result<Reuse, StoreError> {
        let last = access.expires_at.zip(expires_at).map(|(access, refresh)| access.max(refresh));
        let parameters = Parameters::of_key(key)
            .bind_instant_or_null(expires_at)
            .bind_instant_or_null(last)
            .bind_access_token(access)?;
        let accepted = self.row(&self.statements.tokens.reuse, parameters).await?;
        Ok(if accepted.is_some() { Reuse::Accepted } else { Reuse::Unknown })
    }

    async fn revoke_access_token(&self, key: &TokenKey) -> Result<(), StoreError> {
        self.rows(&self.statements.tokens.revoke_access_token, Parameters::of_key(key)).await?;
        Ok(())
    }

    async fn revoke_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.rows(&self.statements.tokens.revoke_grant, Parameters::of_grant(id).bind_instant(at)).await?;
        Ok(())
    }

    async fn revoke_subject(&self, subject: &Subject, at: Timestamp) -> Result<u64, StoreError> {
        self.revoke_all(&self.statements.batches.revoke_subject, subject.as_str(), at).await
    }

    async fn revoke_client(&self, client: &ClientId, at: Timestamp) -> Result<u64, StoreError> {
        self.revoke_all(&self.statements.batches.revoke_client, client.as_str(), at).await
    }

    async fn revoke_tenant(&self, tenant: &Tenant, at: Timestamp) -> Result<u64, StoreError> {
        self.revoke_all(&self.statements.batches.revoke_tenant, tenant.as_str(), at).await
    }

    async fn find_grant(&self, id: &GrantId) -> Result<Option<GrantSummary>, StoreError> {
        let row = self.row(&self.statements.tokens.find_grant, Parameters::of_grant(id)).await?;
        row.as_ref().map(sql::summary).transpose()
    }

    async fn list_grants(
        &self,
        subject: &Subject,
        client: Option<&ClientId>,
        page: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError> {
        // Every identifier is behind the empty one.
        let after = page.after.as_ref().map_or(&[][..], |id| id.as_bytes().as_slice());
        let parameters = Parameters::new()
            .bind(subject.as_str())
            .bind(after)
            .bind(client.map(|client| client.as_str()))
            .bind(i64::from(page.limit.get()));
        self.rows(&self.statements.tokens.list_grants, parameters).await?.iter().map(sql::summary).collect()
    }

    async fn has_grants(&self, client: &ClientId) -> Result<bool, StoreError> {
        let parameters = Parameters::new().bind(client.as_str());
        self.only_row(&self.statements.tokens.has_grants, parameters).await?.flag("found")
    }

    async fn touch_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.rows(&self.statements.tokens.touch_grant, Parameters::of_grant(id).bind_instant(at)).await?;
        Ok(())
    }

    /// Deletes batch by batch, and passes over rows that others are working on: they go with the next purge.
    async fn purge_tokens(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.purge_expired(before, limit).await
    }
}
