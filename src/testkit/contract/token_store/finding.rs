//! How one grant is found.

use std::sync::Arc;

use super::{stored, stored_under, summary};
use crate::store::{GrantSummary, Insertion, TokenStore};
use crate::testkit::fixtures::{self, from_now};

/// A grant is found as it is listed: with all that it was given, whether it is live, revoked or expired.
///
/// > Finds a grant, as it would be listed: revoked and expired ones too, until they are purged.
pub async fn a_grant_is_found_as_it_would_be_listed(store: &dyn TokenStore) {
    let grant = fixtures::grant();
    let expires_at = from_now(60);
    assert_eq!(store.insert_grant(&grant, expires_at).await.unwrap(), Insertion::Inserted);
    let fresh =
        GrantSummary { grant: Arc::clone(&grant), expires_at: Some(expires_at), last_used_at: None, revoked_at: None };
    assert_eq!(store.find_grant(&grant.id).await.unwrap(), Some(fresh.clone()));
    let tokens = stored_under(store, &grant).await;
    let (used_at, revoked_at) = (from_now(3), from_now(4));
    store.touch_grant(&grant.id, used_at).await.unwrap();
    store.revoke_grant(&grant.id, revoked_at).await.unwrap();
    let ended = GrantSummary {
        expires_at: tokens.expires_at(),
        last_used_at: Some(used_at),
        revoked_at: Some(revoked_at),
        ..fresh
    };
    assert_eq!(store.find_grant(&grant.id).await.unwrap(), Some(ended.clone()));
    assert_eq!(summary(store, &grant).await, Some(ended));
    let (expired, expired_at) = (fixtures::grant(), from_now(-2));
    assert_eq!(store.insert_grant(&expired, expired_at).await.unwrap(), Insertion::Inserted);
    let found = store.find_grant(&expired.id).await.unwrap().expect("an expired grant is found");
    assert_eq!((found.grant, found.expires_at), (expired, Some(expired_at)));
}

/// An identifier that no grant has finds none.
///
/// > Finds a grant, as it would be listed
pub async fn an_unknown_grant_is_absent(store: &dyn TokenStore) {
    assert_eq!(store.find_grant(&fixtures::grant().id).await.unwrap(), None);
    let tokens = stored(store).await;
    assert_eq!(store.find_grant(&fixtures::grant().id).await.unwrap(), None);
    let found = store.find_grant(&tokens.grant.id).await.unwrap().expect("the grant is found");
    assert_eq!(found.grant, tokens.grant);
}
