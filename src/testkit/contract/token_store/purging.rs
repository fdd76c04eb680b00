//! What purging deletes, and what it must not.

use std::sync::Arc;

use super::super::{INTERLEAVINGS, are_found, arena, at_most};
use super::{rotate, stored, summary};
use crate::clock::Timestamp;
use crate::grant::{AccessTokenRecord, IssuedTokens, RefreshTokenRecord};
use crate::store::{Insertion, Rotation, TokenStore};
use crate::testkit::fixtures::{self, from_now, refresh_key};

/// What has expired is found, rotated and listed like anything else: whether that is right, the caller knows.
///
/// > Expiry is judged by the caller; a store gives back what has expired until it is purged.
pub async fn the_expiry_of_a_token_is_not_judged(store: &dyn TokenStore) {
    let tokens = expired(store, -2).await;
    assert!(are_found(store, &tokens).await);
    let successors = fixtures::issued(&tokens.grant);
    assert_eq!(rotate(store, &tokens, &successors).await, Rotation::Rotated);
    assert!(are_found(store, &successors).await && are_found(store, &tokens).await);
    assert_eq!(summary(store, &tokens.grant).await.expect("it is listed").expires_at, successors.expires_at());
}

/// Purging leaves what expires at that instant or later, what never expires, and revoked grants that still bar something.
///
/// > Deletes at most `limit` tokens that expired before `before`
pub async fn purging_leaves_what_is_live(store: &dyn TokenStore) {
    let (now, later) = (from_now(0), from_now(86_400));
    let live = stored(store).await;
    let retired = stored(store).await;
    let successors = fixtures::issued(&retired.grant);
    assert_eq!(rotate(store, &retired, &successors).await, Rotation::Rotated);
    let endless = endless(store).await;
    let revoked = stored(store).await;
    store.revoke_grant(&revoked.grant.id, now).await.unwrap();
    let bare = fixtures::grant();
    assert_eq!(store.insert_grant(&bare, later).await.unwrap(), Insertion::Inserted);
    purge_all(store, now).await;
    for tokens in [&live, &retired, &successors, &endless] {
        assert!(are_found(store, tokens).await);
    }
    assert_eq!(store.insert_tokens(&revoked).await.unwrap(), Insertion::Conflict);
    // An access token goes when it has expired, and its refresh token stays until it has.
    let half = IssuedTokens { access: access(&live, later), ..fixtures::issued(&live.grant) };
    let half = IssuedTokens { refresh: half.refresh.map(|refresh| expiring(refresh, later)), ..half };
    assert_eq!(store.insert_tokens(&half).await.unwrap(), Insertion::Inserted);
    purge_all(store, later).await;
    assert!(are_found(store, &half).await, "what expires at the instant of the purge was purged");
    assert!(summary(store, &bare).await.is_some(), "a grant that is kept until the instant of the purge was purged");
    purge_all(store, Timestamp::MAX).await;
    assert!(are_found(store, &endless).await);
    assert!(summary(store, &endless.grant).await.is_some());
}

/// Purging deletes what is due, in batches no larger than allowed, until nothing more is due.
///
/// > Returns how many rows went; fewer than `limit` means that nothing more is due.
pub async fn purging_deletes_tokens_in_batches(store: &dyn TokenStore) {
    let live = stored(store).await;
    let mut due = Vec::new();
    for _ in 0..5 {
        due.push(expired(store, -10).await);
    }
    // An expired token of a grant that lives.
    let stale = IssuedTokens { access: access(&live, from_now(-10)), refresh: None, ..fixtures::issued(&live.grant) };
    assert_eq!(store.insert_tokens(&stale).await.unwrap(), Insertion::Inserted);
    let revoked = expired(store, -10).await;
    store.revoke_grant(&revoked.grant.id, from_now(-20)).await.unwrap();
    let bare = fixtures::grant();
    assert_eq!(store.insert_grant(&bare, from_now(-10)).await.unwrap(), Insertion::Inserted);
    let mut rows = 0;
    loop {
        let gone = store.purge_tokens(from_now(-1), at_most(4)).await.unwrap();
        assert!(gone <= 4, "{gone} rows went in a batch of 4");
        rows += gone;
        if gone < 4 {
            break;
        }
        assert!(rows < 1_000, "{rows} rows went, and there are more");
    }
    // Of five grants two tokens each, the stale one, and the grants with the bare and the revoked one.
    assert!(rows >= 18, "{rows} rows went of eleven tokens and seven grants that were due");
    assert_eq!(summary(store, &bare).await, None, "an expired grant without tokens is still there");
    for tokens in due.iter().chain([&stale]) {
        assert_eq!(store.find_access_token(&tokens.access.key).await.unwrap(), None);
    }
    for tokens in due.iter().chain([&revoked]) {
        assert_eq!(store.find_refresh_token(&refresh_key(tokens)).await.unwrap(), None);
        assert_eq!(summary(store, &tokens.grant).await, None);
    }
    assert!(are_found(store, &live).await);
    assert_eq!(store.purge_tokens(from_now(-1), at_most(4)).await.unwrap(), 0);
}

