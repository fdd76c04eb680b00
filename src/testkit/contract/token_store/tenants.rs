//! What is revoked with a tenant.

use std::sync::Arc;

use super::super::{INTERLEAVINGS, are_found, arena, contenders};
use super::{stored, stored_under, summary};
use crate::grant::{Grant, IssuedTokens};
use crate::identifier::Tenant;
use crate::store::{Insertion, TokenStore};
use crate::testkit::fixtures::{self, from_now};

/// Revoking a tenant ends all grants that are confined to it, whoever's they are, and tells how many; all others live on.
///
/// > Revokes every grant that is confined to this tenant, whoever's it is, and returns how many were not revoked before.
/// > Grants that are not confined to any tenant stay.
pub async fn revoking_a_tenant_ends_its_grants_only(store: &dyn TokenStore) {
    let tenant = fixtures::tenant();
    let first = stored_under(store, &confined(&fixtures::grant(), Some(&tenant))).await;
    let user = first.grant.subject.clone().expect("a grant with a user");
    let client = first.grant.client.clone().expect("a grant with a client");
    let same = fixtures::grant_of(&user, &client);
    let confined_as = |grant: Grant| Arc::new(Grant { tenant: Some(tenant.clone()), ..grant });
    let bare = |grant: &Arc<Grant>| Grant::clone(grant);
    let others = [
        confined_as(bare(&fixtures::grant())),
        confined_as(Grant { client: None, ..bare(&fixtures::grant()) }),
        confined_as(Grant { subject: None, ..bare(&fixtures::grant()) }),
    ];
    let mut ended = vec![first];
    for grant in &others {
        ended.push(stored_under(store, grant).await);
    }
    let without_tokens = confined(&fixtures::grant(), Some(&tenant));
    assert_eq!(store.insert_grant(&without_tokens, from_now(60)).await.unwrap(), Insertion::Inserted);
    let unconfined = stored_under(store, &confined(&same, None)).await;
    let elsewhere =
        stored_under(store, &confined(&fixtures::grant_of(&user, &client), Some(&fixtures::tenant()))).await;
    let (earlier, now) = (from_now(-1), from_now(0));
    store.revoke_grant(&ended[1].grant.id, earlier).await.unwrap();

    assert_eq!(store.revoke_tenant(&fixtures::tenant(), now).await.unwrap(), 0);
    assert_eq!(store.revoke_tenant(&tenant, now).await.unwrap(), 4);
    assert_eq!(store.revoke_tenant(&tenant, from_now(1)).await.unwrap(), 0);
    for tokens in &ended {
        assert!(!are_found(store, tokens).await);
        assert_eq!(store.insert_tokens(&fixtures::issued(&tokens.grant)).await.unwrap(), Insertion::Conflict);
    }
    for tokens in [&unconfined, &elsewhere] {
        assert!(are_found(store, tokens).await, "a grant that is not the tenant's was revoked");
    }
    assert_eq!(summary(store, &ended[1].grant).await.expect("it is listed").revoked_at, Some(earlier));
    assert_eq!(summary(store, &without_tokens).await.expect("it is listed").revoked_at, Some(now));
    // It ends what there is, and bars nobody from coming back.
    let anew = stored_under(store, &confined(&fixtures::grant(), Some(&tenant))).await;
    assert!(are_found(store, &anew).await);
}

/// A revocation reaches every grant of a tenant, also where there are more than any batch holds.
///
/// > Revokes every grant that is confined to this tenant, whoever's it is, and returns how many were not revoked before.
pub async fn revoking_a_tenant_reaches_each_of_many_grants(store: &dyn TokenStore) {
    const MANY: u32 = 2_500;
    let (tenant, one) = (fixtures::tenant(), fixtures::grant());
    let (user, client) = (one.subject.clone().expect("a user"), one.client.clone().expect("a client"));
    let mut all = Vec::new();
    for _ in 0..MANY {
        let grant = confined(&fixtures::grant_of(&user, &client), Some(&tenant));
        let tokens = IssuedTokens { refresh: None, ..fixtures::issued(&grant) };
        assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        all.push(tokens);
    }
    assert_eq!(store.revoke_tenant(&tenant, from_now(0)).await.unwrap(), u64::from(MANY));
    for tokens in &all {
        assert!(!are_found(store, tokens).await);
    }
}

/// Whatever order insertions and revocations of a tenant come in, each grant is counted once, and nothing of them is found.
///
/// > **Revocation is sticky**: once a grant is revoked, nothing under it is found again, whether it was stored before, during
/// > or after the revocation.
pub async fn a_revocation_of_a_tenant_among_insertions_leaves_nothing(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let tenant = fixtures::tenant();
        let first = stored_under(store, &confined(&fixtures::grant(), Some(&tenant))).await;
        let spared = stored(store).await;
        let rivals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::issued(&first.grant)).collect();
        let step = async |n: usize| match n {
            0 | 1 => store.revoke_tenant(&tenant, from_now(0)).await.unwrap(),
            n => {
                let _ = store.insert_tokens(&rivals[n - 2]).await.unwrap();
                0
            }
        };
        let counts = arena.race(rivals.len() + 2, seed, step).await;
        assert_eq!(counts.iter().sum::<u64>(), 1, "one grant was counted so often: {counts:?}");
        for tokens in rivals.iter().chain([&first]) {
            assert!(!are_found(store, tokens).await, "something outlived the revocation");
        }
        assert!(are_found(store, &spared).await);
    }
}

/// The grant with this tenant instead of its own.
pub(super) fn confined(grant: &Grant, tenant: Option<&Tenant>) -> Arc<Grant> {
    Arc::new(Grant { tenant: tenant.cloned(), ..grant.clone() })
}
