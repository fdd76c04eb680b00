//! What revocations end, and for how long.

use std::sync::Arc;

use super::super::{INTERLEAVINGS, are_found, arena, contenders};
use super::{rotate, stored, stored_under, summary};
use crate::client::ClientId;
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens};
use crate::identifier::Subject;
use crate::store::{Insertion, Reuse, Rotation, TokenStore};
use crate::testkit::fixtures::{self, from_now, refresh_key};

/// A revoked access token is gone, and nothing else is.
///
/// > Makes sure that this access token is not found again; the rest of its grant lives on.
pub async fn an_access_token_is_revoked_alone(store: &dyn TokenStore) {
    let first = stored(store).await;
    let second = stored_under(store, &first.grant).await;
    for key in [fixtures::key(&first.grant), refresh_key(&first), fixtures::key(&fixtures::grant())] {
        store.revoke_access_token(&key).await.unwrap();
    }
    assert!(are_found(store, &first).await);
    for _ in 0..2 {
        store.revoke_access_token(&first.access.key).await.unwrap();
        assert_eq!(store.find_access_token(&first.access.key).await.unwrap(), None);
    }
    assert!(are_found(store, &second).await);
    assert!(store.find_refresh_token(&refresh_key(&first)).await.unwrap().is_some());
    assert_eq!(summary(store, &first.grant).await.expect("the grant is listed").revoked_at, None);
    assert_eq!(rotate(store, &first, &fixtures::issued(&first.grant)).await, Rotation::Rotated);
}

/// A revoked grant takes everything along: what it had, and what it might have got.
///
/// > Revokes the grant with all that belongs to it.
pub async fn a_revoked_grant_is_gone_with_all_of_it(store: &dyn TokenStore) {
    let first = stored(store).await;
    let second = fixtures::issued(&first.grant);
    assert_eq!(rotate(store, &first, &second).await, Rotation::Rotated);
    let spared = stored(store).await;
    store.revoke_grant(&first.grant.id, from_now(0)).await.unwrap();
    for tokens in [&first, &second] {
        assert!(!are_found(store, tokens).await);
        let fresh = fixtures::issued(&first.grant);
        assert_eq!(rotate(store, tokens, &fresh).await, Rotation::Unknown);
        let reuse = store.reuse_refresh_token(&refresh_key(tokens), None, &fresh.access).await.unwrap();
        assert_eq!(reuse, Reuse::Unknown);
        assert!(!are_found(store, &fresh).await);
    }
    assert!(are_found(store, &spared).await);
}

/// Under a revoked grant nothing is stored, be it new to the grant or not.
///
/// > **Revocation is sticky**: once a grant is revoked, nothing under it is found again, whether it was stored before, during
/// > or after the revocation.
pub async fn nothing_is_stored_under_a_revoked_grant(store: &dyn TokenStore) {
    let empty = fixtures::grant();
    assert_eq!(store.insert_grant(&empty, from_now(60)).await.unwrap(), Insertion::Inserted);
    let never_expiring = fixtures::issued(&fixtures::grant());
    let access = AccessTokenRecord { expires_at: None, ..never_expiring.access.clone() };
    let never_expiring = IssuedTokens { access, ..never_expiring };
    assert_eq!(store.insert_tokens(&never_expiring).await.unwrap(), Insertion::Inserted);
    let used = stored(store).await;
    for grant in [&empty, &never_expiring.grant, &used.grant] {
        store.revoke_grant(&grant.id, from_now(0)).await.unwrap();
        for _ in 0..2 {
            let late = fixtures::issued(grant);
            assert_eq!(store.insert_tokens(&late).await.unwrap(), Insertion::Conflict);
            assert_eq!(store.insert_grant(grant, from_now(600)).await.unwrap(), Insertion::Conflict);
            assert!(!are_found(store, &late).await);
        }
    }
    for tokens in [&used, &never_expiring] {
        assert_eq!(store.insert_tokens(tokens).await.unwrap(), Insertion::Conflict);
        assert!(!are_found(store, tokens).await);
    }
}

/// The first revocation is the one that is told; one of a grant that nobody knows is fine.
///
/// > Revoking twice, or an unknown grant, is fine; the first instant stays.
pub async fn the_first_instant_of_a_revocation_stays(store: &dyn TokenStore) {
    let tokens = stored(store).await;
    store.revoke_grant(&fixtures::grant().id, from_now(0)).await.unwrap();
    assert_eq!(summary(store, &tokens.grant).await.expect("the grant is listed").revoked_at, None);
    let first = from_now(7);
    for at in [first, from_now(3), from_now(9)] {
        store.revoke_grant(&tokens.grant.id, at).await.unwrap();
        let revoked_at = summary(store, &tokens.grant).await.expect("the grant is listed").revoked_at;
        assert_eq!(revoked_at, Some(first));
    }
}

