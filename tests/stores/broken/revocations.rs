//! Defects of revocations.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::client::ClientId;
use grantor::clock::Timestamp;
use grantor::grant::{Grant, IssuedTokens, Retirement};
use grantor::identifier::Subject;
use grantor::secret::{GrantId, TokenKey};
use grantor::store::{FoundAccessToken, FoundRefreshToken, GrantSummary, Insertion, Page, Rotation, TokenStore as _};

use super::harness::{Parts, turn};

/// All grants of a user.
async fn all(store: &Parts, subject: &Subject) -> Vec<GrantSummary> {
    store.list_grants(subject, None, Page::first(NonZeroU32::MAX)).await.unwrap()
}

broken! {
    /// Revokes the whole grant.
    an_access_token_takes_its_grant_along: token_store::an_access_token_is_revoked_alone,
    fn revoke_access_token(store, key: &TokenKey) -> () {
        store.revoke_grant(&key.grant, Timestamp::from_unix_millis(0)).await
    }

    /// Revokes nothing.
    an_access_token_is_not_revoked: token_store::an_access_token_is_revoked_alone,
    fn revoke_access_token(_store, _key: &TokenKey) -> () {
        Ok(())
    }

    /// Marks the grant, and looks at it for access tokens only.
    refresh_tokens_outlive_their_grant: token_store::a_revoked_grant_is_gone_with_all_of_it,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let _ = store.shelf.insert_tokens(tokens).await?;
        store.insert_tokens(tokens).await
    }
    fn find_refresh_token(store, key: &TokenKey) -> Option<FoundRefreshToken> {
        Ok(store.find_refresh_token(key).await?.or(store.shelf.find_refresh_token(key).await?))
    }

    /// Rotates under a revoked grant.
    a_rotation_does_not_look_at_the_grant: token_store::a_revoked_grant_is_gone_with_all_of_it,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let _ = store.shelf.insert_tokens(tokens).await?;
        store.insert_tokens(tokens).await
    }
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let _ = store.rotate_refresh_token(key, retirement, successors).await?;
        store.shelf.rotate_refresh_token(key, retirement, successors).await
    }

    /// Deletes a grant when it is revoked, and so knows no reason to refuse what comes late.
    a_revoked_grant_is_deleted: token_store::nothing_is_stored_under_a_revoked_grant,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        match store.insert_tokens(tokens).await? {
            Insertion::Conflict => store.shelf.insert_tokens(tokens).await,
            insertion => Ok(insertion),
        }
    }

    /// Overwrites the instant each time.
    the_last_instant_of_a_revocation_is_told: token_store::the_first_instant_of_a_revocation_stays,
    fn revoke_grant(store, id: &GrantId, at: Timestamp) -> () {
        store.put(id.as_bytes(), at.unix_millis());
        store.revoke_grant(id, at).await
    }
    fn list_grants(store, subject: &Subject, client: Option<&ClientId>, page: Page<GrantId>) -> Vec<GrantSummary> {
        let mut grants = store.list_grants(subject, client, page).await?;
        for summary in &mut grants {
            summary.revoked_at = store.number(summary.grant.id.as_bytes()).map(Timestamp::from_unix_millis);
        }
        Ok(grants)
    }

    /// Looks whether the grant is revoked, and stores the tokens then.
    an_insertion_outlives_a_revocation: token_store::a_revocation_among_insertions_leaves_nothing,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let revoked = store.is_marked(tokens.grant.id.as_bytes());
        turn().await;
        match store.insert_tokens(tokens).await? {
            Insertion::Conflict if !revoked => store.shelf.insert_tokens(tokens).await,
            insertion => Ok(insertion),
        }
    }
    fn revoke_grant(store, id: &GrantId, at: Timestamp) -> () {
        store.mark(id.as_bytes());
        store.revoke_grant(id, at).await
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        Ok(store.find_access_token(key).await?.or(store.shelf.find_access_token(key).await?))
    }
    fn find_refresh_token(store, key: &TokenKey) -> Option<FoundRefreshToken> {
        Ok(store.find_refresh_token(key).await?.or(store.shelf.find_refresh_token(key).await?))
    }

    /// Looks whether the token is there, and stores its successors then.
    a_rotation_outlives_a_revocation: token_store::a_revocation_among_rotations_leaves_nothing,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let known = store.find_refresh_token(key).await?.is_some();
        turn().await;
        let answer = store.rotate_refresh_token(key, retirement, successors).await?;
        if known && answer == Rotation::Unknown {
            let _ = store.shelf.insert_tokens(successors).await?;
            return Ok(Rotation::Rotated);
        }
        Ok(answer)
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        Ok(store.find_access_token(key).await?.or(store.shelf.find_access_token(key).await?))
    }
    fn find_refresh_token(store, key: &TokenKey) -> Option<FoundRefreshToken> {
        Ok(store.find_refresh_token(key).await?.or(store.shelf.find_refresh_token(key).await?))
    }

    /// Counts what was revoked already.
    revoked_grants_of_a_user_are_counted_again: token_store::a_user_is_revoked_with_all_grants,
    fn revoke_subject(store, subject: &Subject, at: Timestamp) -> u64 {
        store.revoke_subject(subject, at).await?;
        Ok(all(store, subject).await.len() as u64)
    }

    /// Finds the grants of a user by way of the clients.
    a_grant_without_a_client_is_left: token_store::a_user_is_revoked_with_all_grants,
    fn revoke_subject(store, subject: &Subject, at: Timestamp) -> u64 {
        let mut revoked = 0;
        for summary in all(store, subject).await {
            if summary.grant.client.is_some() && summary.revoked_at.is_none() {
                store.revoke_grant(&summary.grant.id, at).await?;
                revoked += 1;
            }
        }
        Ok(revoked)
    }

    /// Bars a user whose grants were revoked.
    a_user_who_was_revoked_stays_out: token_store::a_user_is_revoked_with_all_grants,
    fn revoke_subject(store, subject: &Subject, at: Timestamp) -> u64 {
        store.mark(subject.as_str().as_bytes());
        store.revoke_subject(subject, at).await
    }
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if tokens.grant.subject.as_ref().is_some_and(|subject| store.is_marked(subject.as_str().as_bytes())) {
            return Ok(Insertion::Conflict);
        }
        store.insert_tokens(tokens).await
    }

    /// Finds the grants of a client by way of the users.
    a_grant_without_a_user_is_left: token_store::revoking_a_client_ends_its_grants_only,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if tokens.grant.subject.is_some() {
            return store.insert_tokens(tokens).await;
        }
        let grant = Arc::new(Grant { client: None, ..Grant::clone(&tokens.grant) });
        store.insert_tokens(&IssuedTokens { grant, ..tokens.clone() }).await
    }

    /// Revokes the users of the client.
    a_client_takes_other_grants_along: token_store::revoking_a_client_ends_its_grants_only,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let client = tokens.grant.client.clone().map(|client| format!("{:.7}", client.as_str()).parse().unwrap());
        let grant = Arc::new(Grant { client, ..Grant::clone(&tokens.grant) });
        store.insert_tokens(&IssuedTokens { grant, ..tokens.clone() }).await
    }
    fn revoke_client(store, client: &ClientId, at: Timestamp) -> u64 {
        store.revoke_client(&format!("{:.7}", client.as_str()).parse().unwrap(), at).await
    }

    /// Revokes one page of grants.
    a_thousand_grants_are_revoked: token_store::revoking_many_grants_reaches_each_of_them,
    fn revoke_subject(store, subject: &Subject, at: Timestamp) -> u64 {
        let page = Page::first(NonZeroU32::new(1_000).unwrap());
        let grants = store.list_grants(subject, None, page).await?;
        for summary in &grants {
            store.revoke_grant(&summary.grant.id, at).await?;
        }
        Ok(grants.len() as u64)
    }

    /// Counts what is to be revoked, and revokes it then.
    concurrent_revocations_count_twice: token_store::concurrent_revocations_count_each_grant_once,
    fn revoke_subject(store, subject: &Subject, at: Timestamp) -> u64 {
        let due = all(store, subject).await.iter().filter(|summary| summary.revoked_at.is_none()).count();
        turn().await;
        store.revoke_subject(subject, at).await?;
        Ok(due as u64)
    }

    /// Reads the row of the grant, and writes all of it back.
    a_use_undoes_a_revocation: token_store::a_use_beside_a_revocation_does_not_undo_it,
    fn touch_grant(store, id: &GrantId, at: Timestamp) -> () {
        let revoked_at = store.number(id.as_bytes()).unwrap_or_default();
        turn().await;
        store.put(id.as_bytes(), revoked_at);
        store.touch_grant(id, at).await
    }
    fn revoke_grant(store, id: &GrantId, at: Timestamp) -> () {
        store.put(id.as_bytes(), at.unix_millis());
        store.revoke_grant(id, at).await
    }
    fn list_grants(store, subject: &Subject, client: Option<&ClientId>, page: Page<GrantId>) -> Vec<GrantSummary> {
        let mut grants = store.list_grants(subject, client, page).await?;
        for summary in &mut grants {
            let written = store.number(summary.grant.id.as_bytes()).filter(|at| *at != 0);
            summary.revoked_at = written.map(Timestamp::from_unix_millis);
        }
        Ok(grants)
    }

    /// Notes the revocation in one step, ends the tokens in another, and takes a grant that is noted for done.
    a_dropped_revocation_is_half_done: token_store::a_dropped_revocation_is_made_up_for_by_the_next,
    fn revoke_grant(store, id: &GrantId, at: Timestamp) -> () {
        if !store.mark(id.as_bytes()) {
            return Ok(());
        }
        turn().await;
        store.revoke_grant(id, at).await
    }

    /// Notes the user, ends the grants then, and takes a user who is noted for done.
    a_dropped_revocation_of_a_user_is_never_finished:
        token_store::a_dropped_revocation_of_a_user_is_finished_by_the_next,
    fn revoke_subject(store, subject: &Subject, at: Timestamp) -> u64 {
        if !store.mark(subject.as_str().as_bytes()) {
            return Ok(0);
        }
        turn().await;
        store.revoke_subject(subject, at).await
    }

    /// Notes the client, ends the grants then, and takes a client that is noted for done.
    a_dropped_revocation_of_a_client_is_never_finished:
        token_store::a_dropped_revocation_of_a_client_is_finished_by_the_next,
    fn revoke_client(store, client: &ClientId, at: Timestamp) -> u64 {
        if !store.mark(client.as_str().as_bytes()) {
            return Ok(0);
        }
        turn().await;
        store.revoke_client(client, at).await
    }

    /// Notes the latest use, remembers it then, and takes one that is noted for remembered.
    a_dropped_use_of_a_grant_is_taken_for_known: token_store::a_dropped_use_of_a_grant_happened_or_did_not,
    fn touch_grant(store, id: &GrantId, at: Timestamp) -> () {
        if store.number(id.as_bytes()).is_some_and(|known| known >= at.unix_millis()) {
            return Ok(());
        }
        store.put(id.as_bytes(), at.unix_millis());
        turn().await;
        store.touch_grant(id, at).await
    }

    /// Claims the identifier in one step, and stores the grant in another.
    a_dropped_grant_is_half_stored: token_store::a_dropped_insertion_of_a_grant_happened_or_did_not,
    fn insert_grant(store, grant: &Arc<Grant>, keep_until: Timestamp) -> Insertion {
        if !store.mark(grant.id.as_bytes()) {
            return Ok(Insertion::Conflict);
        }
        turn().await;
        store.insert_grant(grant, keep_until).await
    }
}
