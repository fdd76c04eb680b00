//! Rows to records.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};

use super::failure::store_error;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, RedirectUriSource, RefreshTokenRecord, RefreshTokenState, Retirement,
};
use crate::identifier::Extra;
use crate::pkce::CodeChallenge;
use crate::resource::Resources;
use crate::secret::{GrantId, TokenHash, TokenKey};

/// The columns of `grantor_grants AS g` that [`grant`] reads.
macro_rules! grant_columns {
    () => {
        "g.client, g.subject, g.scope AS grant_scope, g.resource AS grant_resource, g.tenant, g.extra, g.created_at"
    };
}
pub(super) use grant_columns;

pub(super) fn grant(row: &PgRow, id: GrantId) -> Result<Arc<Grant>, StoreError> {
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

pub(super) fn code(row: &PgRow, key: TokenKey) -> Result<CodeRecord, StoreError> {
    let requested: bool = column(row, "redirect_uri_requested")?;
    let challenge = column::<Option<&[u8]>>(row, "challenge")?.map(|bytes| array("challenge", bytes)).transpose()?;
    Ok(CodeRecord {
        key,
        grant: grant(row, key.grant)?,
        challenge: challenge.map(CodeChallenge::from_bytes),
        redirect_uri: column::<&str>(row, "redirect_uri")?.into(),
        redirect_uri_source: if requested { RedirectUriSource::Requested } else { RedirectUriSource::Registered },
        expires_at: instant(row, "expires_at")?,
        failures: count(row, "failures")?,
        redeemed_at: instant_or_null(row, "redeemed_at")?,
    })
}

pub(super) fn access_token(row: &PgRow, key: TokenKey) -> Result<AccessTokenRecord, StoreError> {
    Ok(AccessTokenRecord {
        key,
        scope: parsed(row, "scope")?,
        resource: resources(row, "resource")?,
        issued_at: instant(row, "issued_at")?,
        expires_at: instant_or_null(row, "expires_at")?,
    })
}

pub(super) fn refresh_token(row: &PgRow, key: TokenKey) -> Result<RefreshTokenRecord, StoreError> {
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

pub(super) fn retirement(row: &PgRow) -> Result<Retirement, StoreError> {
    Ok(Retirement {
        at: instant(row, "retired_at")?,
        nonce: array("nonce", column(row, "nonce")?)?,
        successor: TokenHash::from_bytes(array("successor", column(row, "successor")?)?),
        scope: parsed(row, "access_scope")?,
        resource: resources(row, "access_resource")?,
        access_expires_at: instant_or_null(row, "access_expires_at")?,
    })
}

pub(super) fn grant_id(row: &PgRow) -> Result<GrantId, StoreError> {
    array("id", column(row, "id")?).map(GrantId::from_bytes)
}

pub(super) fn instant_or_null(row: &PgRow, name: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(column::<Option<i64>>(row, name)?.map(Timestamp::from_unix_millis))
}

fn instant(row: &PgRow, name: &str) -> Result<Timestamp, StoreError> {
    column(row, name).map(Timestamp::from_unix_millis)
}

pub(super) fn count(row: &PgRow, name: &str) -> Result<u32, StoreError> {
    u32::try_from(column::<i64>(row, name)?).map_err(|error| unreadable(name, error))
}

pub(super) fn column<'r, T>(row: &'r PgRow, name: &str) -> Result<T, StoreError>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(name).map_err(store_error)
}

fn parsed<T: FromStr<Err: Display>>(row: &PgRow, name: &str) -> Result<T, StoreError> {
    column::<&str>(row, name)?.parse().map_err(|error: T::Err| unreadable(name, error.to_string()))
}

fn parsed_or_null<T: FromStr<Err: Display>>(row: &PgRow, name: &str) -> Result<Option<T>, StoreError> {
    let text = column::<Option<&str>>(row, name)?;
    text.map(str::parse).transpose().map_err(|error: T::Err| unreadable(name, error.to_string()))
}

fn resources(row: &PgRow, name: &str) -> Result<Resources, StoreError> {
    column::<Option<&str>>(row, name)?.map_or_else(|| Ok(Resources::default()), |text| json(name, text))
}

fn extra(row: &PgRow) -> Result<Extra, StoreError> {
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
