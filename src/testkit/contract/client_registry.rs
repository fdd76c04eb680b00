//! The clauses of [`ClientRegistry`].

use super::client_store::lookalikes;
use super::{INTERLEAVINGS, at_most, contenders, everything};
use crate::client::{Client, ClientId};
use crate::identifier::Subject;
use crate::store::{ClientRegistry, Deletion, Insertion, Page, Update};
use crate::testkit::executor::Arena;
use crate::testkit::{extremes, fixtures};

/// A client comes back as it was, in every field and at every bound.
///
/// > Stores a new client; every field comes back from `ClientStore::find_client` as it was given.
pub async fn every_field_of_a_client_comes_back(store: &dyn ClientRegistry) {
    let clients = extremes::clients();
    for client in &clients {
        assert_eq!(store.insert_client(client).await.unwrap(), Insertion::Inserted);
    }
    for client in &clients {
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(client));
    }
}

/// An identifier that nobody has finds nobody.
///
/// > Finds the client with this identifier, compared byte by byte.
pub async fn an_unknown_client_is_absent(store: &dyn ClientRegistry) {
    let client = fixtures::client();
    assert_eq!(store.find_client(client.id()).await.unwrap(), None);
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    for id in lookalikes(client.id()) {
        assert_eq!(store.find_client(&id).await.unwrap(), None, "{id} is not {}", client.id());
        assert_eq!(store.delete_client(&id).await.unwrap(), Deletion::Unknown);
    }
    assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&client));
}

/// A second client with the same identifier conflicts, and the first stays as it is.
///
/// > Something with this identifier was there already, or its grant is revoked, and nothing was stored.
pub async fn a_second_client_with_an_id_conflicts(store: &dyn ClientRegistry) {
    let client = fixtures::client();
    let second = Client::public(client.id().clone()).with_owner(fixtures::subject());
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.insert_client(&second).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&client));
    assert!(owned(store, second.owner().unwrap()).await.is_empty());
}

/// Of concurrent insertions with one identifier, one is stored.
///
/// > **Every method is one atomic step**
pub async fn one_of_concurrent_insertions_of_a_client_wins(store: &dyn ClientRegistry) {
    let arena = Arena::of(store.find_client(&fixtures::client_id())).await;
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

/// An update replaces every field and raises the version.
///
/// > Replaces the client with this identifier if its version is still `client.version()`; the stored version is one higher
/// > then, and zero after `u64::MAX`.
pub async fn an_update_replaces_every_field(store: &dyn ClientRegistry) {
    let client = fixtures::client();
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    let id = client.id();
    let mut current = client.version();
    for update in extremes::clients().iter().map(|update| same_but_id(update, id)) {
        let update = update.with_version(current);
        assert_eq!(store.update_client(&update).await.unwrap(), Update::Updated);
        current += 1;
        let expected = update.with_version(current);
        assert_eq!(store.find_client(id).await.unwrap().as_deref(), Some(&expected));
    }
}

/// The version after the last is zero, so that an update is told from the one before even there.
///
/// > the stored version is one higher then, and zero after `u64::MAX`
pub async fn the_version_after_the_last_is_zero(store: &dyn ClientRegistry) {
    for (version, next) in [(0, 1), (i64::MAX as u64, 1 << 63), (u64::MAX - 1, u64::MAX), (u64::MAX, 0)] {
        let client = fixtures::client().with_version(version);
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        assert_eq!(store.update_client(&client).await.unwrap(), Update::Updated);
        let found = store.find_client(client.id()).await.unwrap().unwrap();
        assert_eq!(found.version(), next);
        assert_eq!(store.update_client(&client).await.unwrap(), Update::Conflict);
    }
}

/// An update of a version that is not the stored one changes nothing.
///
/// > Somebody else changed the client first, and nothing was stored.
pub async fn an_update_of_another_version_conflicts(store: &dyn ClientRegistry) {
    let client = fixtures::client().with_version(7);
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    for version in [0, 6, 8, u64::MAX] {
        let update = fixtures::full_client();
        let update = same_but_id(&update, client.id()).with_version(version);
        assert_eq!(store.update_client(&update).await.unwrap(), Update::Conflict);
    }
    assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&client));
}

/// An update of a client that is not there stores nothing.
///
/// > There is no such client.
pub async fn an_update_of_an_unknown_client_stores_nothing(store: &dyn ClientRegistry) {
    let client = fixtures::full_client();
    assert_eq!(store.update_client(&client).await.unwrap(), Update::Unknown);
    assert_eq!(store.find_client(client.id()).await.unwrap(), None);
    assert!(owned(store, client.owner().unwrap()).await.is_empty());
}

/// Of concurrent updates of one version, one is stored.
///
/// > Of concurrent updates of one version exactly one is `Update::Updated`.
pub async fn one_of_concurrent_updates_wins(store: &dyn ClientRegistry) {
    let client = fixtures::client();
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    let arena = Arena::of(store.find_client(client.id())).await;
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

/// A deleted client is gone, and its identifier is free.
///
/// > Deletes the client.
pub async fn a_deleted_client_is_gone(store: &dyn ClientRegistry) {
    let client = fixtures::full_client();
    assert_eq!(store.delete_client(client.id()).await.unwrap(), Deletion::Unknown);
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.delete_client(client.id()).await.unwrap(), Deletion::Deleted);
    assert_eq!(store.find_client(client.id()).await.unwrap(), None);
    assert!(owned(store, client.owner().unwrap()).await.is_empty());
    assert_eq!(store.count_clients(at_most(9)).await.unwrap(), 0);
    assert_eq!(store.delete_client(client.id()).await.unwrap(), Deletion::Unknown);
    assert_eq!(store.update_client(&client).await.unwrap(), Update::Unknown);
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
}

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
    for new in ["a", "c", "g"] {
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

async fn owned(store: &dyn ClientRegistry, owner: &Subject) -> Vec<Client> {
    let clients = store.list_clients(owner, everything()).await.unwrap();
    clients.iter().map(|client| Client::clone(client)).collect()
}

/// `client` under the identifier `id`.
fn same_but_id(client: &Client, id: &ClientId) -> Client {
    let mut record = serde_json::to_value(client).unwrap();
    record["id"] = id.as_str().into();
    serde_json::from_value(record).unwrap()
}
