//! Whether a client was granted anything.

use std::sync::Arc;

use super::super::at_most;
use super::super::client_store::lookalikes;
use super::{stored, stored_under};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens};
use crate::store::{Insertion, TokenStore};
use crate::testkit::fixtures::{self, from_now};

/// A client has grants from its first one on, however that came to be stored, and whatever became of it; what is granted to
/// others, or to no client, does not count.
///
/// > Tells whether the client has any grant: revoked and expired ones count too, until they are purged.
pub async fn a_client_has_grants_once_it_was_granted_something(store: &dyn TokenStore) {
    let personal = Grant { client: None, ..Grant::clone(&fixtures::grant()) };
    let _ = stored_under(store, &Arc::new(personal)).await;
    let [bare, with_tokens, revoked, expired] = std::array::from_fn(|_| fixtures::grant());
    let client = |grant: &Grant| grant.client.clone().expect("it is granted to a client");
    for grant in [&bare, &with_tokens, &revoked, &expired] {
        assert!(!has_grants(store, &client(grant)).await, "a client without a grant");
        let insertion = if Arc::ptr_eq(grant, &bare) {
            store.insert_grant(grant, from_now(60)).await.unwrap()
        } else if Arc::ptr_eq(grant, &expired) {
            store.insert_grant(grant, from_now(-1)).await.unwrap()
        } else {
            store.insert_tokens(&fixtures::issued(grant)).await.unwrap()
        };
        assert_eq!(insertion, Insertion::Inserted);
        assert!(has_grants(store, &client(grant)).await);
    }
    store.revoke_grant(&revoked.id, from_now(0)).await.unwrap();
    for grant in [&bare, &with_tokens, &revoked, &expired] {
        assert!(has_grants(store, &client(grant)).await, "a grant that has ended counts");
        for other in lookalikes(&client(grant)) {
            assert!(!has_grants(store, &other).await, "{other} has no grant");
        }
    }
}

/// A client has no grants any more once the last of them is purged.
///
/// > revoked and expired ones count too, until they are purged
pub async fn a_client_has_no_grants_once_they_are_purged(store: &dyn TokenStore) {
    let client = fixtures::client_id();
    let granted = async || stored_under(store, &fixtures::grant_of(&fixtures::subject(), &client)).await;
    let (first, second, other) = (granted().await, granted().await, stored(store).await);
    store.revoke_grant(&first.grant.id, from_now(0)).await.unwrap();
    let later = fixtures::access_token(&second.grant);
    let until = from_now(1_000_000);
    let later = AccessTokenRecord { expires_at: Some(until), ..later };
    let later = IssuedTokens { grant: Arc::clone(&second.grant), access: later, refresh: None };
    assert_eq!(store.insert_tokens(&later).await.unwrap(), Insertion::Inserted);
    for (before, left) in [(from_now(0), true), (until, true), (Timestamp::MAX, false)] {
        while store.purge_tokens(before, at_most(9)).await.unwrap() > 0 {}
        assert_eq!(has_grants(store, &client).await, left, "purged before {before:?}");
    }
    assert!(!has_grants(store, other.grant.client.as_ref().expect("it has a client")).await);
    let _ = granted().await;
    assert!(has_grants(store, &client).await);
}

async fn has_grants(store: &dyn TokenStore, client: &ClientId) -> bool {
    store.has_grants(client).await.unwrap()
}
