//! What holds for one caller at a time; `races` has what holds for many.

mod limits;
mod purge;
mod races;

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{MemoryLimits, MemoryStore};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use crate::identifier::{Extra, Subject};
use crate::secret::{GrantId, TokenHash, TokenKey};
use crate::store::{CodeStore, GrantStore, Insertion, Page, Redemption, Reuse, Rotation, TokenStore};

/// The result of a future that is ready at once, as all of this store are: none can be dropped half-way.
fn now<T>(future: impl Future<Output = Result<T, StoreError>>) -> T {
    polled(future).unwrap()
}

fn polled<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the future waits for something"),
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

fn key(grant: &Grant) -> TokenKey {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(GrantId::random().as_bytes());
    TokenKey { grant: grant.id, hash: TokenHash::from_bytes(hash) }
}

fn grant_of(client: &str, subject: &str) -> Arc<Grant> {
    Arc::new(Grant {
        id: GrantId::random(),
        client: Some(client.parse().unwrap()),
        subject: Some(subject.parse().unwrap()),
        scope: "links:read links:write".parse().unwrap(),
        resource: ["https://api.example".parse().unwrap()].into_iter().collect(),
        tenant: Some("workspace".parse().unwrap()),
        name: None,
        extra: Extra::default(),
        created_at: at(0),
    })
}

fn grant() -> Arc<Grant> {
    grant_of("app", "ada")
}

fn code(grant: &Arc<Grant>) -> CodeRecord {
    CodeRecord {
        key: key(grant),
        grant: Arc::clone(grant),
        challenge: None,
        redirect_uri: "https://app.example/callback".into(),
        redirect_uri_source: RedirectUriSource::Requested,
        expires_at: at(60),
        failures: 0,
        redeemed_at: None,
    }
}

fn access(grant: &Grant, expires_at: Option<Timestamp>) -> AccessTokenRecord {
    let (scope, resource) = (grant.scope.clone(), grant.resource.clone());
    AccessTokenRecord { key: key(grant), scope, resource, issued_at: at(1), expires_at }
}

fn refresh(grant: &Grant, expires_at: Option<Timestamp>) -> RefreshTokenRecord {
    RefreshTokenRecord { key: key(grant), issued_at: at(1), expires_at, state: RefreshTokenState::Active }
}

fn tokens(grant: &Arc<Grant>) -> IssuedTokens {
    let refresh = refresh(grant, Some(at(10_000)));
    IssuedTokens { grant: Arc::clone(grant), access: access(grant, Some(at(1_000))), refresh: Some(refresh) }
}

fn refresh_key(tokens: &IssuedTokens) -> TokenKey {
    tokens.refresh.as_ref().unwrap().key
}

fn retirement(successors: &IssuedTokens) -> Retirement {
    Retirement {
        at: at(2),
        nonce: [7; 16],
        successor: refresh_key(successors).hash,
        scope: successors.access.scope.clone(),
        resource: successors.access.resource.clone(),
        access_expires_at: successors.access.expires_at,
    }
}

fn rotate(store: &MemoryStore, key: &TokenKey, successors: &IssuedTokens) -> Rotation {
    now(store.rotate_refresh_token(key, &retirement(successors), successors))
}

/// Everything of `tokens` is found, or nothing is.
fn is_found(store: &MemoryStore, tokens: &IssuedTokens) -> bool {
    let access = now(store.find_access_token(&tokens.access.key)).is_some();
    if let Some(refresh) = &tokens.refresh {
        assert_eq!(now(store.find_refresh_token(&refresh.key)).is_some(), access);
    }
    access
}

fn list(store: &MemoryStore, subject: &str, page: Page<GrantId>) -> Vec<GrantId> {
    let subject: Subject = subject.parse().unwrap();
    now(store.list_grants(&subject, None, page)).iter().map(|summary| summary.grant.id).collect()
}

#[test]
fn debug_tells_how_much_and_nothing_of_what() {
    let store = MemoryStore::with_limits(MemoryLimits::new().with_clients(1));
    assert_eq!(now(store.insert_tokens(&tokens(&grant()))), Insertion::Inserted);
    let text = format!("{store:?}");
    assert!(text.contains("grants: 1, tokens: 2") && !text.contains("ada"), "{text}");
}

#[test]
fn an_access_token_and_a_refresh_token_that_share_a_hash_are_told_apart() {
    let store = MemoryStore::new();
    let mut pair = tokens(&grant());
    pair.access.key = refresh_key(&pair);
    assert_eq!(now(store.insert_tokens(&pair)), Insertion::Inserted);
    now(store.revoke_access_token(&pair.access.key));
    assert!(now(store.find_refresh_token(&refresh_key(&pair))).is_some());
    now(store.revoke_grant(&pair.grant.id, at(0)));
    assert_eq!(now(store.find_refresh_token(&refresh_key(&pair))), None, "the refresh token outlived its grant");
}
