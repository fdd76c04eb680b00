//! How refresh tokens are used.

use super::super::{INTERLEAVINGS, are_found, arena, contenders};
use super::{rotate, rotate_as, stored, summary};
use crate::grant::{
    AccessTokenRecord, IssuedTokens, RefreshTokenRecord, RefreshTokenState, Retirement, SuccessorState,
};
use crate::secret::TokenKey;
use crate::store::{Reuse, Rotation, TokenStore};
use crate::testkit::fixtures::{self, from_now, refresh_key, retirement};

/// A refresh token rotates once; what comes later is told how it was retired, and counted.
///
/// > A call for a token that is retired already counts as one retry of it, stores nothing, and tells how it was retired.
pub async fn a_refresh_token_rotates_once(store: &dyn TokenStore) {
    let first = stored(store).await;
    let lasting = Some(from_now(900_000));
    let second = fixtures::issued(&first.grant);
    let refresh = second.refresh.clone().map(|refresh| RefreshTokenRecord { expires_at: lasting, ..refresh });
    let second = IssuedTokens { refresh, ..second };
    let how = retirement(&second);
    assert_eq!(rotate_as(store, &first, &how, &second).await, Rotation::Rotated);
    assert!(are_found(store, &first).await && are_found(store, &second).await);
    assert_eq!(summary(store, &first.grant).await.expect("the grant is listed").expires_at, lasting);
    for retries in 1..=3 {
        let other = fixtures::issued(&first.grant);
        let told = Rotation::Retired { retirement: how.clone(), retries };
        assert_eq!(rotate(store, &first, &other).await, told);
        assert!(!are_found(store, &other).await, "the tokens of a retry were stored");
    }
    let found = store.find_refresh_token(&refresh_key(&first)).await.unwrap().expect("a retired token is found");
    assert_eq!(found.token.state, RefreshTokenState::Retired(how));
    let found = store.find_refresh_token(&refresh_key(&second)).await.unwrap().expect("the successor is found");
    assert_eq!(Some(found.token), second.refresh);
}

/// Of concurrent rotations exactly one is done, and only its tokens are stored; each of the others counts.
///
/// > Of any number of concurrent calls exactly one gets `Rotation::Rotated`, and only its tokens are stored.
pub async fn one_of_concurrent_rotations_wins(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let first = stored(store).await;
        let rivals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::issued(&first.grant)).collect();
        let rotate = async |n: usize| rotate(store, &first, &rivals[n]).await;
        let outcomes = arena.race(rivals.len(), seed, rotate).await;
        let mut counted = Vec::new();
        let mut winners = Vec::new();
        for (rival, outcome) in rivals.iter().zip(&outcomes) {
            match outcome {
                Rotation::Rotated => winners.push(rival),
                Rotation::Retired { retries, .. } => counted.push(*retries),
                Rotation::Unknown => panic!("an active token was unknown: {outcomes:?}"),
            }
            assert_eq!(are_found(store, rival).await, *outcome == Rotation::Rotated);
        }
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        counted.sort_unstable();
        assert_eq!(counted, (1..u32::try_from(rivals.len()).unwrap()).collect::<Vec<_>>());
        for outcome in &outcomes {
            if let Rotation::Retired { retirement, .. } = outcome {
                assert_eq!(retirement.successor, refresh_key(winners[0]).hash);
                assert_eq!(retirement.successor_state(), SuccessorState::Unused);
            }
        }
    }
}

/// What a rotation derived its successors with is forgotten once these are used, and not before.
///
/// > In the same step it overwrites with zeros the nonce of the token that `key` replaced: the one under the same grant whose
/// > retirement names `key.hash` as its successor.
pub async fn a_token_two_generations_old_yields_nothing(store: &dyn TokenStore) {
    let mut chain = vec![stored(store).await];
    let mut retirements: Vec<Retirement> = Vec::new();
    for generation in 0..4 {
        let successors = fixtures::issued(&chain[generation].grant);
        let how = retirement(&successors);
        assert_eq!(rotate_as(store, &chain[generation], &how, &successors).await, Rotation::Rotated);
        retirements.push(how);
        chain.push(successors);
        for (age, (tokens, how)) in (0..=generation).rev().zip(chain.iter().zip(&retirements)) {
            let kept = if age == 0 { how.clone() } else { Retirement { nonce: [0; 16], ..how.clone() } };
            let found = store.find_refresh_token(&refresh_key(tokens)).await.unwrap().expect("it is retired");
            assert_eq!(found.token.state, RefreshTokenState::Retired(kept.clone()), "{age} generations on");
            // A retry is told the same, and makes nobody forget anything.
            let told = rotate(store, tokens, &fixtures::issued(&tokens.grant)).await;
            assert!(matches!(told, Rotation::Retired { retirement, .. } if retirement == kept));
        }
    }
}

