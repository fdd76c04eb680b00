//! Records to parameters, and rows to records.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Decode, Row as _, Sqlite, Type};

use super::store_error;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, RedirectUriSource, RefreshTokenRecord, RefreshTokenState, Retirement,
};
use crate::identifier::Extra;
use crate::pkce::CodeChallenge;
use crate::resource::Resources;
use crate::secret::{GrantId, TokenHash, TokenKey};

pub(super) type Statement = Query<'static, Sqlite, SqliteArguments>;

/// The columns of `grantor_grants AS g` that [`grant`] reads.
macro_rules! grant_columns {
    () => {
        "g.client, g.subject, g.scope AS grant_scope, g.resource AS grant_resource, g.tenant, g.extra, g.created_at"
    };
}
pub(super) use grant_columns;

/// What [`granting`] binds.
macro_rules! grant_insertion {
    () => {
        "INSERT INTO grantor_grants (id, client, subject, scope, resource, tenant, extra, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
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
        .bind(if grant.extra.is_empty() { None } else { Some(json_text(&grant.extra)?) })
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

pub(super) fn grant(row: &SqliteRow, id: GrantId) -> Result<Arc<Grant>, StoreError> {
    Ok(Arc::new(Grant {
        id,
        client: parsed_or_null(row, "client")?,
        subject: parsed_or_null(row, "subject")?,
        scope: parsed(row, "grant_scope")?,
        resource: resources(row, "grant_resource")?,
        tenant: parsed_or_null(row, "tenant")?,
        extra: extra(row)?,
        created_at: instant(row, "created_at")?,
    }))
}

pub(super) fn code(row: &SqliteRow, key: TokenKey) -> Result<CodeRecord, StoreError> {
    let requested: bool = column(row, "redirect_uri_requested")?;
    let challenge = column::<Option<&[u8]>>(row, "challenge")?.map(|bytes| array("challenge", bytes)).transpose()?;
    Ok(CodeRecord {
        key,
        grant: grant(row, key.grant)?,
        challenge: challenge.map(CodeChallenge::from_bytes),
        redirect_uri: column::<&str>(row, "redirect_uri")?.into(),
        redirect_uri_source: if requested { RedirectUriSource::Requested } else { RedirectUriSource::Registered },
        expires_at: instant(row, "expires_at")?,
        failures: column(row, "failures")?,
        redeemed_at: instant_or_null(row, "redeemed_at")?,
    })
}

pub(super) fn access_token(row: &SqliteRow, key: TokenKey) -> Result<AccessTokenRecord, StoreError> {
    Ok(AccessTokenRecord {
        key,
        scope: parsed(row, "scope")?,
        resource: resources(row, "resource")?,
        issued_at: instant(row, "issued_at")?,
        expires_at: instant_or_null(row, "expires_at")?,
    })
}

pub(super) fn refresh_token(row: &SqliteRow, key: TokenKey) -> Result<RefreshTokenRecord, StoreError> {
    let state = match instant_or_null(row, "retired_at")? {
        None => RefreshTokenState::Active,
        Some(_) => RefreshTokenState::Retired(retirement(row)?),
    };
    Ok(RefreshTokenRecord {
        key,
        issued_at: instant(row, "issued_at")?,
        expires_at: instant_or_null(row, "expires_at")?,
        state,
    })
}

pub(super) fn retirement(row: &SqliteRow) -> Result<Retirement, StoreError> {
    Ok(Retirement {
        at: instant(row, "retired_at")?,
        nonce: array("nonce", column(row, "nonce")?)?,
        successor: TokenHash::from_bytes(array("successor", column(row, "successor")?)?),
        scope: parsed(row, "access_scope")?,
        resource: resources(row, "access_resource")?,
        access_expires_at: instant_or_null(row, "access_expires_at")?,
    })
}

pub(super) fn grant_id(row: &SqliteRow) -> Result<GrantId, StoreError> {
    array("id", column(row, "id")?).map(GrantId::from_bytes)
}

pub(super) fn instant_or_null(row: &SqliteRow, name: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(column::<Option<i64>>(row, name)?.map(Timestamp::from_unix_millis))
}

fn instant(row: &SqliteRow, name: &str) -> Result<Timestamp, StoreError> {
    column(row, name).map(Timestamp::from_unix_millis)
}

pub(super) fn column<'r, T>(row: &'r SqliteRow, name: &str) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
{
    row.try_get(name).map_err(store_error)
}

fn parsed<T: FromStr<Err: Display>>(row: &SqliteRow, name: &str) -> Result<T, StoreError> {
    column::<&str>(row, name)?.parse().map_err(|error: T::Err| unreadable(name, error.to_string()))
}

fn parsed_or_null<T: FromStr<Err: Display>>(row: &SqliteRow, name: &str) -> Result<Option<T>, StoreError> {
    let text = column::<Option<&str>>(row, name)?;
    text.map(str::parse).transpose().map_err(|error: T::Err| unreadable(name, error.to_string()))
}

fn resources(row: &SqliteRow, name: &str) -> Result<Resources, StoreError> {
    column::<Option<&str>>(row, name)?.map_or_else(|| Ok(Resources::default()), |text| json(name, text))
}

fn extra(row: &SqliteRow) -> Result<Extra, StoreError> {
    column::<Option<&str>>(row, "extra")?.map_or_else(|| Ok(Extra::default()), |text| json("extra", text))
}

pub(super) fn json<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(name, error))
}

fn array<const N: usize>(name: &str, bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|error: std::array::TryFromSliceError| unreadable(name, error))
}

fn unreadable(name: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::failed(sqlx::Error::ColumnDecode { index: name.to_owned(), source: source.into() })
}

fn resources_text(resource: &Resources) -> Result<Option<String>, StoreError> {
    if resource.is_empty() { Ok(None) } else { json_text(resource).map(Some) }
}

pub(super) fn json_text<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::failed)
}
