//! Records to statements.

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, RedirectUriSource, RefreshTokenRecord, RefreshTokenState, Retirement,
};
use crate::secret::{GrantId, TokenKey};
use crate::store::sql::{extra_text, resources_text};

pub(super) type Statement = Query<'static, Sqlite, SqliteArguments>;

/// What [`granting`] binds.
macro_rules! grant_insertion {
    () => {
        "INSERT INTO grantor_grants (id, client, subject, scope, resource, tenant, name, extra, created_at, \
         expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    };
}

/// A statement about one code or token: `?1` is its grant, `?2` its hash.
pub(super) fn keyed(sql: &'static str, key: &TokenKey) -> Statement {
    sqlx::query(sql).bind(key.grant.as_bytes().as_slice()).bind(key.hash.as_bytes().as_slice())
}

/// Inserts a grant unless its identifier is taken.
pub(super) fn insert_grant(grant: &Grant, expires_at: Option<Timestamp>) -> Result<Statement, StoreError> {
    let sql = concat!(grant_insertion!(), " ON CONFLICT (id) DO NOTHING");
    granting(sql, grant, expires_at)
}

/// Inserts a grant, or makes it last longer if it is there and not revoked.
pub(super) fn insert_or_extend_grant(grant: &Grant, expires_at: Option<Timestamp>) -> Result<Statement, StoreError> {
    let sql = concat!(
        grant_insertion!(),
        " ON CONFLICT (id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at) WHERE revoked_at IS NULL",
    );
    granting(sql, grant, expires_at)
}

/// Makes a grant last as long as what is issued under it.
pub(super) fn extend_grant(id: &GrantId, expires_at: Option<Timestamp>) -> Statement {
    // SQLite's max is NULL if one of its arguments is, and NULL is never: just what is needed.
    sqlx::query("UPDATE grantor_grants SET expires_at = max(expires_at, ?2) WHERE id = ?1")
        .bind(id.as_bytes().as_slice())
        .bind(expires_at.map(Timestamp::unix_millis))
}

fn granting(sql: &'static str, grant: &Grant, expires_at: Option<Timestamp>) -> Result<Statement, StoreError> {
    Ok(sqlx::query(sql)
        .bind(grant.id.as_bytes().as_slice())
        .bind(grant.client.as_ref().map(|client| client.as_str()))
        .bind(grant.subject.as_ref().map(|subject| subject.as_str()))
        .bind(grant.scope.as_str())
        .bind(resources_text(&grant.resource)?)
        .bind(grant.tenant.as_ref().map(|tenant| tenant.as_str()))
        .bind(grant.name.as_ref().map(|name| name.as_str()))
        .bind(extra_text(&grant.extra)?)
        .bind(grant.created_at.unix_millis())
        .bind(expires_at.map(Timestamp::unix_millis)))
}

pub(super) fn insert_code(code: &CodeRecord) -> Statement {
    keyed(
        "INSERT INTO grantor_codes (grant_id, hash, challenge, redirect_uri, redirect_uri_requested, expires_at, failures, \
         redeemed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        &code.key,
    )
    .bind(code.challenge.as_ref().map(|challenge| challenge.as_bytes().as_slice()))
    .bind(&*code.redirect_uri)
    .bind(match code.redirect_uri_source {
        RedirectUriSource::Requested => true,
        RedirectUriSource::Registered => false,
    })
    .bind(code.expires_at.unix_millis())
    .bind(code.failures)
    .bind(code.redeemed_at.map(Timestamp::unix_millis))
}

pub(super) fn insert_access_token(token: &AccessTokenRecord) -> Result<Statement, StoreError> {
    let sql = "INSERT INTO grantor_access_tokens (grant_id, hash, scope, resource, issued_at, expires_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (grant_id, hash) DO NOTHING";
    Ok(keyed(sql, &token.key)
        .bind(token.scope.as_str())
        .bind(resources_text(&token.resource)?)
        .bind(token.issued_at.unix_millis())
        .bind(token.expires_at.map(Timestamp::unix_millis)))
}

pub(super) fn insert_refresh_token(token: &RefreshTokenRecord) -> Result<Statement, StoreError> {
    match &token.state {
        RefreshTokenState::Active => {
            let sql = "INSERT INTO grantor_refresh_tokens (grant_id, hash, issued_at, expires_at) VALUES (?1, ?2, ?3, ?4) \
                       ON CONFLICT (grant_id, hash) DO NOTHING";
            Ok(keyed(sql, &token.key)
                .bind(token.issued_at.unix_millis())
                .bind(token.expires_at.map(Timestamp::unix_millis)))
        }
        RefreshTokenState::Retired(retirement) => {
            let sql = "INSERT INTO grantor_refresh_tokens (grant_id, hash, retired_at, nonce, successor, access_scope, \
                       access_resource, access_expires_at, issued_at, expires_at) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (grant_id, hash) DO NOTHING";
            Ok(retiring(sql, &token.key, retirement)?
                .bind(token.issued_at.unix_millis())
                .bind(token.expires_at.map(Timestamp::unix_millis)))
        }
    }
}

/// A statement that retires a refresh token, with the retirement as `?3` to `?8`.
pub(super) fn retiring(sql: &'static str, key: &TokenKey, retirement: &Retirement) -> Result<Statement, StoreError> {
    Ok(keyed(sql, key)
        .bind(retirement.at.unix_millis())
        .bind(retirement.nonce.as_slice())
        .bind(retirement.successor.as_bytes().as_slice())
        .bind(retirement.scope.as_str())
        .bind(resources_text(&retirement.resource)?)
        .bind(retirement.access_expires_at.map(Timestamp::unix_millis)))
}