/// A rotation whose successors have a key that is stored already is an error, and changes nothing.
///
/// > A successor with a key that is stored already is the caller's mistake: an error, and nothing is changed.
pub async fn a_rotation_with_a_stored_key_changes_nothing(store: &dyn TokenStore) {
    let first = stored(store).await;
    let second = fixtures::issued(&first.grant);
    let how = retirement(&second);
    assert_eq!(rotate_as(store, &first, &how, &second).await, Rotation::Rotated);
    let before = summary(store, &first.grant).await;
    let fresh = fixtures::issued(&first.grant);
    let late = Some(from_now(900_000));
    let bad = [
        IssuedTokens { access: first.access.clone(), ..fresh.clone() },
        IssuedTokens {
            access: AccessTokenRecord { expires_at: late, ..fresh.access.clone() },
            refresh: first.refresh.clone(),
            ..fresh.clone()
        },
        IssuedTokens { refresh: second.refresh.clone(), ..fresh.clone() },
    ];
    for successors in &bad {
        let key = refresh_key(&second);
        store.rotate_refresh_token(&key, &retirement(successors), successors).await.unwrap_err();
        assert_eq!(store.find_access_token(&fresh.access.key).await.unwrap(), None);
        assert_eq!(store.find_refresh_token(&refresh_key(&fresh)).await.unwrap(), None);
        let found = store.find_refresh_token(&key).await.unwrap().expect("the token is still there");
        assert_eq!(found.token.state, RefreshTokenState::Active);
        assert_eq!(summary(store, &first.grant).await, before);
    }
    let told = rotate(store, &first, &fresh).await;
    assert_eq!(told, Rotation::Retired { retirement: how, retries: 1 });
    assert_eq!(rotate(store, &second, &fresh).await, Rotation::Rotated);
}

/// A key that is not wholly that of a refresh token rotates and renews nothing.
///
/// > There is no such token, or its grant is revoked.
pub async fn an_unknown_refresh_token_is_not_used(store: &dyn TokenStore) {
    let (one, other) = (stored(store).await, stored(store).await);
    let strangers = [
        fixtures::key(&one.grant),
        one.access.key,
        TokenKey { grant: one.grant.id, hash: refresh_key(&other).hash },
        fixtures::key(&fixtures::grant()),
    ];
    for key in &strangers {
        let fresh = fixtures::issued(&one.grant);
        let rotation = store.rotate_refresh_token(key, &retirement(&fresh), &fresh).await.unwrap();
        assert_eq!(rotation, Rotation::Unknown);
        let reuse = store.reuse_refresh_token(key, Some(from_now(900_000)), &fresh.access).await.unwrap();
        assert_eq!(reuse, Reuse::Unknown);
        assert!(!are_found(store, &fresh).await);
    }
    for tokens in [&one, &other] {
        assert_eq!(rotate(store, tokens, &fixtures::issued(&tokens.grant)).await, Rotation::Rotated);
    }
}

/// A refresh token that stays yields an access token at each use, and lives as long as it is told.
///
/// > Stores one more access token under the active refresh token `key`, and moves that token's expiry to `expires_at`, all of
/// > it or nothing.
pub async fn a_reuse_stores_one_more_access_token(store: &dyn TokenStore) {
    let tokens = stored(store).await;
    let key = refresh_key(&tokens);
    let mut lasting = summary(store, &tokens.grant).await.expect("the grant is listed").expires_at;
    for expires_at in [Some(from_now(200_000)), Some(from_now(100_000)), Some(from_now(300_000)), None] {
        let access = fixtures::access_token(&tokens.grant);
        assert_eq!(store.reuse_refresh_token(&key, expires_at, &access).await.unwrap(), Reuse::Accepted);
        let found = store.find_access_token(&access.key).await.unwrap().expect("the access token is stored");
        assert_eq!(found.token, access);
        let found = store.find_refresh_token(&key).await.unwrap().expect("the refresh token stays");
        assert_eq!((found.token.expires_at, found.token.state), (expires_at, RefreshTokenState::Active));
        lasting = lasting.zip(expires_at).map(|(old, new)| old.max(new));
        assert_eq!(summary(store, &tokens.grant).await.expect("the grant is listed").expires_at, lasting);
    }
    assert!(are_found(store, &tokens).await);
}

