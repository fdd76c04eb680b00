//! Defects of how tokens and grants are purged.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::client::ClientId;
use grantor::clock::Timestamp;
use grantor::grant::{AccessTokenRecord, Grant, IssuedTokens, RefreshTokenRecord};
use grantor::identifier::Subject;
use grantor::secret::{GrantId, TokenKey};
use grantor::store::{FoundAccessToken, FoundRefreshToken, GrantSummary, Insertion, Page, TokenStore as _};
use grantor::testkit::fixtures;

use super::harness::turn;

broken! {
    /// Hides what has expired by the clock of the database.
    the_expiry_of_an_access_token_is_judged: token_store::the_expiry_of_a_token_is_not_judged,
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        let lives = |token: &AccessTokenRecord| token.expires_at.is_none_or(|at| at > fixtures::from_now(0));
        Ok(store.find_access_token(key).await?.filter(|found| lives(&found.token)))
    }

    /// `expires_at <= ?`.
    tokens_are_purged_at_their_last_instant: token_store::purging_leaves_what_is_live,
    fn purge_tokens(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        store.purge_tokens(Timestamp::from_unix_millis(before.unix_millis().saturating_add(1)), limit).await
    }

    /// Stores as far in the future as its column reaches, and purges that in the end.
    what_never_expires_is_purged: token_store::purging_leaves_what_is_live,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let last = Some(Timestamp::from_unix_millis(i64::MAX - 1));
        let access = AccessTokenRecord { expires_at: tokens.access.expires_at.or(last), ..tokens.access.clone() };
        let refresh = tokens.refresh.clone().map(|refresh| RefreshTokenRecord {
            expires_at: refresh.expires_at.or(last),
            ..refresh
        });
        store.insert_tokens(&IssuedTokens { grant: Arc::clone(&tokens.grant), access, refresh }).await
    }

    /// Forgets at a purge which grants are revoked.
    revoked_grants_are_purged_at_once: token_store::purging_leaves_what_is_live,
    fn purge_tokens(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        store.put(b"purged", 1);
        store.purge_tokens(before, limit).await
    }
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        match store.insert_tokens(tokens).await? {
            Insertion::Conflict if store.number(b"purged").is_some() => store.shelf.insert_tokens(tokens).await,
            insertion => Ok(insertion),
        }
    }

    /// Takes a grant without tokens for one whose tokens are gone.
    a_grant_without_tokens_is_purged: token_store::purging_leaves_what_is_live,
    fn insert_grant(store, grant: &Arc<Grant>, _keep_until: Timestamp) -> Insertion {
        store.insert_grant(grant, grant.created_at).await
    }

    /// Purges all at once.
    a_purge_of_tokens_ignores_its_limit: token_store::purging_deletes_tokens_in_batches,
    fn purge_tokens(store, before: Timestamp, _limit: NonZeroU32) -> u32 {
        store.purge_tokens(before, NonZeroU32::MAX).await
    }

    /// Always tells that there may be more.
    a_purge_of_tokens_never_ends: token_store::purging_deletes_tokens_in_batches,
    fn purge_tokens(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        store.purge_tokens(before, limit).await?;
        Ok(limit.get())
    }

    /// Deletes a full batch, and tells of one row less.
    a_purge_of_tokens_counts_too_few: token_store::purging_deletes_tokens_in_batches,
    fn purge_tokens(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        Ok(store.purge_tokens(before, limit).await?.saturating_sub(1))
    }

    /// Purges tokens, and no grant that has none.
    grants_without_tokens_are_not_purged: token_store::purging_deletes_tokens_in_batches,
    fn insert_grant(store, grant: &Arc<Grant>, _keep_until: Timestamp) -> Insertion {
        store.insert_grant(grant, Timestamp::MAX).await
    }

    /// Purges nothing.
    tokens_are_not_purged: token_store::purging_deletes_tokens_in_batches,
    fn purge_tokens(_store, _before: Timestamp, _limit: NonZeroU32) -> u32 {
        Ok(0)
    }

    /// Forgets a grant at the instant that it was inserted with, although tokens came later.
    a_grant_goes_before_its_tokens: token_store::a_grant_goes_with_the_last_of_its_tokens,
    fn insert_grant(store, grant: &Arc<Grant>, keep_until: Timestamp) -> Insertion {
        store.put(grant.id.as_bytes(), keep_until.unix_millis());
        store.insert_grant(grant, keep_until).await
    }
    fn purge_tokens(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        for id in store.below(before.unix_millis()) {
            store.mark(&id);
        }
        store.purge_tokens(before, limit).await
    }
    fn list_grants(store, subject: &Subject, client: Option<&ClientId>, page: Page<GrantId>) -> Vec<GrantSummary> {
        let mut grants = store.list_grants(subject, client, page).await?;
        grants.retain(|summary| !store.is_marked(summary.grant.id.as_bytes()));
        Ok(grants)
    }

    /// Purges what expires, which a grant without end never does.
    a_revoked_grant_without_end_is_kept: token_store::a_grant_goes_with_the_last_of_its_tokens,
    fn revoke_grant(store, id: &GrantId, _at: Timestamp) -> () {
        store.revoke_grant(id, Timestamp::MAX).await
    }

    /// Counts the live ones.
    revoked_grants_do_not_count: token_store::a_client_has_grants_once_it_was_granted_something,
    fn revoke_grant(store, id: &GrantId, at: Timestamp) -> () {
        if let Some(client) = store.find_grant(id).await?.and_then(|found| found.grant.client.clone()) {
            store.mark(client.as_str().as_bytes());
        }
        store.revoke_grant(id, at).await
    }
    fn has_grants(store, client: &ClientId) -> bool {
        Ok(!store.is_marked(client.as_str().as_bytes()) && store.has_grants(client).await?)
    }

    /// `LIKE`.
    a_client_is_a_pattern: token_store::a_client_has_grants_once_it_was_granted_something,
    fn has_grants(store, client: &ClientId) -> bool {
        let plain = client.as_str().replace('%', "");
        store.has_grants(&if plain.is_empty() { client.clone() } else { plain.parse().unwrap() }).await
    }

    /// Counts upwards only.
    purged_grants_count: token_store::a_client_has_no_grants_once_they_are_purged,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if let Some(client) = &tokens.grant.client {
            store.mark(client.as_str().as_bytes());
        }
        store.insert_tokens(tokens).await
    }
    fn has_grants(store, client: &ClientId) -> bool {
        Ok(store.is_marked(client.as_str().as_bytes()))
    }

    /// Picks the grants that are due, and deletes them although they were renewed in the meantime.
    a_purge_takes_what_was_just_renewed: token_store::purging_beside_traffic_takes_nothing_live,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let expires_at = tokens.expires_at().map_or(i64::MAX, Timestamp::unix_millis);
        store.put(tokens.grant.id.as_bytes(), expires_at);
        store.insert_tokens(tokens).await
    }
    fn purge_tokens(store, before: Timestamp, _limit: NonZeroU32) -> u32 {
        let due = store.below(before.unix_millis());
        turn().await;
        for id in due {
            store.mark(&id);
        }
        Ok(0)
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        Ok(store.find_access_token(key).await?.filter(|_| !store.is_marked(key.grant.as_bytes())))
    }
    fn find_refresh_token(store, key: &TokenKey) -> Option<FoundRefreshToken> {
        Ok(store.find_refresh_token(key).await?.filter(|_| !store.is_marked(key.grant.as_bytes())))
    }
}
