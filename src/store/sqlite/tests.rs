mod contention;
mod database;
mod disk_full;
mod interruption;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use super::SqliteStore;
use crate::clock::Timestamp;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use crate::identifier::Extra;
use crate::pkce::CodeChallenge;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{GrantId, TokenHash, TokenKey, random};
use crate::store::{GrantSummary, Page, TokenStore as _};

const MANY: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

/// A database file that is removed with this value.
struct Database(PathBuf);

impl Database {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("grantor-{}.sqlite", GrantId::random())))
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.0.display())
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::connect(&self.url()).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", self.0.display()));
        }
    }
}

async fn memory() -> SqliteStore {
    SqliteStore::connect("sqlite::memory:").await.unwrap()
}

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn hash() -> TokenHash {
    TokenHash::from_bytes(random())
}

/// A grant with nothing that can be left out.
fn bare_grant() -> Grant {
    Grant {
        id: GrantId::random(),
        client: None,
        subject: None,
        scope: Scope::empty(),
        resource: Resources::default(),
        tenant: None,
        name: None,
        extra: Extra::default(),
        created_at: at(0),
    }
}

fn grant() -> Arc<Grant> {
    Arc::new(Grant {
        client: Some("mobile".parse().unwrap()),
        subject: Some("ada".parse().unwrap()),
        scope: scope("read write"),
        created_at: at(1_000),
        ..bare_grant()
    })
}

fn key(grant: &Grant) -> TokenKey {
    TokenKey { grant: grant.id, hash: hash() }
}

fn code(grant: &Arc<Grant>) -> CodeRecord {
    CodeRecord {
        key: key(grant),
        grant: Arc::clone(grant),
        challenge: Some(CodeChallenge::from_bytes(random())),
        redirect_uri: "https://app.test/callback".into(),
        redirect_uri_source: RedirectUriSource::Requested,
        expires_at: at(2_000),
        failures: 0,
        redeemed_at: None,
    }
}

fn access(grant: &Grant, expires_at: Option<Timestamp>) -> AccessTokenRecord {
    AccessTokenRecord {
        key: key(grant),
        scope: scope("read"),
        resource: Resources::default(),
        issued_at: at(1_500),
        expires_at,
    }
}

fn refresh(grant: &Grant, expires_at: Option<Timestamp>) -> RefreshTokenRecord {
    RefreshTokenRecord { key: key(grant), issued_at: at(1_500), expires_at, state: RefreshTokenState::Active }
}

/// An access token until 5,000 and a refresh token until 9,000.
fn issued(grant: &Arc<Grant>) -> IssuedTokens {
    IssuedTokens {
        grant: Arc::clone(grant),
        access: access(grant, Some(at(5_000))),
        refresh: Some(refresh(grant, Some(at(9_000)))),
    }
}

fn refresh_key(tokens: &IssuedTokens) -> TokenKey {
    tokens.refresh.as_ref().unwrap().key
}

/// What a rotation to `successors` remembers.
fn retirement(successors: &IssuedTokens) -> Retirement {
    Retirement {
        at: at(3_000),
        nonce: random(),
        successor: refresh_key(successors).hash,
        scope: successors.access.scope.clone(),
        resource: successors.access.resource.clone(),
        access_expires_at: successors.access.expires_at,
    }
}

/// How much of `tokens` can be found: all, or nothing.
async fn are_stored(store: &SqliteStore, tokens: &IssuedTokens) -> bool {
    let access = store.find_access_token(&tokens.access.key).await.unwrap();
    let refresh = store.find_refresh_token(&refresh_key(tokens)).await.unwrap();
    assert_eq!(access.is_some(), refresh.is_some(), "half of the tokens is stored");
    access.is_some()
}

async fn summary(store: &SqliteStore, grant: &Grant) -> Option<GrantSummary> {
    let listed = store.list_grants(grant.subject.as_ref().unwrap(), None, Page::first(MANY)).await.unwrap();
    listed.into_iter().find(|summary| summary.grant.id == grant.id)
}