/// A retired token renews nothing.
///
/// > There is no such active token, or its grant is revoked.
pub async fn what_is_not_active_is_not_reused(store: &dyn TokenStore) {
    let first = stored(store).await;
    assert_eq!(rotate(store, &first, &fixtures::issued(&first.grant)).await, Rotation::Rotated);
    let before = store.find_refresh_token(&refresh_key(&first)).await.unwrap();
    let access = fixtures::access_token(&first.grant);
    assert_eq!(store.reuse_refresh_token(&refresh_key(&first), None, &access).await.unwrap(), Reuse::Unknown);
    assert_eq!(store.find_access_token(&access.key).await.unwrap(), None);
    assert_eq!(store.find_refresh_token(&refresh_key(&first)).await.unwrap(), before);
}

/// A reuse whose access token has a key that is stored already is an error, and changes nothing.
///
/// > An access token with a key that is stored already is the caller's mistake: an error, and nothing is changed.
pub async fn a_reuse_with_a_stored_key_changes_nothing(store: &dyn TokenStore) {
    let tokens = stored(store).await;
    let before = summary(store, &tokens.grant).await;
    let again = AccessTokenRecord { expires_at: None, ..tokens.access.clone() };
    store.reuse_refresh_token(&refresh_key(&tokens), Some(from_now(900_000)), &again).await.unwrap_err();
    assert_eq!(summary(store, &tokens.grant).await, before);
    let found = store.find_refresh_token(&refresh_key(&tokens)).await.unwrap().expect("the refresh token stays");
    assert_eq!(Some(found.token), tokens.refresh);
    let found = store.find_access_token(&tokens.access.key).await.unwrap().expect("the access token stays");
    assert_eq!(found.token, tokens.access);
}

/// Of concurrent reuses each is accepted, and yields its access token.
///
/// > Stores one more access token under the active refresh token `key`
pub async fn concurrent_reuses_all_yield_an_access_token(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let tokens = stored(store).await;
        let key = refresh_key(&tokens);
        let renewals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::access_token(&tokens.grant)).collect();
        let expiries: Vec<_> = (100_000..).take(renewals.len()).map(|seconds| Some(from_now(seconds))).collect();
        let reuse = async |n: usize| store.reuse_refresh_token(&key, expiries[n], &renewals[n]).await.unwrap();
        let outcomes = arena.race(renewals.len(), seed, reuse).await;
        assert!(outcomes.iter().all(|outcome| *outcome == Reuse::Accepted), "{outcomes:?}");
        for access in &renewals {
            let found = store.find_access_token(&access.key).await.unwrap().expect("the access token is stored");
            assert_eq!(found.token, *access);
        }
        let latest = summary(store, &tokens.grant).await.expect("the grant is listed").expires_at;
        assert_eq!(Some(&latest), expiries.iter().max());
        let found = store.find_refresh_token(&key).await.unwrap().expect("the refresh token stays");
        assert!(expiries.contains(&found.token.expires_at), "none of the reuses moved the expiry");
    }
}

/// Of rotations and reuses that meet, one rotation is done, and a reuse is accepted before it or not at all.
///
/// > There is no such active token, or its grant is revoked.
pub async fn a_rotation_among_reuses_is_done_once(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let first = stored(store).await;
        let rivals: Vec<_> = (0..contenders(seed) + 1).map(|_| fixtures::issued(&first.grant)).collect();
        let step = async |n: usize| match n % 2 {
            0 => rotate(store, &first, &rivals[n]).await == Rotation::Rotated,
            _ => {
                let access = &rivals[n].access;
                store.reuse_refresh_token(&refresh_key(&first), None, access).await.unwrap() == Reuse::Accepted
            }
        };
        let outcomes = arena.race(rivals.len(), seed, step).await;
        assert_eq!(outcomes.iter().step_by(2).filter(|rotated| **rotated).count(), 1, "{outcomes:?}");
        for (rival, done) in rivals.iter().zip(&outcomes) {
            assert_eq!(store.find_access_token(&rival.access.key).await.unwrap().is_some(), *done);
        }
        let found = store.find_refresh_token(&refresh_key(&first)).await.unwrap().expect("a retired token is found");
        assert!(matches!(found.token.state, RefreshTokenState::Retired(_)), "a reuse undid the rotation");
    }
}
