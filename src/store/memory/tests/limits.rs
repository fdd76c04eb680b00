//! Nothing grows without end.

use super::*;
use crate::client::Client;
use crate::error::Retry;
use crate::store::ClientRegistry;

fn is_full<T: std::fmt::Debug>(result: Result<T, StoreError>) -> bool {
    result.unwrap_err().retry() == Retry::CanHelp
}

/// An unused grant of `client`.
fn insert(store: &MemoryStore, client: &str) -> Result<Insertion, StoreError> {
    polled(store.insert_grant(&grant_of(client, "ada"), at(60)))
}

#[test]
fn registration_stops_at_the_limit() {
    let store = MemoryStore::with_limits(MemoryLimits::new().with_clients(1));
    let (one, other) = (Client::public("one".parse().unwrap()), Client::public("other".parse().unwrap()));
    assert_eq!(now(store.insert_client(&one)), Insertion::Inserted);
    assert!(is_full(polled(store.insert_client(&other))));
    assert_eq!(now(store.insert_client(&one)), Insertion::Conflict);
    assert_eq!(now(store.count_clients(limit(9))), 1);
}

#[test]
fn a_client_that_loops_leaves_room_for_the_others() {
    let store = MemoryStore::with_limits(MemoryLimits::new().with_grants(4).with_grants_per_client(2));
    assert_eq!(insert(&store, "loop").unwrap(), Insertion::Inserted);
    assert_eq!(insert(&store, "loop").unwrap(), Insertion::Inserted);
    assert!(is_full(insert(&store, "loop")));
    assert!(is_full(polled(store.insert_code(&code(&grant_of("loop", "bob"))))));
    assert!(is_full(polled(store.insert_tokens(&tokens(&grant_of("loop", "bob"))))));
    assert_eq!(insert(&store, "app").unwrap(), Insertion::Inserted);
    assert_eq!(insert(&store, "tool").unwrap(), Insertion::Inserted);
    assert!(is_full(insert(&store, "last")));
    assert_eq!((store.quota.grants(), store.quota.tokens()), (4, 0));
    assert!(list(&store, "bob", Page::first(limit(9))).is_empty());
}

#[test]
fn a_full_store_stores_nothing_and_still_tells_a_replay() {
    let store = MemoryStore::with_limits(MemoryLimits::new().with_tokens(3));
    let (one, other) = (code(&grant()), code(&grant()));
    for code in [&one, &other] {
        assert_eq!(now(store.insert_code(code)), Insertion::Inserted);
    }
    let first = tokens(&one.grant);
    assert_eq!(now(store.exchange_code(&one.key, &first)), Redemption::First);
    assert!(is_full(polled(store.exchange_code(&other.key, &tokens(&other.grant)))));
    let successors = tokens(&one.grant);
    assert!(is_full(polled(store.rotate_refresh_token(&refresh_key(&first), &retirement(&successors), &successors))));
    assert!(is_found(&store, &first) && !is_found(&store, &successors));
    assert_eq!(now(store.find_code(&other.key)), Some(other.clone()));
    assert_eq!(now(store.exchange_code(&one.key, &successors)), Redemption::Replayed);

    now(store.revoke_grant(&one.grant.id, at(1)));
    assert_eq!(now(store.exchange_code(&other.key, &tokens(&other.grant))), Redemption::First);
}

#[test]
fn a_grant_that_is_renewed_without_end_is_stopped() {
    let store = MemoryStore::with_limits(MemoryLimits::new().with_tokens_per_grant(4));
    let grant = grant();
    let (first, second) = (tokens(&grant), tokens(&grant));
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);
    assert_eq!(rotate(&store, &refresh_key(&first), &second), Rotation::Rotated);
    let third = access(&grant, None);
    assert!(is_full(polled(store.reuse_refresh_token(&refresh_key(&second), None, &third))));
    now(store.revoke_access_token(&first.access.key));
    assert_eq!(now(store.reuse_refresh_token(&refresh_key(&second), None, &third)), Reuse::Accepted);
    assert_eq!(now(store.insert_tokens(&tokens(&super::grant()))), Insertion::Inserted);
}

#[test]
fn purging_makes_room() {
    let store = MemoryStore::with_limits(MemoryLimits::new().with_grants(1).with_grants_per_client(1).with_tokens(2));
    for _ in 0..3 {
        let tokens = tokens(&grant());
        assert_eq!(now(store.insert_tokens(&tokens)), Insertion::Inserted);
        now(store.revoke_grant(&tokens.grant.id, at(1)));
        assert!(is_full(insert(&store, "app")));
        assert_eq!(now(store.purge_tokens(at(10_001), limit(9))), 1);
    }
}
