//! What a step on tokens leaves whose future is dropped.

use std::sync::Arc;

use super::super::are_found;
use super::tenants::confined;
use super::{rotate, rotate_as, stored, stored_under, summary};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{Grant, IssuedTokens};
use crate::store::{GrantSummary, Insertion, Reuse, Rotation, TokenStore};
use crate::testkit::executor::drop_after;
use crate::testkit::fixtures::{self, from_now, refresh_key, retirement};

/// A rotation that is given up half-way happened or did not; either way the next one finds its way.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_rotation_happened_or_did_not(store: &dyn TokenStore) {
    for polls in 0..1_000 {
        let first = stored(store).await;
        let successors = fixtures::issued(&first.grant);
        let how = retirement(&successors);
        let done = drop_after(polls, rotate_as(store, &first, &how, &successors)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let rival = fixtures::issued(&first.grant);
        match rotate(store, &first, &rival).await {
            Rotation::Rotated => {
                assert_eq!(done, None, "what was acknowledged was lost");
                assert!(are_found(store, &rival).await && !are_found(store, &successors).await);
            }
            Rotation::Retired { retirement, retries } => {
                assert_eq!((retirement, retries), (how, 1));
                assert!(are_found(store, &successors).await && !are_found(store, &rival).await);
            }
            Rotation::Unknown => panic!("the token is gone"),
        }
        if done.is_some() {
            return;
        }
    }
    panic!("the rotation never came to its end");
}

