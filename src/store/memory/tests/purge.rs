//! What is purged, and what never is.

use super::*;
use crate::store::memory::lock;

/// Purges in small bites until nothing is left to purge, and returns how many rows went.
fn purge(store: &MemoryStore, before: Timestamp) -> u32 {
    let mut rows = 0;
    loop {
        let bite = now(store.purge_tokens(before, limit(3)));
        assert!(bite <= 3);
        if bite == 0 {
            return rows;
        }
        rows += bite;
    }
}

fn is_empty(store: &MemoryStore) -> bool {
    let empty = store.shards.iter().all(|shard| {
        let shard = lock(&shard.0);
        let tokens = shard.tokens.access.is_empty() && shard.tokens.refresh.is_empty();
        tokens
            && shard.grants.is_empty()
            && shard.agenda.is_empty()
            && shard.clients.is_empty()
            && shard.tenants.is_empty()
    });
    empty && store.index.is_empty() && (store.quota.grants(), store.quota.tokens()) == (0, 0)
}

#[test]
fn a_code_that_nobody_redeemed_goes_with_its_grant() {
    let store = MemoryStore::new();
    let code = code(&grant());
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    assert_eq!(now(store.purge_codes(code.expires_at, limit(9))), 0);
    assert!(now(store.find_code(&code.key)).is_some());
    assert_eq!(now(store.purge_codes(at(61), limit(9))), 1);
    assert!(is_empty(&store));
}

#[test]
fn a_redeemed_code_is_known_for_as_long_as_its_grant() {
    let store = MemoryStore::new();
    let code = code(&grant());
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    assert_eq!(now(store.exchange_code(&code.key, &tokens(&code.grant))), Redemption::First);
    assert_eq!(purge(&store, at(10_000)), 1);
    assert_eq!(now(store.exchange_code(&code.key, &tokens(&code.grant))), Redemption::Replayed);
    assert_eq!(purge(&store, at(10_001)), 2);
    assert!(is_empty(&store));
}

#[test]
fn a_code_that_was_redeemed_alone_is_known_until_it_need_not_be() {
    let store = MemoryStore::new();
    let code = code(&grant());
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    assert_eq!(now(store.redeem_code(&code.key, at(30), Some(at(500)))), Redemption::First);
    assert_eq!(now(store.purge_codes(at(500), limit(9))), 0);
    assert_eq!(now(store.redeem_code(&code.key, at(30), None)), Redemption::Replayed);
    assert_eq!(now(store.purge_codes(at(501), limit(9))), 1);
}

#[test]
fn expired_tokens_leave_a_living_grant() {
    let store = MemoryStore::new();
    let grant = grant();
    let (first, second) = (tokens(&grant), tokens(&grant));
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);
    assert_eq!(purge(&store, at(1_001)), 1);
    assert_eq!(now(store.find_access_token(&first.access.key)), None);
    assert_eq!(rotate(&store, &refresh_key(&first), &second), Rotation::Rotated);
    assert!(is_found(&store, &second));
    assert_eq!(purge(&store, at(1_001)), 1);
    assert_eq!(now(store.find_access_token(&second.access.key)), None);
}

#[test]
fn a_revoked_grant_is_remembered_until_all_of_it_has_expired() {
    let store = MemoryStore::new();
    let tokens = tokens(&grant());
    assert_eq!(now(store.insert_tokens(&tokens)), Insertion::Inserted);
    now(store.revoke_grant(&tokens.grant.id, at(5)));
    assert_eq!(purge(&store, at(10_000)), 0);
    assert_eq!(now(store.insert_tokens(&tokens)), Insertion::Conflict);
    assert_eq!(purge(&store, at(10_001)), 1);
    assert!(is_empty(&store));
}