/// Whatever order insertions and a revocation come in, in the end nothing of the grant is found.
///
/// > **Revocation is sticky**: once a grant is revoked, nothing under it is found again, whether it was stored before, during
/// > or after the revocation.
pub async fn a_revocation_among_insertions_leaves_nothing(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let first = stored(store).await;
        let rivals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::issued(&first.grant)).collect();
        let step = async |n: usize| match n {
            0 => store.revoke_grant(&first.grant.id, from_now(0)).await.unwrap(),
            n => drop(store.insert_tokens(&rivals[n - 1]).await.unwrap()),
        };
        drop(arena.race(rivals.len() + 1, seed, step).await);
        for tokens in rivals.iter().chain([&first]) {
            assert!(!are_found(store, tokens).await, "something outlived the revocation");
        }
    }
}

/// Whatever order rotations, reuses and a revocation come in, in the end nothing of the grant is found.
///
/// > Revokes the grant with all that belongs to it.
pub async fn a_revocation_among_rotations_leaves_nothing(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let first = stored(store).await;
        let rivals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::issued(&first.grant)).collect();
        let step = async |n: usize| {
            if n == 0 {
                store.revoke_grant(&first.grant.id, from_now(0)).await.unwrap();
                return false;
            }
            let rival = &rivals[n - 1];
            if n.is_multiple_of(3) {
                let _ = store.reuse_refresh_token(&refresh_key(&first), None, &rival.access).await.unwrap();
                return false;
            }
            rotate(store, &first, rival).await == Rotation::Rotated
        };
        let rotated = arena.race(rivals.len() + 1, seed, step).await;
        assert!(rotated.iter().filter(|rotated| **rotated).count() <= 1, "two rotations were done");
        for tokens in rivals.iter().chain([&first]) {
            assert!(!are_found(store, tokens).await, "something outlived the revocation");
        }
    }
}

/// Revoking a user ends all grants of theirs, tells how many, and nobody else's.
///
/// > Revokes every grant of a user, and returns how many were not revoked before.
pub async fn a_user_is_revoked_with_all_grants(store: &dyn TokenStore) {
    let (ada, bob) = (fixtures::subject(), fixtures::subject());
    let apps = [fixtures::client_id(), fixtures::client_id()];
    let of_ada = each_stored(store, &[(&ada, &apps[0]), (&ada, &apps[1]), (&ada, &apps[0])]).await;
    let of_bob = each_stored(store, &[(&bob, &apps[0])]).await;
    let without_tokens = fixtures::grant_of(&ada, &apps[1]);
    assert_eq!(store.insert_grant(&without_tokens, from_now(60)).await.unwrap(), Insertion::Inserted);
    let personal =
        fixtures::issued(&Arc::new(Grant { client: None, ..Grant::clone(&fixtures::grant_of(&ada, &apps[0])) }));
    assert_eq!(store.insert_tokens(&personal).await.unwrap(), Insertion::Inserted);
    let (earlier, now) = (from_now(-1), from_now(0));
    store.revoke_grant(&of_ada[2].grant.id, earlier).await.unwrap();
    assert_eq!(store.revoke_subject(&fixtures::subject(), from_now(0)).await.unwrap(), 0);
    assert_eq!(store.revoke_subject(&ada, now).await.unwrap(), 4);
    assert_eq!(store.revoke_subject(&ada, from_now(1)).await.unwrap(), 0);
    for tokens in of_ada.iter().chain([&personal]) {
        assert!(!are_found(store, tokens).await);
    }
    assert!(are_found(store, &of_bob[0]).await);
    assert_eq!(summary(store, &of_ada[2].grant).await.expect("it is listed").revoked_at, Some(earlier));
    assert_eq!(summary(store, &without_tokens).await.expect("it is listed").revoked_at, Some(now));
    // It ends what there is, and bars nobody from coming back.
    let anew = each_stored(store, &[(&ada, &apps[0])]).await;
    assert!(are_found(store, &anew[0]).await);
}

