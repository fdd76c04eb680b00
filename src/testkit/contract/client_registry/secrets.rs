//! What is remembered of the use of a secret.

use super::super::{INTERLEAVINGS, contenders};
use super::arena;
use crate::client::Client;
use crate::clock::Timestamp;
use crate::secret::SecretHash;
use crate::store::{ClientRegistry, Insertion, Update};
use crate::testkit::executor::drop_after;
use crate::testkit::fixtures::{self, from_now};

/// The use of a secret is remembered with that secret, and nothing else changes; the next update goes by the same version.
///
/// > the version stays, and so does everything else
pub async fn the_use_of_a_secret_is_remembered(store: &dyn ClientRegistry) {
    let client = stored(store).await;
    let mut expected = client.clone();
    for (secret, at) in [("second", from_now(1)), ("first", from_now(2))] {
        let secret = SecretHash::of(secret);
        store.touch_secret(client.id(), &secret, at).await.unwrap();
        expected = expected.touched(&secret, at).expect("it is a secret of the client");
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&expected));
    }
    assert_eq!(store.update_client(&expected).await.unwrap(), Update::Updated);
    let updated = expected.clone().with_version(expected.version() + 1);
    assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&updated));
}

/// The latest use is what is remembered, in whatever order uses are told, and also if they are told at once.
///
/// > Remembers that this secret of the client was used `at` this instant, unless a later use is known
pub async fn the_latest_use_of_a_secret_is_remembered(store: &dyn ClientRegistry) {
    let client = stored(store).await;
    let secret = SecretHash::of("second");
    let used = |at| client.touched(&secret, at).expect("it is a secret of the client");
    let earliest = Timestamp::from_unix_millis(i64::MIN);
    let mut latest = earliest;
    for at in [earliest, from_now(5), from_now(3), from_now(9), Timestamp::from_unix_millis(-1)] {
        store.touch_secret(client.id(), &secret, at).await.unwrap();
        latest = latest.max(at);
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&used(latest)));
    }
    let arena = arena(store).await;
    for seed in 0..50 {
        let base = from_now(10 + 100 * i64::try_from(seed).unwrap());
        let at = |n: usize| Timestamp::from_unix_millis(base.unix_millis() + i64::try_from(n).unwrap());
        let touch = async |n: usize| store.touch_secret(client.id(), &secret, at(n)).await.unwrap();
        drop(arena.race(8, seed, touch).await);
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&used(at(7))));
    }
}

/// A secret that is not the client's, and a client that is not there, are fine, and change nothing.
///
/// > An unknown client, and a secret that is not one of the client's, is fine.
pub async fn the_use_of_an_unknown_secret_changes_nothing(store: &dyn ClientRegistry) {
    let client = stored(store).await;
    store.touch_secret(client.id(), &SecretHash::of("third"), from_now(1)).await.unwrap();
    assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&client));
    let public = fixtures::client();
    store.touch_secret(public.id(), &SecretHash::of("second"), from_now(1)).await.unwrap();
    assert_eq!(store.find_client(public.id()).await.unwrap(), None, "a use stored a client");
    assert_eq!(store.insert_client(&public).await.unwrap(), Insertion::Inserted);
    store.touch_secret(public.id(), &SecretHash::of(""), from_now(1)).await.unwrap();
    assert_eq!(store.find_client(public.id()).await.unwrap().as_deref(), Some(&public));
}

/// Whatever uses come beside an update, the update is stored as it was given; at most a use is forgotten.
///
/// > A concurrent `update_client` may win, and the use is forgotten.
pub async fn a_use_beside_an_update_does_not_undo_it(store: &dyn ClientRegistry) {
    let arena = arena(store).await;
    let secret = SecretHash::of("second");
    for seed in 0..INTERLEAVINGS / 4 {
        let client = stored(store).await;
        let update = client.clone().with_owner(fixtures::subject());
        let uses = contenders(seed).min(8);
        let start = from_now(0).unix_millis();
        let at = |n: usize| Timestamp::from_unix_millis(start + i64::try_from(n).unwrap());
        let step = async |n: usize| match n {
            0 => Some(store.update_client(&update).await.unwrap()),
            n => {
                store.touch_secret(client.id(), &secret, at(n)).await.unwrap();
                None
            }
        };
        let outcomes = arena.race(uses + 1, seed, step).await;
        assert_eq!(outcomes[0], Some(Update::Updated), "a use stood in the way of an update");
        let updated = update.with_version(client.version() + 1);
        let with_a_use = (1..=uses).filter_map(|n| updated.touched(&secret, at(n)));
        let possible: Vec<_> = with_a_use.chain([updated.clone()]).collect();
        let found = store.find_client(client.id()).await.unwrap().expect("the client is there");
        assert!(possible.contains(&found), "the update was undone");
    }
}

/// A use that is given up half-way is remembered or not, and stands in the way of nothing.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_use_of_a_secret_happened_or_did_not(store: &dyn ClientRegistry) {
    let secret = SecretHash::of("second");
    for polls in 0..1_000 {
        let client = stored(store).await;
        let used = |at| client.touched(&secret, at).expect("it is a secret of the client");
        let (earlier, later) = (from_now(1), from_now(2));
        let done = drop_after(polls, store.touch_secret(client.id(), &secret, later)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        store.touch_secret(client.id(), &secret, earlier).await.unwrap();
        let found = store.find_client(client.id()).await.unwrap().expect("the client is there");
        assert!(*found == used(earlier) || *found == used(later), "of a use one half was done: {found:?}");
        let update = client.clone().with_owner(fixtures::subject());
        assert_eq!(store.update_client(&update).await.unwrap(), Update::Updated, "a use stood in the way of an update");
        if let Some(done) = done {
            done.unwrap();
            assert_eq!(*found, used(later), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the use never came to its end");
}

/// A client with the secrets `first` and `second`, stored.
async fn stored(store: &dyn ClientRegistry) -> Client {
    let client = fixtures::full_client();
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    client
}