#[test]
fn a_grant_without_end_is_kept_until_it_was_revoked() {
    let store = MemoryStore::new();
    let grant = grant();
    let tokens = IssuedTokens { grant: Arc::clone(&grant), access: access(&grant, None), refresh: None };
    assert_eq!(now(store.insert_tokens(&tokens)), Insertion::Inserted);
    assert_eq!(purge(&store, Timestamp::MAX), 0);
    assert!(is_found(&store, &tokens));
    now(store.revoke_grant(&grant.id, at(5)));
    assert_eq!(purge(&store, at(5)), 0);
    assert_eq!(purge(&store, at(6)), 1);
    assert!(is_empty(&store));
}

#[test]
fn an_expiry_that_moves_is_followed_both_ways() {
    let store = MemoryStore::new();
    let grant = grant();
    let first = tokens(&grant);
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);
    let reuse =
        |expires_at| now(store.reuse_refresh_token(&refresh_key(&first), expires_at, &access(&grant, Some(at(9)))));
    assert_eq!(reuse(None), Reuse::Accepted);
    assert_eq!(purge(&store, at(50_000)), 2);
    assert!(now(store.find_refresh_token(&refresh_key(&first))).is_some());
    assert_eq!(reuse(Some(at(300))), Reuse::Accepted);
    assert_eq!(purge(&store, at(300)), 1);
    assert!(now(store.find_refresh_token(&refresh_key(&first))).is_some());
    assert_eq!(purge(&store, at(301)), 1);
    assert_eq!(now(store.find_refresh_token(&refresh_key(&first))), None);
}

/// Issues tokens of every kind of lifetime at random, purging all the while, and compares with what should be there.
#[test]
fn what_lives_is_kept_and_what_has_expired_goes() {
    let store = MemoryStore::new();
    let mut random = GrantId::random().as_bytes().iter().fold(1, |seed: u64, byte| seed << 4 ^ u64::from(*byte)) | 1;
    let mut draw = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut issued: Vec<(IssuedTokens, bool)> = Vec::new();
    for time in 0..2_000_i64 {
        let later = |draw: &mut dyn FnMut(u64) -> u64| Some(at(time + 1 + i64::try_from(draw(300)).unwrap()));
        let grant = match draw(3) {
            0 if !issued.is_empty() => Arc::clone(&issued[usize::try_from(draw(issued.len() as u64)).unwrap()].0.grant),
            _ => grant_of(
                ["app", "tool"][usize::try_from(draw(2)).unwrap()],
                ["ada", "bob"][usize::try_from(draw(2)).unwrap()],
            ),
        };
        let refresh = (draw(2) == 0).then(|| refresh(&grant, later(&mut draw)));
        let tokens = IssuedTokens { access: access(&grant, later(&mut draw)), refresh, grant };
        let stored = now(store.insert_tokens(&tokens)) == Insertion::Inserted;
        let revoked = issued.iter().any(|(other, alive)| other.grant.id == tokens.grant.id && !alive);
        assert!(stored || revoked);
        issued.push((tokens, stored));
        if draw(10) == 0 {
            let gone = issued[usize::try_from(draw(issued.len() as u64)).unwrap()].0.grant.id;
            now(store.revoke_grant(&gone, at(time)));
            issued.iter_mut().filter(|(tokens, _)| tokens.grant.id == gone).for_each(|(_, alive)| *alive = false);
        }
        now(store.purge_tokens(at(time), limit(20)));
        if time % 100 == 0 {
            purge(&store, at(time));
            for (tokens, alive) in &issued {
                let access = now(store.find_access_token(&tokens.access.key)).is_some();
                assert_eq!(access, *alive && tokens.access.expires_at >= Some(at(time)));
                let Some(refresh) = &tokens.refresh else { continue };
                let found = now(store.find_refresh_token(&refresh.key)).is_some();
                assert_eq!(found, *alive && refresh.expires_at >= Some(at(time)));
            }
        }
    }
    purge(&store, at(3_000));
    assert!(is_empty(&store));
}