/// Revoking a client ends all grants to it, its own included, and tells how many; the users' other grants live on.
///
/// > Revokes every grant of a client, and returns how many were not revoked before.
pub async fn revoking_a_client_ends_its_grants_only(store: &dyn TokenStore) {
    let (ada, bob) = (fixtures::subject(), fixtures::subject());
    let (app, other) = (fixtures::client_id(), fixtures::client_id());
    let of_app = each_stored(store, &[(&ada, &app), (&bob, &app)]).await;
    let of_other = each_stored(store, &[(&ada, &other)]).await;
    let own = fixtures::issued(&Arc::new(Grant { subject: None, ..Grant::clone(&fixtures::grant_of(&ada, &app)) }));
    assert_eq!(store.insert_tokens(&own).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.revoke_client(&fixtures::client_id(), from_now(0)).await.unwrap(), 0);
    assert_eq!(store.revoke_client(&app, from_now(0)).await.unwrap(), 3);
    assert_eq!(store.revoke_client(&app, from_now(1)).await.unwrap(), 0);
    for tokens in of_app.iter().chain([&own]) {
        assert!(!are_found(store, tokens).await);
        assert_eq!(store.insert_tokens(&fixtures::issued(&tokens.grant)).await.unwrap(), Insertion::Conflict);
    }
    assert!(are_found(store, &of_other[0]).await);
}

/// A revocation reaches every grant, also where there are more than any batch holds.
///
/// > Revokes every grant of a client, and returns how many were not revoked before.
pub async fn revoking_many_grants_reaches_each_of_them(store: &dyn TokenStore) {
    const MANY: u32 = 2_500;
    let (ada, app) = (fixtures::subject(), fixtures::client_id());
    for user in [&ada, &fixtures::subject()] {
        let mut all = Vec::new();
        for _ in 0..MANY {
            let grant = fixtures::grant_of(user, &app);
            all.push(IssuedTokens { refresh: None, ..fixtures::issued(&grant) });
            let stored = store.insert_tokens(&all[all.len() - 1]).await.unwrap();
            assert_eq!(stored, Insertion::Inserted);
        }
        let revoked = match user == &ada {
            true => store.revoke_subject(user, from_now(0)).await.unwrap(),
            false => store.revoke_client(&app, from_now(0)).await.unwrap(),
        };
        assert_eq!(revoked, u64::from(MANY));
        for tokens in &all {
            assert!(!are_found(store, tokens).await);
        }
    }
}

/// Of concurrent revocations of one user or client, each grant is counted once.
///
/// > Revokes every grant of a user, and returns how many were not revoked before.
pub async fn concurrent_revocations_count_each_grant_once(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let (ada, app) = (fixtures::subject(), fixtures::client_id());
        let all = each_stored(store, &[(&ada, &app), (&ada, &app), (&ada, &app)]).await;
        let revoke = async |n: usize| match n % 2 {
            0 => store.revoke_subject(&ada, from_now(0)).await.unwrap(),
            _ => store.revoke_client(&app, from_now(0)).await.unwrap(),
        };
        let counts = arena.race(2 + (seed % 3) as usize, seed, revoke).await;
        assert_eq!(counts.iter().sum::<u64>(), 3, "three grants were counted so often: {counts:?}");
        for tokens in &all {
            assert!(!are_found(store, tokens).await);
        }
    }
}

/// What is noted of a grant beside its revocation does not undo it, and is noted.
///
/// > Revoking twice, or an unknown grant, is fine; the first instant stays.
pub async fn a_use_beside_a_revocation_does_not_undo_it(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let tokens = stored(store).await;
        let id = &tokens.grant.id;
        let (used_at, revoked_at) = (from_now(5), from_now(7));
        let step = async |n: usize| match n {
            0 => store.revoke_grant(id, revoked_at).await.unwrap(),
            1 => store.touch_grant(id, used_at).await.unwrap(),
            2 => store.revoke_access_token(&tokens.access.key).await.unwrap(),
            _ => drop(store.insert_tokens(&fixtures::issued(&tokens.grant)).await.unwrap()),
        };
        drop(arena.race(5, seed, step).await);
        let listed = summary(store, &tokens.grant).await.expect("the grant is listed");
        assert_eq!((listed.revoked_at, listed.last_used_at), (Some(revoked_at), Some(used_at)));
        assert!(!are_found(store, &tokens).await, "the revocation was undone");
    }
}

async fn each_stored(store: &dyn TokenStore, of: &[(&Subject, &ClientId)]) -> Vec<IssuedTokens> {
    let mut all = Vec::new();
    for (subject, client) in of {
        all.push(stored_under(store, &fixtures::grant_of(subject, client)).await);
    }
    all
}
