//! Records to store, with instants that tests can name: for a store that reads no clock.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::clock::Timestamp;
use grantor::grant::{AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RefreshTokenRecord, Retirement};
use grantor::store::{GrantSummary, Page, TokenStore};
use grantor::testkit::fixtures;
pub use grantor::testkit::fixtures::{key, refresh_key};

pub const MANY: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

pub const fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

/// A grant of a user of its own to the client `mobile`.
pub fn grant() -> Arc<Grant> {
    Arc::new(Grant { created_at: at(1_000), ..Grant::clone(&fixtures::grant_of(&fixtures::subject(), &mobile())) })
}

fn mobile() -> grantor::client::ClientId {
    "mobile".parse().unwrap()
}

/// A code until 2,000.
pub fn code(grant: &Arc<Grant>) -> CodeRecord {
    CodeRecord { expires_at: at(2_000), ..fixtures::code(grant) }
}

pub fn access(grant: &Grant, expires_at: Option<Timestamp>) -> AccessTokenRecord {
    AccessTokenRecord { issued_at: at(1_500), expires_at, ..fixtures::access_token(grant) }
}

pub fn refresh(grant: &Grant, expires_at: Option<Timestamp>) -> RefreshTokenRecord {
    RefreshTokenRecord { issued_at: at(1_500), expires_at, ..fixtures::refresh_token(grant) }
}

/// An access token until 5,000 and a refresh token until 9,000.
pub fn issued(grant: &Arc<Grant>) -> IssuedTokens {
    IssuedTokens {
        grant: Arc::clone(grant),
        access: access(grant, Some(at(5_000))),
        refresh: Some(refresh(grant, Some(at(9_000)))),
    }
}

/// What a rotation to `successors` remembers.
pub fn retirement(successors: &IssuedTokens) -> Retirement {
    Retirement { at: at(3_000), ..fixtures::retirement(successors) }
}

/// How much of `tokens` can be found: all, or nothing.
pub async fn are_stored(store: &impl TokenStore, tokens: &IssuedTokens) -> bool {
    let access = store.find_access_token(&tokens.access.key).await.unwrap();
    let refresh = store.find_refresh_token(&refresh_key(tokens)).await.unwrap();
    assert_eq!(access.is_some(), refresh.is_some(), "half of the tokens is stored");
    access.is_some()
}

pub async fn summary(store: &impl TokenStore, grant: &Grant) -> Option<GrantSummary> {
    let listed = store.list_grants(grant.subject.as_ref().unwrap(), None, Page::first(MANY)).await.unwrap();
    listed.into_iter().find(|summary| summary.grant.id == grant.id)
}
