//! Codes, and their exchange for tokens.

use std::num::NonZeroU32;

use async_trait::async_trait;
use sqlx::SqlStr;
use sqlx::postgres::PgRow;

use super::parameters::Parameters;
use super::steps::{issued, locked, raised};
use super::{PostgresStore, Write};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{CodeRecord, IssuedTokens};
use crate::secret::TokenKey;
use crate::store::sql::{self, Columns as _, grant_columns};
use crate::store::{CodeStore, GrantStore, Insertion, Redemption};

pub(super) struct Statements {
    insert: SqlStr,
    find: SqlStr,
    redeem: SqlStr,
    exchange: SqlStr,
    count_failure: SqlStr,
}

impl Statements {
    pub(super) fn new(write: &Write<'_>) -> Self {
        Self {
            insert: write(
                "WITH granted AS ( \
                     INSERT INTO grantor_grants \
                         (id, expires_at, client, subject, scope, resource, tenant, extra, created_at, name) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING RETURNING 1 \
                 ) \
                 INSERT INTO grantor_codes (grant_id, hash, challenge, redirect_uri, redirect_uri_requested, expires_at, \
                     failures, redeemed_at) \
                 SELECT $1, $11, $12, $13, $14, $15, $16, $17 FROM granted RETURNING true AS inserted",
            ),
            find: write(concat!(
                "SELECT c.challenge, c.redirect_uri, c.redirect_uri_requested, c.expires_at, c.failures, c.redeemed_at, ",
                grant_columns!(),
                " FROM grantor_codes AS c JOIN grantor_grants AS g ON g.id = c.grant_id",
                " WHERE c.grant_id = $1 AND c.hash = $2 AND g.revoked_at IS NULL",
            )),
            redeem: write(concat!(
                "WITH ",
                locked!(),
                ", won AS ( \
                     UPDATE grantor_codes AS c SET redeemed_at = $3 FROM locked \
                     WHERE c.grant_id = $1 AND c.hash = $2 AND c.redeemed_at IS NULL RETURNING 1 \
                 ), ",
                raised!("$4"),
                " SELECT EXISTS (SELECT 1 FROM won) AS won, EXISTS ( \
                     SELECT 1 FROM grantor_codes AS c, locked WHERE c.grant_id = $1 AND c.hash = $2 \
                 ) AS known",
            )),
            exchange: write(concat!(
                "WITH ",
                locked!(),
                ", won AS ( \
                     UPDATE grantor_codes AS c SET redeemed_at = $6 FROM locked \
                     WHERE c.grant_id = $1 AND c.hash = $17 AND c.redeemed_at IS NULL RETURNING 1 \
                 ), ",
                raised!("$2"),
                ", ",
                issued!(),
                " SELECT EXISTS (SELECT 1 FROM won) AS won, EXISTS ( \
                     SELECT 1 FROM grantor_codes AS c, locked WHERE c.grant_id = $1 AND c.hash = $17 \
                 ) AS known",
            )),
            count_failure: write(
                "UPDATE grantor_codes SET failures = least(failures + 1, 4294967295) WHERE grant_id = $1 AND hash = $2",
            ),
        }
    }
}

#[async_trait]
impl CodeStore for PostgresStore {
    /// Stores the code's grant too, until the code expires; a grant that is there already conflicts.
    async fn insert_code(&self, code: &CodeRecord) -> Result<Insertion, StoreError> {
        let parameters = Parameters::of_grant(&code.grant.id)
            .bind_instant(code.expires_at)
            .bind_grant(&code.grant)?
            .bind(code.key.hash.as_bytes().as_slice())
            .bind_code(code);
        self.insertion(&self.statements.codes.insert, parameters).await
    }

    async fn find_code(&self, key: &TokenKey) -> Result<Option<CodeRecord>, StoreError> {
        let row = self.row(&self.statements.codes.find, Parameters::of_key(key)).await?;
        row.as_ref().map(|row| sql::code(row, *key)).transpose()
    }

    async fn redeem_code(
        &self,
        key: &TokenKey,
        at: Timestamp,
        keep_until: Option<Timestamp>,
    ) -> Result<Redemption, StoreError> {
        let parameters = Parameters::of_key(key).bind_instant(at).bind_instant_or_null(keep_until);
        redemption(&self.only_row(&self.statements.codes.redeem, parameters).await?)
    }

    async fn count_failure(&self, key: &TokenKey) -> Result<(), StoreError> {
        self.rows(&self.statements.codes.count_failure, Parameters::of_key(key)).await?;
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
impl GrantStore for PostgresStore {
    async fn exchange_code(&self, code: &TokenKey, tokens: &IssuedTokens) -> Result<Redemption, StoreError> {
        let parameters = Parameters::of_tokens(&code.grant, tokens)?.bind(code.hash.as_bytes().as_slice());
        redemption(&self.only_row(&self.statements.codes.exchange, parameters).await?)
    }
}

fn redemption(row: &PgRow) -> Result<Redemption, StoreError> {
    Ok(match (row.flag("won")?, row.flag("known")?) {
        (true, _) => Redemption::First,
        (false, true) => Redemption::Replayed,
        (false, false) => Redemption::Unknown,
    })
}
