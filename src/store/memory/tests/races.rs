//! Of steps that exclude each other one wins, on however many threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use super::*;
use crate::store::memory::Padded;

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
