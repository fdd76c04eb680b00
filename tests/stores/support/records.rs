//! Records to store.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::clock::Timestamp;
use grantor::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use grantor::identifier::Extra;
use grantor::pkce::CodeChallenge;
use grantor::resource::Resources;
use grantor::secret::{GrantId, TokenHash, TokenKey};
use grantor::store::{GrantSummary, Page, TokenStore};

pub const MANY: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

pub const fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

/// Bytes that nothing else has.
pub fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    for half in bytes.chunks_mut(16) {
        half.copy_from_slice(GrantId::random().as_bytes());
    }
    bytes
}

/// A grant of a user of its own.
pub fn grant() -> Arc<Grant> {
    Arc::new(Grant {
        id: GrantId::random(),
        client: Some("mobile".parse().unwrap()),
        subject: Some(GrantId::random().to_string().parse().unwrap()),
        scope: "read write".parse().unwrap(),
        resource: Resources::default(),
        tenant: None,
        extra: Extra::default(),
        created_at: at(1_000),
    })
}

pub fn key(grant: &Grant) -> TokenKey {
    TokenKey { grant: grant.id, hash: TokenHash::from_bytes(random()) }
}

/// A code until 2,000.
pub fn code(grant: &Arc<Grant>) -> CodeRecord {
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

pub fn access(grant: &Grant, expires_at: Option<Timestamp>) -> AccessTokenRecord {
    AccessTokenRecord {
        key: key(grant),
        scope: "read".parse().unwrap(),
        resource: Resources::default(),
        issued_at: at(1_500),
        expires_at,
    }
}

pub fn refresh(grant: &Grant, expires_at: Option<Timestamp>) -> RefreshTokenRecord {
    RefreshTokenRecord { key: key(grant), issued_at: at(1_500), expires_at, state: RefreshTokenState::Active }
}

/// An access token until 5,000 and a refresh token until 9,000.
pub fn issued(grant: &Arc<Grant>) -> IssuedTokens {
    IssuedTokens {
        grant: Arc::clone(grant),
        access: access(grant, Some(at(5_000))),
        refresh: Some(refresh(grant, Some(at(9_000)))),
    }
}

pub fn refresh_key(tokens: &IssuedTokens) -> TokenKey {
    tokens.refresh.as_ref().unwrap().key
}

/// What a rotation to `successors` remembers.
pub fn retirement(successors: &IssuedTokens) -> Retirement {
    Retirement {
        at: at(3_000),
        nonce: *GrantId::random().as_bytes(),
        successor: refresh_key(successors).hash,
        scope: successors.access.scope.clone(),
        resource: successors.access.resource.clone(),
        access_expires_at: successors.access.expires_at,
    }
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
