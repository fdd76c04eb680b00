//! Which clients are due for review.

use super::super::{INTERLEAVINGS, at_most};
use super::arena;
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::store::{ClientRegistry, Deletion, Insertion, Update};
use crate::testkit::fixtures::{self, from_now};

/// Clients are due once their instant is past, the earliest first, up to a bound; one without an instant never is.
///
/// > Lists at most `limit` clients whose `review_at` lies before `before`, the earliest first, so that those that nobody uses
/// > can be forgotten.
pub async fn clients_are_due_once_their_instant_is_past(store: &dyn ClientRegistry) {
    assert_eq!(due(store, Timestamp::MAX, 9).await, []);
    let mut clients = Vec::new();
    for seconds in [30, -10, 20, -1, 0, 40] {
        clients.push(stored(store, client_to_review(from_now(seconds))).await);
    }
    stored(store, fixtures::client()).await;
    clients.sort_by_key(Client::review_at);
    let ids: Vec<_> = clients.iter().map(|client| client.id().clone()).collect();
    for (n, client) in clients.iter().enumerate() {
        let at = client.review_at().expect("it has an instant");
        assert_eq!(due(store, at, 9).await, ids[..n], "at an instant its own client is not due");
        let after = Timestamp::from_unix_millis(at.unix_millis() + 1);
        assert_eq!(due(store, after, 9).await, ids[..=n]);
        assert_eq!(due(store, after, 2).await, ids[..=n.min(1)]);
    }
    let listed = store.list_due_clients(Timestamp::MAX, at_most(9)).await.unwrap();
    assert!(listed.iter().map(|client| &**client).eq(&clients), "a client comes back otherwise than it was given");
}

/// What counts is the instant that a client has now; one that was refused, or is deleted, is never due.
///
/// > Lists at most `limit` clients whose `review_at` lies before `before`
pub async fn a_client_is_due_by_its_instant_of_now(store: &dyn ClientRegistry) {
    let early = from_now(-60);
    let client = stored(store, client_to_review(from_now(60))).await;
    let id = client.id();
    let second = Client::public(id.clone()).with_review_at(Some(early));
    assert_eq!(store.insert_client(&second).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.update_client(&second.with_version(9)).await.unwrap(), Update::Conflict);
    assert_eq!(store.update_client(&client_to_review(early)).await.unwrap(), Update::Unknown);
    let mut version = client.version();
    for at in [None, Some(from_now(90)), Some(early), Some(from_now(30)), None, Some(early)] {
        assert_eq!(due(store, from_now(0), 9).await, [], "a client is due by an instant that it does not have");
        let moved = client.clone().with_version(version).with_review_at(at);
        assert_eq!(store.update_client(&moved).await.unwrap(), Update::Updated);
        version += 1;
        let expected: &[_] = if at == Some(early) { std::slice::from_ref(id) } else { &[] };
        assert_eq!(due(store, from_now(0), 9).await, expected);
        if at == Some(early) {
            let moved = moved.with_version(version).with_review_at(Some(from_now(45)));
            assert_eq!(store.update_client(&moved).await.unwrap(), Update::Updated);
            version += 1;
        }
    }
    let at_last = due(store, Timestamp::MAX, 9).await;
    assert_eq!(at_last, std::slice::from_ref(id), "it is due at its own time");
    assert_eq!(store.delete_client(id).await.unwrap(), Deletion::Deleted);
    assert_eq!(due(store, Timestamp::MAX, 9).await, []);
}

/// Whoever comes, goes and moves beside a listing, a client that is due all the while is in it, and all are in the next.
///
/// > One whose instant is changed meanwhile may be listed as it was before, or be left out until the next time.
pub async fn a_listing_of_due_clients_beside_others_misses_none(store: &dyn ClientRegistry) {
    let mut due_all_the_while = Vec::new();
    for seconds in [-40, -30, -20] {
        due_all_the_while.push(stored(store, client_to_review(from_now(seconds))).await.id().clone());
    }
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 20 {
        let moved = stored(store, client_to_review(from_now(-35))).await;
        let gone = stored(store, client_to_review(from_now(-25))).await;
        let come = client_to_review(from_now(-15));
        let step = async |n: usize| match n {
            0 | 1 => Some(due(store, from_now(0), 99).await),
            2 => {
                let later = moved.clone().with_review_at(Some(from_now(60)));
                assert_eq!(store.update_client(&later).await.unwrap(), Update::Updated);
                None
            }
            3 => {
                assert_eq!(store.delete_client(gone.id()).await.unwrap(), Deletion::Deleted);
                None
            }
            _ => {
                assert_eq!(store.insert_client(&come).await.unwrap(), Insertion::Inserted);
                None
            }
        };
        for listed in arena.race(5, seed, step).await.into_iter().flatten() {
            let missing = due_all_the_while.iter().filter(|id| !listed.contains(id));
            assert_eq!(missing.count(), 0, "a client was left out: {listed:?}");
        }
        let now = due(store, from_now(0), 99).await;
        let expected: Vec<_> = due_all_the_while.iter().chain([come.id()]).cloned().collect();
        assert_eq!(now, expected, "who came, went or moved is not where it belongs");
        for left in [come.id(), moved.id()] {
            assert_eq!(store.delete_client(left).await.unwrap(), Deletion::Deleted);
        }
    }
}

/// A new client, to be reviewed at this instant.
fn client_to_review(at: Timestamp) -> Client {
    fixtures::to_review(fixtures::client(), at)
}

async fn stored(store: &dyn ClientRegistry, client: Client) -> Client {
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    client
}

async fn due(store: &dyn ClientRegistry, before: Timestamp, limit: u32) -> Vec<ClientId> {
    let clients = store.list_due_clients(before, at_most(limit)).await.unwrap();
    clients.iter().map(|client| client.id().clone()).collect()
}
