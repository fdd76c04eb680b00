//! Defects of what is done to the grants of a tenant, and of how one grant is found.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::clock::Timestamp;
use grantor::grant::{Grant, IssuedTokens};
use grantor::identifier::Tenant;
use grantor::secret::{GrantId, TokenKey};
use grantor::store::{FoundAccessToken, FoundRefreshToken, GrantSummary, Insertion, Page, TokenStore as _};

use super::harness::turn;

broken! {
    /// Notes the tenant, ends the grants then, and takes a tenant that is noted for done.
    a_dropped_revocation_of_a_tenant_is_never_finished:
        token_store::a_dropped_revocation_of_a_tenant_is_finished_by_the_next,
    fn revoke_tenant(store, tenant: &Tenant, at: Timestamp) -> u64 {
        if !store.mark(tenant.as_str().as_bytes()) {
            return Ok(0);
        }
        turn().await;
        store.revoke_tenant(tenant, at).await
    }

    /// Ends what it finds in the first place, and not what comes later.
    tokens_of_a_revoked_tenant_are_stored: token_store::revoking_a_tenant_ends_its_grants_only,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        match store.insert_tokens(tokens).await? {
            Insertion::Conflict => store.shelf.insert_tokens(tokens).await,
            insertion => Ok(insertion),
        }
    }

    /// Finds the grants of a tenant by way of the users.
    a_grant_of_a_tenant_without_a_user_is_left: token_store::revoking_a_tenant_ends_its_grants_only,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if tokens.grant.subject.is_some() {
            return store.insert_tokens(tokens).await;
        }
        let grant = Arc::new(Grant { tenant: None, ..Grant::clone(&tokens.grant) });
        store.insert_tokens(&IssuedTokens { grant, ..tokens.clone() }).await
    }

    /// Counts what was revoked already.
    revoked_grants_of_a_tenant_are_counted_again: token_store::revoking_a_tenant_ends_its_grants_only,
    fn revoke_tenant(store, tenant: &Tenant, at: Timestamp) -> u64 {
        let revoked = store.revoke_tenant(tenant, at).await?;
        let counted = store.number(tenant.as_str().as_bytes()).unwrap_or_default();
        store.put(tenant.as_str().as_bytes(), counted + i64::try_from(revoked).unwrap());
        Ok(revoked + counted.unsigned_abs())
    }

    /// `WHERE tenant = ? OR tenant IS NULL`.
    a_tenant_takes_grants_without_one_along: token_store::revoking_a_tenant_ends_its_grants_only,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if tokens.grant.tenant.is_none() {
            store.put(tokens.grant.id.as_bytes(), 0);
        }
        store.insert_tokens(tokens).await
    }
    fn revoke_tenant(store, tenant: &Tenant, at: Timestamp) -> u64 {
        for id in store.below(1) {
            store.revoke_grant(&GrantId::from_bytes(id.try_into().unwrap()), at).await?;
        }
        store.revoke_tenant(tenant, at).await
    }

    /// Revokes the users of the tenant.
    a_tenant_takes_its_users_along: token_store::revoking_a_tenant_ends_its_grants_only,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if let Some(subject) = &tokens.grant.subject {
            store.put(subject.as_str().as_bytes(), 0);
        }
        store.insert_tokens(tokens).await
    }
    fn revoke_tenant(store, tenant: &Tenant, at: Timestamp) -> u64 {
        let revoked = store.revoke_tenant(tenant, at).await?;
        if revoked > 0 {
            for subject in store.below(1) {
                store.revoke_subject(&String::from_utf8(subject).unwrap().parse().unwrap(), at).await?;
            }
        }
        Ok(revoked)
    }

    /// Bars a tenant whose grants were revoked.
    a_tenant_that_was_revoked_stays_out: token_store::revoking_a_tenant_ends_its_grants_only,
    fn revoke_tenant(store, tenant: &Tenant, at: Timestamp) -> u64 {
        store.mark(tenant.as_str().as_bytes());
        store.revoke_tenant(tenant, at).await
    }
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if tokens.grant.tenant.as_ref().is_some_and(|tenant| store.is_marked(tenant.as_str().as_bytes())) {
            return Ok(Insertion::Conflict);
        }
        store.insert_tokens(tokens).await
    }

    /// Revokes one page of grants.
    a_thousand_grants_of_a_tenant_are_revoked: token_store::revoking_a_tenant_reaches_each_of_many_grants,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if let Some(subject) = &tokens.grant.subject {
            store.put(subject.as_str().as_bytes(), 0);
        }
        store.insert_tokens(tokens).await
    }
    fn revoke_tenant(store, _tenant: &Tenant, at: Timestamp) -> u64 {
        let mut revoked = 0;
        for subject in store.below(1) {
            let page = Page::first(NonZeroU32::new(1_000).unwrap());
            let subject = String::from_utf8(subject).unwrap().parse().unwrap();
            for summary in store.list_grants(&subject, None, page).await? {
                store.revoke_grant(&summary.grant.id, at).await?;
                revoked += 1;
            }
        }
        Ok(revoked)
    }

    /// Looks whether the tenant is revoked, and stores the tokens then.
    an_insertion_outlives_the_tenant: token_store::a_revocation_of_a_tenant_among_insertions_leaves_nothing,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let tenant = tokens.grant.tenant.as_ref().unwrap().as_str().as_bytes();
        let revoked = store.is_marked(tenant);
        turn().await;
        match store.insert_tokens(tokens).await? {
            Insertion::Conflict if !revoked => store.shelf.insert_tokens(tokens).await,
            insertion => Ok(insertion),
        }
    }
    fn revoke_tenant(store, tenant: &Tenant, at: Timestamp) -> u64 {
        store.mark(tenant.as_str().as_bytes());
        store.revoke_tenant(tenant, at).await
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        Ok(store.find_access_token(key).await?.or(store.shelf.find_access_token(key).await?))
    }
    fn find_refresh_token(store, key: &TokenKey) -> Option<FoundRefreshToken> {
        Ok(store.find_refresh_token(key).await?.or(store.shelf.find_refresh_token(key).await?))
    }

    /// Looks whether there is something to revoke, and counts it then.
    concurrent_revocations_of_a_tenant_count_twice:
        token_store::a_revocation_of_a_tenant_among_insertions_leaves_nothing,
    fn revoke_tenant(store, tenant: &Tenant, at: Timestamp) -> u64 {
        let due = u64::from(!store.is_marked(tenant.as_str().as_bytes()));
        turn().await;
        store.mark(tenant.as_str().as_bytes());
        store.revoke_tenant(tenant, at).await?;
        Ok(due)
    }

    /// `WHERE revoked_at IS NULL`.
    a_revoked_grant_is_not_found: token_store::a_grant_is_found_as_it_would_be_listed,
    fn find_grant(store, id: &GrantId) -> Option<GrantSummary> {
        Ok(store.find_grant(id).await?.filter(|summary| summary.revoked_at.is_none()))
    }

    /// `WHERE expires_at > now()`.
    an_expired_grant_is_not_found: token_store::a_grant_is_found_as_it_would_be_listed,
    fn find_grant(store, id: &GrantId) -> Option<GrantSummary> {
        let now = grantor::testkit::fixtures::from_now(0);
        Ok(store.find_grant(id).await?.filter(|summary| summary.revoked_at.is_some() || summary.is_live(now)))
    }

    /// Reads the grant alone.
    the_use_of_a_grant_that_is_found_is_not_told: token_store::a_grant_is_found_as_it_would_be_listed,
    fn find_grant(store, id: &GrantId) -> Option<GrantSummary> {
        Ok(store.find_grant(id).await?.map(|summary| GrantSummary { last_used_at: None, ..summary }))
    }

    /// Answers with whatever comes first.
    any_grant_is_found: token_store::an_unknown_grant_is_absent,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        store.put(tokens.grant.id.as_bytes(), 0);
        store.insert_tokens(tokens).await
    }
    fn find_grant(store, _id: &GrantId) -> Option<GrantSummary> {
        match store.below(1).first() {
            Some(id) => store.find_grant(&GrantId::from_bytes(id.as_slice().try_into().unwrap())).await,
            None => Ok(None),
        }
    }
}
