//! Clients.

use super::*;
use crate::client::Client;
use crate::store::{ClientRegistry, ClientStore, Deletion, Update};

fn client(id: &str) -> Client {
    Client::public(id.parse().unwrap())
}

fn owned(store: &MemoryStore, owner: &str, page: Page<ClientId>) -> Vec<String> {
    let clients = now(store.list_clients(&owner.parse().unwrap(), page));
    clients.iter().map(|client| client.id().as_str().to_owned()).collect()
}

#[test]
fn a_client_comes_back_as_it_was_stored() {
    let store = MemoryStore::new();
    let app = client("app").with_redirect_uri("https://app.example/callback".parse().unwrap()).with_version(7);
    assert_eq!(now(store.insert_client(&app)), Insertion::Inserted);
    assert_eq!(now(store.insert_client(&client("app"))), Insertion::Conflict);
    assert_eq!(now(store.find_client(app.id())).as_deref(), Some(&app));
    assert_eq!(now(store.find_client(&"App".parse().unwrap())), None);
    assert_eq!(now(store.count_clients(limit(9))), 1);
    assert_eq!(now(store.delete_client(app.id())), Deletion::Deleted);
    assert_eq!(now(store.delete_client(app.id())), Deletion::Unknown);
    assert_eq!(now(store.find_client(app.id())), None);
}

#[test]
fn an_update_of_an_old_version_changes_nothing() {
    let store = MemoryStore::new();
    let app = client("app");
    assert_eq!(now(store.update_client(&app)), Update::Unknown);
    assert_eq!(now(store.insert_client(&app)), Insertion::Inserted);
    let scoped = app.clone().with_scope("links:read".parse().unwrap());
    assert_eq!(now(store.update_client(&scoped)), Update::Updated);
    assert_eq!(now(store.update_client(&app)), Update::Conflict);
    assert_eq!(now(store.find_client(app.id())).as_deref(), Some(&scoped.with_version(1)));
}

#[test]
fn clients_are_listed_by_owner_in_stable_pages() {
    let store = MemoryStore::new();
    for id in ["d", "b", "a", "c"] {
        let owner = if id == "c" { "bob" } else { "ada" };
        assert_eq!(now(store.insert_client(&client(id).with_owner(owner.parse().unwrap()))), Insertion::Inserted);
    }
    assert_eq!(now(store.insert_client(&client("e"))), Insertion::Inserted);
    assert_eq!(owned(&store, "ada", Page::first(limit(2))), ["a", "b"]);
    assert_eq!(now(store.delete_client(&"b".parse().unwrap())), Deletion::Deleted);
    assert_eq!(owned(&store, "ada", Page::after("b".parse().unwrap(), limit(2))), ["d"]);
    assert_eq!(now(store.count_clients(limit(9))), 4);
    assert_eq!(now(store.count_clients(limit(3))), 3);
}

#[test]
fn a_client_that_changes_hands_changes_lists() {
    let store = MemoryStore::new();
    let app = client("app").with_owner("ada".parse().unwrap());
    assert_eq!(now(store.insert_client(&app)), Insertion::Inserted);
    assert_eq!(now(store.update_client(&app.with_owner("bob".parse().unwrap()))), Update::Updated);
    assert!(owned(&store, "ada", Page::first(limit(9))).is_empty());
    assert_eq!(owned(&store, "bob", Page::first(limit(9))), ["app"]);
}
