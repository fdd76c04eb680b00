//! What may touch any number of rows, in short steps: revocation by user, client or tenant, and clean-up.

use std::num::NonZeroU32;

use sqlx::SqlStr;

use super::parameters::Parameters;
use super::{PostgresStore, Write};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::secret::GrantId;
use crate::store::sql::{count, grant_id};

/// How many rows one statement changes. Others wait for a locked row no longer than that takes: some milliseconds.
const BATCH: u32 = 500;

/// Revokes `$4` grants of `$1` behind `$3`, in the order of their identifiers, waiting for those that others have locked.
macro_rules! revoke {
    ($column:literal) => {
        concat!(
            "WITH due AS ( \
                 SELECT id FROM grantor_grants WHERE ",
            $column,
            " = $1 AND id > $3 AND revoked_at IS NULL ORDER BY id LIMIT $4 FOR UPDATE \
             ) \
             UPDATE grantor_grants AS g SET revoked_at = $2 FROM due WHERE g.id = due.id RETURNING g.id",
        )
    };
}

/// Deletes `$2` tokens that expired before `$1`, and whose expiry nobody is moving.
macro_rules! purge_tokens {
    ($table:literal) => {
        concat!(
            "WITH due AS ( \
                 SELECT grant_id, hash FROM ",
            $table,
            " WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED \
             ), deleted AS ( \
                 DELETE FROM ",
            $table,
            " AS t USING due WHERE t.grant_id = due.grant_id AND t.hash = due.hash RETURNING 1 \
             ) \
             SELECT count(*) AS rows FROM deleted",
        )
    };
}

/// Deletes `$2` tokens of grants that never expire and were revoked before `$1`. Nothing is stored under these any more.
macro_rules! purge_revoked_tokens {
    ($table:literal) => {
        concat!(
            "WITH due AS ( \
                 SELECT t.grant_id, t.hash FROM grantor_grants AS g JOIN ",
            $table,
            " AS t ON t.grant_id = g.id WHERE g.expires_at IS NULL AND g.revoked_at < $1 \
                 LIMIT $2 FOR UPDATE OF t SKIP LOCKED \
             ), deleted AS ( \
                 DELETE FROM ",
            $table,
            " AS t USING due WHERE t.grant_id = due.grant_id AND t.hash = due.hash RETURNING 1 \
             ) \
             SELECT count(*) AS rows FROM deleted",
        )
    };
}

/// Deletes `$2` grants of which the condition is true, with all that belongs to them.
///
/// Whoever stores something under a grant has locked it, so that it is passed over, or has made it last longer, so that the
/// condition is not true any more once it is locked here.
macro_rules! purge_grants {
    ($condition:literal) => {
        concat!(
            "WITH due AS ( \
                 SELECT id FROM grantor_grants WHERE ",
            $condition,
            " LIMIT $2 FOR UPDATE SKIP LOCKED \
             ), \
             codes AS (DELETE FROM grantor_codes AS c USING due WHERE c.grant_id = due.id), \
             access_tokens AS (DELETE FROM grantor_access_tokens AS t USING due WHERE t.grant_id = due.id), \
             refresh_tokens AS (DELETE FROM grantor_refresh_tokens AS t USING due WHERE t.grant_id = due.id), \
             deleted AS (DELETE FROM grantor_grants AS g USING due WHERE g.id = due.id RETURNING 1) \
             SELECT count(*) AS rows FROM deleted",
        )
    };
}

pub(super) struct Statements {
    pub(super) revoke_subject: SqlStr,
    pub(super) revoke_client: SqlStr,
    pub(super) revoke_tenant: SqlStr,
    expired: [SqlStr; 3],
    /// What belongs to grants that never expire and were revoked, and then these.
    revoked_tokens: [SqlStr; 2],
    revoked: SqlStr,
    spent_codes: SqlStr,
}

impl Statements {
    pub(super) fn new(write: &Write<'_>) -> Self {
        Self {
            revoke_subject: write(revoke!("subject")),
            revoke_client: write(revoke!("client")),
            revoke_tenant: write(revoke!("tenant")),
            // A grant outlives its tokens, so that by the time it goes they have gone one by one, each counted.
            expired: [
                write(purge_tokens!("grantor_access_tokens")),
                write(purge_tokens!("grantor_refresh_tokens")),
                write(purge_grants!("expires_at < $1 ORDER BY expires_at")),
            ],
            revoked_tokens: [
                write(purge_revoked_tokens!("grantor_access_tokens")),
                write(purge_revoked_tokens!("grantor_refresh_tokens")),
            ],
            revoked: write(purge_grants!("expires_at IS NULL AND revoked_at < $1 ORDER BY revoked_at")),
            // A grant with a code never expires before that, nor before the instant until which a redemption is to be kept.
            spent_codes: write(purge_grants!(
                "expires_at < $1 \
                 AND EXISTS (SELECT 1 FROM grantor_codes WHERE grant_id = id) \
                 AND NOT EXISTS (SELECT 1 FROM grantor_access_tokens WHERE grant_id = id) \
                 AND NOT EXISTS (SELECT 1 FROM grantor_refresh_tokens WHERE grant_id = id) \
                 ORDER BY expires_at"
            )),
        }
    }
}

impl PostgresStore {
    /// Revokes every grant of a user, client or tenant, and returns how many were not revoked before.
    pub(super) async fn revoke_all(&self, sql: &SqlStr, of: &str, at: Timestamp) -> Result<u64, StoreError> {
        let mut revoked = 0;
        let mut last: Option<GrantId> = None;
        loop {
            // Every identifier is behind the empty one.
            let after = last.as_ref().map_or(&[][..], |id| id.as_bytes().as_slice());
            let parameters = Parameters::new().bind(of).bind_instant(at).bind(after).bind(i64::from(BATCH));
            let rows = self.rows(sql, parameters).await?;
            revoked += u64::try_from(rows.len()).unwrap_or(u64::MAX);
            for row in &rows {
                last = last.max(Some(grant_id(row)?));
            }
            if rows.len() < BATCH as usize {
                return Ok(revoked);
            }
        }
    }

    /// Deletes tokens that expired, and grants that nothing can be done with any more.
    pub(super) async fn purge_expired(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        let statements = &self.statements.batches;
        let mut left = limit.get();
        for sql in &statements.expired {
            left -= self.purge(sql, before, left).await?;
        }
        if left > 0 {
            // Not counted, as little as what goes along with any other grant; but there may be very many of them.
            for sql in &statements.revoked_tokens {
                self.purge(sql, before, u32::MAX).await?;
            }
            left -= self.purge(&statements.revoked, before, left).await?;
        }
        Ok(limit.get() - left)
    }

    /// Deletes grants of which only a code is left that need not be known any more.
    pub(super) async fn purge_spent_codes(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.purge(&self.statements.batches.spent_codes, before, limit.get()).await
    }

    /// Deletes at most `limit` rows in batches, and returns how many went.
    async fn purge(&self, sql: &SqlStr, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut left = limit;
        while left > 0 {
            let batch = left.min(BATCH);
            let parameters = Parameters::new().bind_instant(before).bind(i64::from(batch));
            let deleted = count(&self.only_row(sql, parameters).await?, "rows")?;
            left = left.saturating_sub(deleted);
            if deleted < batch {
                break;
            }
        }
        Ok(limit - left)
    }
}
