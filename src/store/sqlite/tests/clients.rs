use super::*;
use crate::client::{Client, ClientId, ClientMetadata, GrantType, PkceRequirement, SecretAuthentication, SecretMethod};
use crate::client::{ClientAuthentication, ClientStatus, Vetting};
use crate::identifier::Subject;
use crate::policy::{Lifetimes, RefreshPolicy};
use crate::secret::SecretHash;
use crate::store::{ClientRegistry as _, ClientStore as _, Deletion, Insertion, Update};

fn id(text: &str) -> ClientId {
    text.parse().unwrap()
}

fn owner() -> Subject {
    "ada ✓".parse().unwrap()
}

#[tokio::test]
async fn every_field_of_a_client_comes_back() {
    let store = memory().await;
    let secret = SecretAuthentication::new(SecretHash::of("one"))
        .with_method(SecretMethod::Post)
        .with_pkce(PkceRequirement::Exempt)
        .with_expiry(Timestamp::MAX)
        .rotated(SecretHash::of("two"), at(i64::MIN));
    let full = Client::public(id(&"~ ".repeat(127)))
        .with_authentication(ClientAuthentication::Secret(secret))
        .with_redirect_uri("HTTP://127.0.0.1/cb?x=%20&y=~".parse().unwrap())
        .with_grant_types(GrantType::ALL)
        .with_scope(Scope::empty())
        .with_refresh_policy(RefreshPolicy::Rotate { grace: std::time::Duration::MAX })
        .with_lifetimes(Lifetimes::new().with_access_token(None))
        .with_vetting(Vetting::SelfRegistered)
        .with_status(ClientStatus::Disabled)
        .with_owner(owner())
        .with_metadata(ClientMetadata::new().with_name("Grüße ✓ <b>'").unwrap().with_contact("a@b.test").unwrap())
        .with_created_at(at(i64::MIN))
        .with_version(u64::MAX)
        .with_registration_token(SecretHash::of("three"));
    for client in [full, Client::public(id("a"))] {
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&client));
    }
    assert_eq!(store.find_client(&id("A")).await.unwrap(), None);
}

#[tokio::test]
async fn a_second_client_with_the_same_id_conflicts_and_changes_nothing() {
    let store = memory().await;
    let client = Client::public(id("app")).with_owner(owner());
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.insert_client(&Client::public(id("app"))).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_client(&id("app")).await.unwrap().as_deref(), Some(&client));
}

#[tokio::test]
async fn an_update_of_an_old_version_conflicts() {
    let store = memory().await;
    let client = Client::public(id("app"));
    assert_eq!(store.update_client(&client).await.unwrap(), Update::Unknown);
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    let changed = client.clone().with_owner(owner());
    assert_eq!(store.update_client(&changed).await.unwrap(), Update::Updated);
    assert_eq!(store.update_client(&client).await.unwrap(), Update::Conflict);
    let stored = store.find_client(&id("app")).await.unwrap().unwrap();
    assert_eq!(*stored, changed.with_version(1));
    assert_eq!(store.update_client(&stored).await.unwrap(), Update::Updated);
    assert_eq!(store.delete_client(&id("app")).await.unwrap(), Deletion::Deleted);
    assert_eq!(store.delete_client(&id("app")).await.unwrap(), Deletion::Unknown);
    assert_eq!(store.update_client(&stored).await.unwrap(), Update::Unknown);
}

#[tokio::test]
async fn clients_are_listed_by_owner_in_pages() {
    let store = memory().await;
    for text in ["c", "a", "B", "b"] {
        assert_eq!(
            store.insert_client(&Client::public(id(text)).with_owner(owner())).await.unwrap(),
            Insertion::Inserted
        );
    }
    assert_eq!(store.insert_client(&Client::public(id("d"))).await.unwrap(), Insertion::Inserted);
    let two = NonZeroU32::new(2).unwrap();
    let first = store.list_clients(&owner(), Page::first(two)).await.unwrap();
    assert_eq!(first.iter().map(|client| client.id().as_str()).collect::<Vec<_>>(), ["B", "a"]);
    let second = store.list_clients(&owner(), Page::after(id("a"), two)).await.unwrap();
    assert_eq!(second.iter().map(|client| client.id().as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert!(store.list_clients(&owner(), Page::after(id("c"), two)).await.unwrap().is_empty());
    assert_eq!(store.count_clients(two).await.unwrap(), 2);
    assert_eq!(store.count_clients(MANY).await.unwrap(), 5);
}
