//! What holds when changes of one client meet, or are given up.

use super::super::{INTERLEAVINGS, contenders};
use super::{arena, owned};
use crate::client::Client;
use crate::store::{ClientRegistry, Deletion, Insertion, Update};
use crate::testkit::executor::drop_after;
use crate::testkit::fixtures;

/// Of concurrent insertions with one identifier, one is stored.
///
/// > **Every method is one atomic step**
pub async fn one_of_concurrent_insertions_of_a_client_wins(store: &dyn ClientRegistry) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let id = fixtures::client_id();
        let rivals: Vec<_> = (0..contenders(seed)).map(|n| Client::public(id.clone()).with_version(n as u64)).collect();
        let insert = async |n: usize| store.insert_client(&rivals[n]).await.unwrap();
        let outcomes = arena.race(rivals.len(), seed, insert).await;
        let winners: Vec<_> = (0..rivals.len()).filter(|n| outcomes[*n] == Insertion::Inserted).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        assert_eq!(store.find_client(&id).await.unwrap().as_deref(), Some(&rivals[winners[0]]));
    }
}

/// Of concurrent updates of one version, one is stored.
///
/// > Of concurrent updates of one version exactly one is `Update::Updated`.
pub async fn one_of_concurrent_updates_wins(store: &dyn ClientRegistry) {
    let client = fixtures::client();
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let rivals: Vec<_> =
            (0..contenders(seed)).map(|_| client.clone().with_version(seed).with_owner(fixtures::subject())).collect();
        let update = async |n: usize| store.update_client(&rivals[n]).await.unwrap();
        let outcomes = arena.race(rivals.len(), seed, update).await;
        let winners: Vec<_> = (0..rivals.len()).filter(|n| outcomes[*n] == Update::Updated).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        let stored = rivals[winners[0]].clone().with_version(seed + 1);
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&stored));
        for (n, rival) in rivals.iter().enumerate() {
            let listed = owned(store, rival.owner().unwrap()).await;
            assert_eq!(listed.len(), usize::from(n == winners[0]), "only the winner's owner has the client");
        }
    }
}

/// Whatever updates come beside a deletion, the client is gone in the end, and one caller was told that it deleted it.
///
/// > **Every method is one atomic step**
pub async fn a_deletion_among_updates_is_the_end(store: &dyn ClientRegistry) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let (first, second) = (fixtures::subject(), fixtures::subject());
        let client = fixtures::client().with_owner(first.clone());
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        let update = client.clone().with_owner(second.clone());
        let step = async |n: usize| match n {
            0 | 1 => store.delete_client(client.id()).await.unwrap() == Deletion::Deleted,
            _ => {
                let _ = store.update_client(&update).await.unwrap();
                false
            }
        };
        let deleted = arena.race(2 + contenders(seed), seed, step).await;
        assert_eq!(deleted.iter().filter(|deleted| **deleted).count(), 1, "the client was deleted so often");
        assert_eq!(store.find_client(client.id()).await.unwrap(), None, "the client came back");
        assert!(owned(store, &first).await.is_empty() && owned(store, &second).await.is_empty());
    }
}

/// A client whose insertion is given up half-way is stored, or its identifier is free.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_insertion_of_a_client_happened_or_did_not(store: &dyn ClientRegistry) {
    for polls in 0..1_000 {
        let client = fixtures::client().with_owner(fixtures::subject());
        let done = drop_after(polls, store.insert_client(&client)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let rival = client.clone().with_owner(fixtures::subject());
        let (kept, refused) = match store.insert_client(&rival).await.unwrap() {
            Insertion::Inserted => (&rival, &client),
            Insertion::Conflict => (&client, &rival),
        };
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(kept));
        assert_eq!(owned(store, kept.owner().unwrap()).await.len(), 1);
        assert!(owned(store, refused.owner().unwrap()).await.is_empty());
        if let Some(done) = done {
            assert_eq!((done.unwrap(), kept), (Insertion::Inserted, &client), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the insertion never came to its end");
}

/// An update that is given up half-way happened or did not; either way the next one is told which.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_update_happened_or_did_not(store: &dyn ClientRegistry) {
    for polls in 0..1_000 {
        let client = fixtures::client().with_owner(fixtures::subject());
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        let update = client.clone().with_owner(fixtures::subject());
        let done = drop_after(polls, store.update_client(&update)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let rival = client.clone().with_owner(fixtures::subject());
        let stored = match store.update_client(&rival).await.unwrap() {
            Update::Updated => &rival,
            Update::Conflict => &update,
            Update::Unknown => panic!("the client is gone"),
        };
        let expected = stored.clone().with_version(1);
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&expected));
        for one in [&client, &update, &rival] {
            let listed = owned(store, one.owner().unwrap()).await;
            assert_eq!(listed.len(), usize::from(one.owner() == stored.owner()));
        }
        if let Some(done) = done {
            assert_eq!((done.unwrap(), stored), (Update::Updated, &update), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the update never came to its end");
}

/// A deletion that is given up half-way happened or did not; either way the next one leaves nothing.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_deletion_of_a_client_happened_or_did_not(store: &dyn ClientRegistry) {
    for polls in 0..1_000 {
        let client = fixtures::full_client();
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        let done = drop_after(polls, store.delete_client(client.id())).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let again = store.delete_client(client.id()).await.unwrap();
        assert_eq!(store.find_client(client.id()).await.unwrap(), None);
        assert!(owned(store, client.owner().unwrap()).await.is_empty());
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted, "the identifier is not free");
        assert_eq!(store.delete_client(client.id()).await.unwrap(), Deletion::Deleted);
        if let Some(done) = done {
            assert_eq!((done.unwrap(), again), (Deletion::Deleted, Deletion::Unknown));
            return;
        }
    }
    panic!("the deletion never came to its end");
}
