//! The clauses of [`ClientRegistry`].

mod concurrency;
mod listing;
mod reviews;
mod secrets;

pub use concurrency::{
    a_deletion_among_updates_is_the_end, a_dropped_deletion_of_a_client_happened_or_did_not,
    a_dropped_insertion_of_a_client_happened_or_did_not, a_dropped_update_happened_or_did_not,
    one_of_concurrent_insertions_of_a_client_wins, one_of_concurrent_updates_wins,
};
pub use listing::{
    a_client_is_listed_for_its_owner_of_now, a_listing_beside_insertions_shows_each_client_once,
    a_listing_of_clients_is_stable_while_others_come_and_go, clients_are_counted_up_to_a_bound,
    clients_are_listed_by_owner_in_order,
};
pub use reviews::{
    a_client_is_due_by_its_instant_of_now, a_listing_of_due_clients_beside_others_misses_none,
    clients_are_due_once_their_instant_is_past,
};
pub use secrets::{
    a_dropped_use_of_a_secret_happened_or_did_not, a_use_beside_an_update_does_not_undo_it,
    the_latest_use_of_a_secret_is_remembered, the_use_of_a_secret_is_remembered,
    the_use_of_an_unknown_secret_changes_nothing,
};

use super::client_store::lookalikes;
use super::{at_most, everything};
use crate::client::{Client, ClientId};
use crate::identifier::Subject;
use crate::store::{ClientRegistry, Deletion, Insertion, Update};
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

/// How calls of this store are made to compete.
async fn arena(store: &dyn ClientRegistry) -> Arena {
    let id = fixtures::client_id();
    Arena::of(|| store.find_client(&id)).await
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