/// A grant goes with the last of its tokens, and one that never expires once it was revoked.
///
/// > and grants with all that belongs to them once their last token has, revoked ones too
pub async fn a_grant_goes_with_the_last_of_its_tokens(store: &dyn TokenStore) {
    let grant = fixtures::grant();
    let keep_until = from_now(-30);
    assert_eq!(store.insert_grant(&grant, keep_until).await.unwrap(), Insertion::Inserted);
    let [first, second] = [-20, -10].map(|seconds| IssuedTokens {
        access: access(&fixtures::issued(&grant), from_now(seconds)),
        refresh: None,
        grant: Arc::clone(&grant),
    });
    for tokens in [&second, &first] {
        assert_eq!(store.insert_tokens(tokens).await.unwrap(), Insertion::Inserted);
    }
    purge_all(store, from_now(-15)).await;
    assert!(!are_found(store, &first).await && are_found(store, &second).await);
    assert!(summary(store, &grant).await.is_some());
    purge_all(store, from_now(-5)).await;
    assert!(!are_found(store, &second).await, "an expired token is still there");
    assert_eq!(summary(store, &grant).await, None, "a grant of which the last token has expired is still there");
    let endless = endless(store).await;
    store.revoke_grant(&endless.grant.id, from_now(-10)).await.unwrap();
    purge_all(store, from_now(-15)).await;
    assert!(summary(store, &endless.grant).await.is_some(), "a grant that was revoked after `before` was purged");
    purge_all(store, from_now(-5)).await;
    let left = summary(store, &endless.grant).await;
    assert_eq!(left, None, "a grant that never expires, but was revoked before the purge, is still there");
    assert!(!are_found(store, &endless).await);
}

/// Purges beside rotations and insertions take nothing that is live, also where a grant is renewed in its last moment.
///
/// > Deletes at most `limit` tokens that expired before `before`
pub async fn purging_beside_traffic_takes_nothing_live(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        // The whole grant is due, unless it is renewed before the purge.
        let old = expired(store, -10).await;
        let next = fixtures::issued(&old.grant);
        let late = fixtures::issued(&old.grant);
        let step = async |n: usize| match n {
            0 => rotate(store, &old, &next).await == Rotation::Rotated,
            1 => store.insert_tokens(&late).await.unwrap() == Insertion::Inserted,
            _ => {
                store.purge_tokens(from_now(-1), at_most(3)).await.unwrap();
                false
            }
        };
        let outcomes = arena.race(4, seed, step).await;
        assert!(outcomes[1], "nothing was in the way of the insertion");
        assert!(are_found(store, &late).await, "live tokens were purged");
        assert_eq!(are_found(store, &next).await, outcomes[0], "a rotation was lost or half-done");
    }
}

/// Tokens of a new grant that expired so many seconds ago, stored.
async fn expired(store: &dyn TokenStore, seconds: i64) -> IssuedTokens {
    let at = from_now(seconds);
    let tokens = fixtures::issued(&fixtures::grant());
    let tokens = IssuedTokens {
        access: access(&tokens, at),
        refresh: tokens.refresh.map(|refresh| expiring(refresh, at)),
        ..tokens
    };
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    tokens
}

/// Tokens that never expire, stored.
async fn endless(store: &dyn TokenStore) -> IssuedTokens {
    let tokens = fixtures::issued(&fixtures::grant());
    let tokens = IssuedTokens {
        access: AccessTokenRecord { expires_at: None, ..tokens.access },
        refresh: tokens.refresh.map(|refresh| RefreshTokenRecord { expires_at: None, ..refresh }),
        ..tokens
    };
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    tokens
}

/// A new access token of the same grant, with this expiry.
fn access(tokens: &IssuedTokens, expires_at: Timestamp) -> AccessTokenRecord {
    AccessTokenRecord { expires_at: Some(expires_at), ..fixtures::access_token(&tokens.grant) }
}

fn expiring(refresh: RefreshTokenRecord, expires_at: Timestamp) -> RefreshTokenRecord {
    RefreshTokenRecord { expires_at: Some(expires_at), ..refresh }
}

async fn purge_all(store: &dyn TokenStore, before: Timestamp) {
    while store.purge_tokens(before, at_most(100)).await.unwrap() == 100 {}
}