/// Tokens whose insertion is given up half-way are stored, all of them or none.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_insertion_of_tokens_happened_or_did_not(store: &dyn TokenStore) {
    for polls in 0..1_000 {
        let tokens = fixtures::issued(&fixtures::grant());
        let done = drop_after(polls, store.insert_tokens(&tokens)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let rival = IssuedTokens { access: tokens.access.clone(), ..fixtures::issued(&tokens.grant) };
        let (kept, refused) = match store.insert_tokens(&rival).await.unwrap() {
            Insertion::Inserted => (&rival, &tokens),
            Insertion::Conflict => (&tokens, &rival),
        };
        assert!(are_found(store, kept).await, "something was stored, but not all of it");
        assert_eq!(store.find_refresh_token(&refresh_key(refused)).await.unwrap(), None);
        assert_eq!(summary(store, &tokens.grant).await.expect("the grant is listed").expires_at, kept.expires_at());
        if let Some(done) = done {
            assert_eq!((done.unwrap(), kept), (Insertion::Inserted, &tokens), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the insertion never came to its end");
}

/// A grant whose insertion is given up half-way is stored, or its identifier is free.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_insertion_of_a_grant_happened_or_did_not(store: &dyn TokenStore) {
    for polls in 0..1_000 {
        let grant = fixtures::grant();
        let done = drop_after(polls, store.insert_grant(&grant, from_now(60))).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let rival = Arc::new(Grant { id: grant.id, ..Grant::clone(&fixtures::grant()) });
        let (kept, refused) = match store.insert_grant(&rival, from_now(60)).await.unwrap() {
            Insertion::Inserted => (&rival, &grant),
            Insertion::Conflict => (&grant, &rival),
        };
        assert_eq!(summary(store, kept).await.expect("one of the grants is listed").grant, *kept);
        assert_eq!(summary(store, refused).await, None);
        if let Some(done) = done {
            assert_eq!((done.unwrap(), kept), (Insertion::Inserted, &grant), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the insertion never came to its end");
}

/// A reuse that is given up half-way happened or did not: the access token is stored with the new expiry, or neither is.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_reuse_happened_or_did_not(store: &dyn TokenStore) {
    for polls in 0..1_000 {
        let tokens = stored(store).await;
        let key = refresh_key(&tokens);
        let access = fixtures::access_token(&tokens.grant);
        let (first, second) = (Some(from_now(100_000)), Some(from_now(200_000)));
        let done = drop_after(polls, store.reuse_refresh_token(&key, first, &access)).await;
        // The step may still be under way; one that contends with it comes before it, or after it and fails.
        let expires_at = match store.reuse_refresh_token(&key, second, &access).await {
            Ok(Reuse::Accepted) => second,
            Ok(Reuse::Unknown) => panic!("the token is gone"),
            Err(_) => first,
        };
        let found = store.find_refresh_token(&key).await.unwrap().expect("the refresh token stays");
        assert_eq!(found.token.expires_at, expires_at, "of a reuse one half was done");
        assert!(store.find_access_token(&access.key).await.unwrap().is_some());
        if let Some(done) = done {
            assert_eq!((done.unwrap(), expires_at), (Reuse::Accepted, first), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the reuse never came to its end");
}

/// A revocation that is given up half-way is completed by the next one, and nothing of the grant comes back.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_revocation_is_made_up_for_by_the_next(store: &dyn TokenStore) {
    for polls in 0..1_000 {
        let tokens = stored(store).await;
        let next = fixtures::issued(&tokens.grant);
        let (first, second) = (from_now(1), from_now(2));
        let done = drop_after(polls, store.revoke_grant(&tokens.grant.id, first)).await;
        // The step may still be under way: whatever is found now may be gone at once.
        if rotate(store, &tokens, &next).await == Rotation::Unknown {
            assert!(!are_found(store, &tokens).await, "of a revocation one half was done");
        }
        store.revoke_grant(&tokens.grant.id, second).await.unwrap();
        for tokens in [&tokens, &next] {
            assert!(!are_found(store, tokens).await, "something outlived the revocation");
        }
        let revoked_at = summary(store, &tokens.grant).await.expect("the grant is listed").revoked_at;
        assert!(revoked_at == Some(first) || revoked_at == Some(second), "revoked at {revoked_at:?}");
        if let Some(done) = done {
            done.unwrap();
            assert_eq!(revoked_at, Some(first), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the revocation never came to its end");
}

/// A use that is given up half-way is remembered or not, and nothing else of the grant changes.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_use_of_a_grant_happened_or_did_not(store: &dyn TokenStore) {
    for polls in 0..1_000 {
        let tokens = stored(store).await;
        let before = summary(store, &tokens.grant).await.expect("the grant is listed");
        let (earlier, later) = (from_now(1), from_now(2));
        let done = drop_after(polls, store.touch_grant(&tokens.grant.id, later)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        store.touch_grant(&tokens.grant.id, earlier).await.unwrap();
        let after = summary(store, &tokens.grant).await.expect("the grant is listed");
        let used_at = after.last_used_at;
        assert!(used_at == Some(earlier) || used_at == Some(later), "used at {used_at:?}");
        assert_eq!(GrantSummary { last_used_at: None, ..after }, before);
        assert!(are_found(store, &tokens).await);
        if let Some(done) = done {
            done.unwrap();
            assert_eq!(used_at, Some(later), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the use never came to its end");
}

/// A revocation of a user that is given up half-way leaves each grant whole or revoked, and the next one finishes it.
///
/// > A revocation by user, client or tenant that is dropped leaves each grant before or after it, and calling it again finishes
/// > it.
pub async fn a_dropped_revocation_of_a_user_is_finished_by_the_next(store: &dyn TokenStore) {
    a_dropped_revocation_is_finished_by_the_next(store, Common::Subject).await;
}

/// A revocation of a client that is given up half-way leaves each grant whole or revoked, and the next one finishes it.
///
/// > A revocation by user, client or tenant that is dropped leaves each grant before or after it, and calling it again finishes
/// > it.
pub async fn a_dropped_revocation_of_a_client_is_finished_by_the_next(store: &dyn TokenStore) {
    a_dropped_revocation_is_finished_by_the_next(store, Common::Client).await;
}

/// A revocation of a tenant that is given up half-way leaves each grant whole or revoked, and the next one finishes it.
///
/// > A revocation by user, client or tenant that is dropped leaves each grant before or after it, and calling it again finishes
/// > it.
pub async fn a_dropped_revocation_of_a_tenant_is_finished_by_the_next(store: &dyn TokenStore) {
    a_dropped_revocation_is_finished_by_the_next(store, Common::Tenant).await;
}

/// What grants have in common that are revoked together.
#[derive(Clone, Copy)]
enum Common {
    Subject,
    Client,
    Tenant,
}

impl Common {
    /// Revokes every grant that has this in common with `grant`.
    async fn revoke(self, store: &dyn TokenStore, grant: &Grant, at: Timestamp) -> Result<u64, StoreError> {
        match self {
            Self::Subject => store.revoke_subject(grant.subject.as_ref().expect("a grant with a user"), at).await,
            Self::Client => store.revoke_client(grant.client.as_ref().expect("a grant with a client"), at).await,
            Self::Tenant => store.revoke_tenant(grant.tenant.as_ref().expect("a grant with a tenant"), at).await,
        }
    }
}

async fn a_dropped_revocation_is_finished_by_the_next(store: &dyn TokenStore, common: Common) {
    for polls in 0..1_000 {
        let (user, client, tenant) = (fixtures::subject(), fixtures::client_id(), fixtures::tenant());
        let mut all = Vec::new();
        for _ in 0..3 {
            all.push(stored_under(store, &confined(&fixtures::grant_of(&user, &client), Some(&tenant))).await);
        }
        let [one, ..] = &all[..] else { unreachable!("three were stored") };
        let spared = stored(store).await;
        let (first, second) = (from_now(1), from_now(2));
        let done = drop_after(polls, common.revoke(store, &one.grant, first)).await;
        // The step may still be under way: whatever is found now may be gone at once.
        let mut next = Vec::new();
        for tokens in &all {
            next.push(fixtures::issued(&tokens.grant));
            if rotate(store, tokens, &next[next.len() - 1]).await == Rotation::Unknown {
                assert!(!are_found(store, tokens).await, "of a revocation one half was done");
            }
        }
        let finished = common.revoke(store, &one.grant, second).await.unwrap();
        for tokens in all.iter().chain(&next) {
            assert!(!are_found(store, tokens).await, "something outlived the revocation");
        }
        let mut instants = Vec::new();
        for tokens in &all {
            instants.push(summary(store, &tokens.grant).await.expect("the grant is listed").revoked_at);
        }
        assert!(instants.iter().all(|at| *at == Some(first) || *at == Some(second)), "revoked at {instants:?}");
        assert_eq!(instants.iter().filter(|at| **at == Some(second)).count() as u64, finished, "of {instants:?}");
        assert!(are_found(store, &spared).await);
        if let Some(done) = done {
            assert_eq!((done.unwrap(), finished), (3, 0), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the revocation never came to its end");
}
