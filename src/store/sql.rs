//! What the stores in SQL share: rows to records, and records to the text of columns.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;

use super::GrantSummary;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, RedirectUriSource, RefreshTokenRecord, RefreshTokenState, Retirement,
};
use crate::identifier::Extra;
use crate::pkce::CodeChallenge;
use crate::resource::Resources;
use crate::secret::{GrantId, TokenHash, TokenKey};

/// A row of any database, by the names of its columns. What is not of its type is an error.
pub(super) trait Columns {
    fn text(&self, name: &str) -> Result<Option<&str>, StoreError>;
    fn bytes(&self, name: &str) -> Result<Option<&[u8]>, StoreError>;
    fn integer(&self, name: &str) -> Result<Option<i64>, StoreError>;
    fn flag(&self, name: &str) -> Result<bool, StoreError>;
}

macro_rules! columns_of {
    ($row:ty) => {
        impl Columns for $row {
            fn text(&self, name: &str) -> Result<Option<&str>, StoreError> {
                self.try_get(name).map_err(StoreError::failed)
            }

            fn bytes(&self, name: &str) -> Result<Option<&[u8]>, StoreError> {
                self.try_get(name).map_err(StoreError::failed)
            }

            fn integer(&self, name: &str) -> Result<Option<i64>, StoreError> {
                self.try_get(name).map_err(StoreError::failed)
            }

            fn flag(&self, name: &str) -> Result<bool, StoreError> {
                self.try_get(name).map_err(StoreError::failed)
            }
        }
    };
}

#[cfg(feature = "postgres")]
columns_of!(sqlx::postgres::PgRow);
#[cfg(feature = "sqlite")]
columns_of!(sqlx::sqlite::SqliteRow);

/// The columns of `grantor_grants AS g` that [`grant`] reads.
macro_rules! grant_columns {
    () => {
        "g.client, g.subject, g.scope AS grant_scope, g.resource AS grant_resource, g.tenant, g.name, g.extra, g.created_at"
    };
}
pub(super) use grant_columns;

pub(super) fn grant(row: &impl Columns, id: GrantId) -> Result<Arc<Grant>, StoreError> {
    Ok(Arc::new(Grant {
        id,
        client: parsed_or_null(row, "client")?,
        subject: parsed_or_null(row, "subject")?,
        scope: parsed(row, "grant_scope")?,
        resource: resources(row, "grant_resource")?,
        tenant: parsed_or_null(row, "tenant")?,
        name: parsed_or_null(row, "name")?,
        extra: extra(row)?,
        created_at: instant(row, "created_at")?,
    }))
}

pub(super) fn code(row: &impl Columns, key: TokenKey) -> Result<CodeRecord, StoreError> {
    let challenge = row.bytes("challenge")?.map(|bytes| array("challenge", bytes)).transpose()?;
    Ok(CodeRecord {
        key,
        grant: grant(row, key.grant)?,
        challenge: challenge.map(CodeChallenge::from_bytes),
        redirect_uri: present("redirect_uri", row.text("redirect_uri")?)?.into(),
        redirect_uri_source: if row.flag("redirect_uri_requested")? {
            RedirectUriSource::Requested
        } else {
            RedirectUriSource::Registered
        },
        expires_at: instant(row, "expires_at")?,
        failures: count(row, "failures")?,
        redeemed_at: instant_or_null(row, "redeemed_at")?,
    })
}

pub(super) fn access_token(row: &impl Columns, key: TokenKey) -> Result<AccessTokenRecord, StoreError> {
    Ok(AccessTokenRecord {
        key,
        scope: parsed(row, "scope")?,
        resource: resources(row, "resource")?,
        issued_at: instant(row, "issued_at")?,
        expires_at: instant_or_null(row, "expires_at")?,
    })
}

pub(super) fn refresh_token(row: &impl Columns, key: TokenKey) -> Result<RefreshTokenRecord, StoreError> {
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

pub(super) fn retirement(row: &impl Columns) -> Result<Retirement, StoreError> {
    Ok(Retirement {
        at: instant(row, "retired_at")?,
        nonce: bytes(row, "nonce")?,
        successor: TokenHash::from_bytes(bytes(row, "successor")?),
        scope: parsed(row, "access_scope")?,
        resource: resources(row, "access_resource")?,
        access_expires_at: instant_or_null(row, "access_expires_at")?,
    })
}

pub(super) fn grant_id(row: &impl Columns) -> Result<GrantId, StoreError> {
    bytes(row, "id").map(GrantId::from_bytes)
}

pub(super) fn summary(row: &impl Columns) -> Result<GrantSummary, StoreError> {
    Ok(GrantSummary {
        grant: grant(row, grant_id(row)?)?,
        expires_at: instant_or_null(row, "expires_at")?,
        last_used_at: instant_or_null(row, "last_used_at")?,
        revoked_at: instant_or_null(row, "revoked_at")?,
    })
}

pub(super) fn record<T: DeserializeOwned>(row: &impl Columns) -> Result<T, StoreError> {
    json("record", present("record", row.text("record")?)?)
}

pub(super) fn count(row: &impl Columns, name: &str) -> Result<u32, StoreError> {
    u32::try_from(present(name, row.integer(name)?)?).map_err(|error| unreadable(name, error))
}

fn instant_or_null(row: &impl Columns, name: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.integer(name)?.map(Timestamp::from_unix_millis))
}

fn instant(row: &impl Columns, name: &str) -> Result<Timestamp, StoreError> {
    present(name, row.integer(name)?).map(Timestamp::from_unix_millis)
}

fn parsed<T: FromStr<Err: Display>>(row: &impl Columns, name: &str) -> Result<T, StoreError> {
    present(name, parsed_or_null(row, name)?)
}

fn parsed_or_null<T: FromStr<Err: Display>>(row: &impl Columns, name: &str) -> Result<Option<T>, StoreError> {
    row.text(name)?.map(str::parse).transpose().map_err(|error: T::Err| unreadable(name, error.to_string()))
}

fn resources(row: &impl Columns, name: &str) -> Result<Resources, StoreError> {
    row.text(name)?.map_or_else(|| Ok(Resources::default()), |text| json(name, text))
}

fn extra(row: &impl Columns) -> Result<Extra, StoreError> {
    row.text("extra")?.map_or_else(|| Ok(Extra::default()), |text| json("extra", text))
}

fn json<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| unreadable(name, error))
}

fn bytes<const N: usize>(row: &impl Columns, name: &str) -> Result<[u8; N], StoreError> {
    array(name, present(name, row.bytes(name)?)?)
}

fn array<const N: usize>(name: &str, bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|error: std::array::TryFromSliceError| unreadable(name, error))
}

fn present<T>(name: &str, value: Option<T>) -> Result<T, StoreError> {
    value.ok_or_else(|| unreadable(name, "it is NULL"))
}

fn unreadable(name: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::failed(sqlx::Error::ColumnDecode { index: name.to_owned(), source: source.into() })
}

pub(super) fn resources_text(resource: &Resources) -> Result<Option<String>, StoreError> {
    if resource.is_empty() { Ok(None) } else { json_text(resource).map(Some) }
}

pub(super) fn extra_text(extra: &Extra) -> Result<Option<String>, StoreError> {
    if extra.is_empty() { Ok(None) } else { json_text(extra).map(Some) }
}

pub(super) fn json_text<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::failed)
}
