//! Of steps that exclude each other one wins, on however many threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use super::*;
use crate::client::Client;
use crate::store::memory::Padded;
use crate::store::{ClientRegistry, ClientStore, Update};

const THREADS: usize = 64;

/// Runs `step` on many threads at once, and returns what each got.
fn race<T: Send>(step: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        let run = |n| {
            let (start, step) = (&start, &step);
            scope.spawn(move || {
                start.wait();
                step(n)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn count<T: PartialEq>(results: &[T], wanted: &T) -> usize {
    results.iter().filter(|result| *result == wanted).count()
}

#[test]
fn a_code_redeems_once() {
    let store = MemoryStore::new();
    let code = code(&grant());
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    let results = race(|_| now(store.redeem_code(&code.key, at(1), None)));
    assert_eq!((count(&results, &Redemption::First), count(&results, &Redemption::Replayed)), (1, THREADS - 1));
}

#[test]
fn a_code_buys_the_tokens_of_one_exchange() {
    let store = MemoryStore::new();
    let code = code(&grant());
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    let results = race(|_| {
        let tokens = tokens(&code.grant);
        (now(store.exchange_code(&code.key, &tokens)), tokens)
    });
    for (redemption, tokens) in &results {
        assert_eq!(is_found(&store, tokens), *redemption == Redemption::First);
    }
    assert_eq!(results.iter().filter(|(redemption, _)| *redemption == Redemption::First).count(), 1);
}

#[test]
fn a_form_that_is_sent_twice_yields_one_code() {
    let store = MemoryStore::new();
    let grant = grant();
    let results = race(|_| {
        let code = code(&grant);
        (now(store.insert_code(&code)), code)
    });
    for (insertion, code) in &results {
        assert_eq!(now(store.find_code(&code.key)).is_some(), *insertion == Insertion::Inserted);
    }
    assert_eq!(results.iter().filter(|(insertion, _)| *insertion == Insertion::Inserted).count(), 1);
    assert_eq!(list(&store, "ada", Page::first(limit(9))), [grant.id]);
}

#[test]
fn a_refresh_token_rotates_once_and_counts_all_others() {
    let store = MemoryStore::new();
    let first = tokens(&grant());
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);
    let results = race(|_| {
        let successors = tokens(&first.grant);
        (rotate(&store, &refresh_key(&first), &successors), successors)
    });
    let mut counted = Vec::new();
    let winner = results.iter().find(|(rotation, _)| *rotation == Rotation::Rotated).unwrap();
    for (rotation, successors) in &results {
        assert_eq!(is_found(&store, successors), *rotation == Rotation::Rotated);
        if let Rotation::Retired { retirement: how, retries } = rotation {
            assert_eq!(how, &retirement(&winner.1));
            counted.push(*retries);
        }
    }
    counted.sort_unstable();
    assert_eq!(counted, (1..64).collect::<Vec<_>>());
}

#[test]
fn nothing_that_an_exchange_stores_outlives_a_revocation() {
    for _ in 0..10 {
        let store = MemoryStore::new();
        let code = code(&grant());
        assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
        let results = race(|n| {
            if n % 4 == 0 {
                now(store.revoke_grant(&code.grant.id, at(1)));
            }
            let tokens = tokens(&code.grant);
            let stored = match n % 2 {
                0 => now(store.insert_tokens(&tokens)) == Insertion::Inserted,
                _ => now(store.exchange_code(&code.key, &tokens)) == Redemption::First,
            };
            assert!(n % 4 != 0 || !stored);
            tokens
        });
        assert!(results.iter().all(|tokens| !is_found(&store, tokens)));
        assert_eq!(store.quota.tokens(), 0);
    }
}

/// Each thread stores grants one after the other. A revocation falls somewhere in between: what a thread stored before
/// it is revoked, what it stored after is not.
fn falls_between(revoke: impl Fn(&MemoryStore) -> u64 + Sync) {
    for _ in 0..5 {
        let store = MemoryStore::new();
        let stop = AtomicBool::new(false);
        let revoked = Mutex::new(0);
        let results = race(|n| {
            if n == 0 {
                thread::yield_now();
                *revoked.lock().unwrap() = revoke(&store);
                stop.store(true, Ordering::Release);
            }
            let mut stored = Vec::new();
            while n > 0 && !(stop.load(Ordering::Acquire) && stored.len() > 2) && stored.len() < 50 {
                stored.push(tokens(&grant()));
                assert_eq!(now(store.insert_tokens(stored.last().unwrap())), Insertion::Inserted);
            }
            stored
        });
        let mut dead = 0;
        for stored in &results {
            let first_alive = stored.iter().position(|tokens| is_found(&store, tokens)).unwrap_or(stored.len());
            assert!(stored[first_alive..].iter().all(|tokens| is_found(&store, tokens)));
            dead += first_alive;
        }
        assert_eq!(u64::try_from(dead).unwrap(), *revoked.lock().unwrap());
        let all: Vec<_> = results.iter().flatten().map(|tokens| tokens.grant.id).collect();
        assert_eq!(list(&store, "ada", Page::first(limit(100_000))).len(), all.len());
    }
}

#[test]
fn a_user_is_revoked_at_one_instant_of_every_thread() {
    falls_between(|store| now(store.revoke_subject(&"ada".parse().unwrap(), at(1))));
}

#[test]
fn a_client_is_revoked_at_one_instant_of_every_thread() {
    falls_between(|store| now(store.revoke_client(&"app".parse().unwrap(), at(1))));
}

#[test]
fn each_grant_is_counted_by_one_revocation() {
    let store = MemoryStore::new();
    for _ in 0..1_000 {
        assert_eq!(now(store.insert_grant(&grant(), at(60))), Insertion::Inserted);
    }
    let results = race(|n| match n % 2 {
        0 => now(store.revoke_subject(&"ada".parse().unwrap(), at(1))),
        _ => now(store.revoke_client(&"app".parse().unwrap(), at(1))),
    });
    assert_eq!(results.iter().sum::<u64>(), 1_000);
}

#[test]
fn purging_beside_traffic_loses_nothing_that_lives() {
    let store = MemoryStore::new();
    let results = race(|n| {
        let mut kept = Vec::new();
        for _ in 0..100 {
            let tokens = tokens(&grant());
            assert_eq!(now(store.insert_tokens(&tokens)), Insertion::Inserted);
            if n % 2 == 0 {
                now(store.revoke_grant(&tokens.grant.id, at(1)));
                now(store.purge_tokens(at(900), limit(7)));
            } else {
                assert_eq!(now(store.insert_grant(&grant_of("app", "bob"), at(5))), Insertion::Inserted);
                kept.push(tokens);
            }
        }
        kept
    });
    assert!(results.iter().flatten().all(|tokens| is_found(&store, tokens)));
    while now(store.purge_tokens(at(900), limit(1_000))) > 0 {}
    assert!(list(&store, "bob", Page::first(limit(9))).is_empty());
    assert_eq!(store.quota.tokens(), results.iter().flatten().count() * 2);
}

#[test]
fn limits_hold_for_many_threads() {
    let store =
        MemoryStore::with_limits(MemoryLimits::new().with_grants_per_client(10).with_grants(15).with_tokens(29));
    let results = race(|n| {
        let client = ["app", "tool"][n % 2];
        polled(store.insert_tokens(&tokens(&grant_of(client, "ada")))).is_ok()
    });
    let stored = results.iter().filter(|stored| **stored).count();
    assert!(stored <= 14, "{stored}");
    assert_eq!((store.quota.grants(), store.quota.tokens()), (stored as u64, stored * 2));
}

#[test]
fn of_updates_of_one_version_one_is_stored() {
    let store = MemoryStore::new();
    let app = Client::public("app".parse().unwrap());
    assert_eq!(now(store.insert_client(&app)), Insertion::Inserted);
    let results = race(|n| {
        let changed = app.clone().with_created_at(at(n.try_into().unwrap()));
        (now(store.update_client(&changed)), changed)
    });
    let mut winners = results.iter().filter(|(update, _)| *update == Update::Updated);
    let (_, stored) = winners.next().unwrap();
    assert!(winners.next().is_none());
    assert_eq!(now(store.find_client(app.id())).as_deref(), Some(&stored.clone().with_version(1)));
}

#[test]
fn a_thread_that_panics_does_not_take_the_store_with_it() {
    let store = MemoryStore::new();
    let tokens = tokens(&grant());
    assert_eq!(now(store.insert_tokens(&tokens)), Insertion::Inserted);
    let holding = |shard: &Padded| {
        let _guard = shard.0.lock().unwrap();
        panic!("while a shard is locked");
    };
    thread::scope(|scope| {
        for shard in &store.shards {
            assert!(scope.spawn(|| holding(shard)).join().is_err());
        }
    });
    assert!(is_found(&store, &tokens));
}
