//! What the statements that write under a grant have in common.
//!
//! Under READ COMMITTED, PostgreSQL's default, a statement sees the rows as they were when it began. Only a row that it
//! waited for is looked at again: the conditions on it, and what it is set to, are worked out anew from what the other has
//! left. So each of these statements first waits for the row of its grant, which puts all that happens under one grant in a
//! queue, and then decides by conditions on rows that it updates, never by rows that it only sees. What exists at all is safe
//! to see: codes and tokens appear before anybody knows them, and disappear with their grant.
//!
//! Every table is asked for the grant `$1` by name, even where a join would tell, so that an engine that shards by grant sees
//! that one shard will do.

/// `locked`: the grant `$1`, unless it is revoked.
macro_rules! locked {
    () => {
        "locked AS (SELECT id FROM grantor_grants WHERE id = $1 AND revoked_at IS NULL FOR UPDATE)"
    };
}

/// Makes the grant `$1` last until the parameter, at least, if this call has `won`; NULL is never.
macro_rules! raised {
    ($expires_at:literal) => {
        concat!(
            "raised AS (UPDATE grantor_grants AS g SET expires_at = ",
            $expires_at,
            " FROM won WHERE g.id = $1 AND (g.expires_at < ",
            $expires_at,
            " OR ",
            $expires_at,
            " IS NULL))"
        )
    };
}

/// Inserts the tokens `$3` to `$16` under the grant `$1`, if this call has `won`.
macro_rules! issued {
    () => {
        "access_token AS ( \
             INSERT INTO grantor_access_tokens (grant_id, hash, scope, resource, issued_at, expires_at) \
             SELECT $1, $3, $4, $5, $6, $7 FROM won \
         ), \
         refresh_token AS ( \
             INSERT INTO grantor_refresh_tokens (grant_id, hash, issued_at, expires_at, retired_at, nonce, successor, \
                 access_scope, access_resource, access_expires_at) \
             SELECT $1, $8, $9, $10, $11, $12, $13, $14, $15, $16 FROM won WHERE $8 IS NOT NULL \
         )"
    };
}

pub(super) use {issued, locked, raised};
