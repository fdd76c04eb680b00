//! How clients are listed and counted.

use super::super::{INTERLEAVINGS, at_most};
use super::{arena, owned};
use crate::client::{Client, ClientId};
use crate::identifier::Subject;
use crate::store::{ClientRegistry, Deletion, Insertion, Page, Update};
use crate::testkit::fixtures;

/// An owner's clients are listed whole, in order of their identifiers, in pages of any size.
///
/// > Lists the clients that `owner` manages, ordered by identifier.
pub async fn clients_are_listed_by_owner_in_order(store: &dyn ClientRegistry) {
    let (owner, other) = (fixtures::parsed::<Subject>("{o'hara} 用户 🦀"), fixtures::subject());
    let ids = ["a", "B", "aa", "Z", "~", " ", "a{b}", "10", "9", "_", "a-", "a_"];
    let mut expected = Vec::new();
    for id in ids {
        let client = Client::public(fixtures::parsed(id)).with_owner(owner.clone());
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        expected.push(client);
    }
    let others = fixtures::client().with_owner(other.clone());
    for client in [&others, &fixtures::client()] {
        assert_eq!(store.insert_client(client).await.unwrap(), Insertion::Inserted);
    }
    expected.sort_unstable_by(|one, two| one.id().as_str().as_bytes().cmp(two.id().as_str().as_bytes()));
    assert_eq!(owned(store, &owner).await, expected);
    assert_eq!(owned(store, &other).await, [others]);
    assert!(owned(store, &fixtures::subject()).await.is_empty());
    for size in 1..=13 {
        let mut listed = Vec::new();
        let mut page = Page::first(at_most(size));
        loop {
            let clients = store.list_clients(&owner, page).await.unwrap();
            assert!(clients.len() <= size as usize);
            let Some(last) = clients.last() else { break };
            page = Page::after(last.id().clone(), at_most(size));
            listed.extend(clients.iter().map(|client| Client::clone(client)));
            assert!(listed.len() <= expected.len(), "in pages of {size}, more is listed than there is");
        }
        assert_eq!(listed, expected, "in pages of {size}");
    }
}

/// A page begins behind its mark, whether the client that it names is still there or not.
///
/// > Listings are ordered by identifier, so that no entry is skipped or repeated because others come and go.
pub async fn a_listing_of_clients_is_stable_while_others_come_and_go(store: &dyn ClientRegistry) {
    let owner = fixtures::subject();
    let insert = async |id: &str| {
        let client = Client::public(fixtures::parsed(id)).with_owner(owner.clone());
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    };
    for id in ["b", "d", "f", "h"] {
        insert(id).await;
    }
    let first = store.list_clients(&owner, Page::first(at_most(2))).await.unwrap();
    assert_eq!(first.iter().map(|client| client.id().as_str()).collect::<Vec<_>>(), ["b", "d"]);
    for gone in ["b", "d"] {
        assert_eq!(store.delete_client(&fixtures::parsed(gone)).await.unwrap(), Deletion::Deleted);
    }
    // Fewer come before the mark than went, so that whoever counts skips one.
    for new in ["a", "g"] {
        insert(new).await;
    }
    let mark: ClientId = fixtures::parsed("d");
    let rest = store.list_clients(&owner, Page::after(mark, at_most(9))).await.unwrap();
    assert_eq!(rest.iter().map(|client| client.id().as_str()).collect::<Vec<_>>(), ["f", "g", "h"]);
}

/// A client that changes hands is listed for its new owner only.
///
/// > Lists the clients that `owner` manages, ordered by identifier.
pub async fn a_client_is_listed_for_its_owner_of_now(store: &dyn ClientRegistry) {
    let (first, second) = (fixtures::subject(), fixtures::subject());
    let client = fixtures::client().with_owner(first.clone());
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.update_client(&client.clone().with_owner(second.clone())).await.unwrap(), Update::Updated);
    assert!(owned(store, &first).await.is_empty());
    assert_eq!(owned(store, &second).await, [client.clone().with_owner(second.clone()).with_version(1)]);
    let orphan = Client::public(client.id().clone()).with_version(1);
    assert_eq!(store.update_client(&orphan).await.unwrap(), Update::Updated);
    assert!(owned(store, &second).await.is_empty());
}

/// Clients are counted, but no further than is asked.
///
/// > Counts all clients up to `at_most`, so that open registration can be bounded.
pub async fn clients_are_counted_up_to_a_bound(store: &dyn ClientRegistry) {
    assert_eq!(store.count_clients(at_most(5)).await.unwrap(), 0);
    let clients: Vec<_> = (0..4).map(|_| fixtures::client()).collect();
    for (count, client) in (1..).zip(&clients) {
        assert_eq!(store.insert_client(client).await.unwrap(), Insertion::Inserted);
        assert_eq!(store.insert_client(client).await.unwrap(), Insertion::Conflict);
        assert_eq!(store.count_clients(at_most(u32::MAX)).await.unwrap(), count);
        assert_eq!(store.count_clients(at_most(2)).await.unwrap(), count.min(2));
    }
    assert_eq!(store.update_client(&clients[0]).await.unwrap(), Update::Updated);
    assert_eq!(store.delete_client(clients[1].id()).await.unwrap(), Deletion::Deleted);
    assert_eq!(store.count_clients(at_most(u32::MAX)).await.unwrap(), 3);
}

/// Clients that are there all the while are listed once each, in order, whoever comes and goes between two pages.
///
/// > Listings are ordered by identifier, so that no entry is skipped or repeated because others come and go.
pub async fn a_listing_beside_insertions_shows_each_client_once(store: &dyn ClientRegistry) {
    let owner = fixtures::subject();
    let owned = |id: &str| Client::public(fixtures::parsed(id)).with_owner(owner.clone());
    let staying = ["20", "40", "60", "80"];
    for id in staying {
        assert_eq!(store.insert_client(&owned(id)).await.unwrap(), Insertion::Inserted);
    }
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 20 {
        let step = async |n: usize| {
            let mut listed = Vec::new();
            if n > 0 {
                let order = if n.is_multiple_of(2) { [1, 3, 5, 7] } else { [7, 5, 3, 1] };
                for tens in order {
                    let client = owned(&format!("{tens}{n}"));
                    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
                    assert_eq!(store.delete_client(client.id()).await.unwrap(), Deletion::Deleted);
                }
                return listed;
            }
            let mut page = Page::first(at_most(1 + u32::try_from(seed % 3).unwrap()));
            loop {
                let clients = store.list_clients(&owner, page.clone()).await.unwrap();
                let Some(last) = clients.last() else { break listed };
                page.after = Some(last.id().clone());
                listed.extend(clients.iter().map(|client| client.id().as_str().to_owned()));
                assert!(listed.is_sorted_by(|one, next| one < next), "a client is out of order: {listed:?}");
            }
        };
        let listed = arena.race(4, seed, step).await.swap_remove(0);
        let missing = staying.iter().filter(|id| !listed.iter().any(|listed| listed == *id));
        assert_eq!(missing.count(), 0, "a client was skipped: {listed:?}");
    }
}
