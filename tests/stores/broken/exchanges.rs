//! Defects of stores that keep codes and tokens together.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::clock::Timestamp;
use grantor::error::StoreError;
use grantor::grant::{CodeRecord, Grant, IssuedTokens, Retirement};
use grantor::identifier::{Subject, Tenant};
use grantor::secret::{GrantId, TokenKey};
use grantor::store::{
    CodeStore as _, FoundAccessToken, FoundRefreshToken, GrantStore as _, GrantSummary, Insertion, Page, Redemption,
    Rotation, TokenStore as _,
};
use grantor::testkit::fixtures::{self, from_now};

use super::harness::turn;

broken! {
    /// Keeps codes in a table of their own, and lists the grant once it has tokens.
    the_grant_of_a_code_is_not_listed: grant_store::a_code_is_stored_with_its_grant,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        store.mark(code.key.grant.as_bytes());
        store.insert_code(code).await
    }
    fn list_grants(
        store,
        subject: &Subject,
        client: Option<&grantor::client::ClientId>,
        page: Page<GrantId>
    ) -> Vec<GrantSummary> {
        let mut grants = store.list_grants(subject, client, page).await?;
        grants.retain(|summary| !store.is_marked(summary.grant.id.as_bytes()));
        Ok(grants)
    }

    /// `ON CONFLICT DO NOTHING` for the grant, whatever is there.
    a_code_joins_a_grant_that_is_there: grant_store::a_code_is_stored_with_its_grant,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let insertion = store.insert_code(code).await?;
        if insertion == Insertion::Conflict {
            return store.shelf.insert_code(code).await;
        }
        Ok(insertion)
    }

    /// Lets a grant be granted anew while its code waits.
    a_grant_joins_a_code_that_is_there: grant_store::a_code_is_stored_with_its_grant,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        store.mark(code.key.grant.as_bytes());
        store.insert_code(code).await
    }
    fn insert_grant(store, grant: &Arc<Grant>, keep_until: Timestamp) -> Insertion {
        let insertion = store.insert_grant(grant, keep_until).await?;
        Ok(if store.is_marked(grant.id.as_bytes()) { Insertion::Inserted } else { insertion })
    }

    /// Finds codes without a look at their grants.
    a_code_outlives_its_grant: grant_store::a_code_of_a_revoked_grant_is_gone,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let _ = store.shelf.insert_code(code).await?;
        store.insert_code(code).await
    }
    fn find_code(store, key: &TokenKey) -> Option<CodeRecord> {
        store.shelf.find_code(key).await
    }

    /// Ends the tokens of a tenant, and not its codes.
    a_code_outlives_its_tenant: grant_store::a_code_of_a_revoked_grant_is_gone,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let _ = store.shelf.insert_code(code).await?;
        store.insert_code(code).await
    }
    fn revoke_tenant(store, tenant: &Tenant, at: Timestamp) -> u64 {
        store.mark(b"tenant");
        store.revoke_tenant(tenant, at).await
    }
    fn find_code(store, key: &TokenKey) -> Option<CodeRecord> {
        if store.is_marked(b"tenant") { store.shelf.find_code(key).await } else { store.find_code(key).await }
    }

    /// Redeems codes without a look at their grants.
    a_code_of_a_revoked_grant_is_redeemed: grant_store::a_code_of_a_revoked_grant_is_gone,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let _ = store.shelf.insert_code(code).await?;
        store.insert_code(code).await
    }
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        store.shelf.redeem_code(key, at, keep_until).await
    }

    /// Tells a replay of a code whose grant is revoked.
    a_code_of_a_revoked_grant_is_replayed: grant_store::a_code_of_a_revoked_grant_is_gone,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        match store.exchange_code(code, tokens).await? {
            Redemption::Unknown if store.is_marked(code.hash.as_bytes()) => Ok(Redemption::Replayed),
            redemption => {
                store.mark(code.hash.as_bytes());
                Ok(redemption)
            }
        }
    }

    /// Spends the code in one step, and stores the tokens in another.
    an_exchange_is_half_done: grant_store::a_dropped_exchange_happened_or_did_not,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let redemption = store.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await?;
        if redemption == Redemption::First {
            turn().await;
            let _ = store.insert_tokens(tokens).await?;
        }
        Ok(redemption)
    }

    /// Stores the tokens in one step, and spends the code in another, as two stores that are joined must.
    an_exchange_begins_with_the_tokens: grant_store::a_dropped_exchange_happened_or_did_not,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let _ = store.insert_tokens(tokens).await?;
        turn().await;
        store.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await
    }

    /// Asks whether the grant is revoked before it waits for the tokens to be stored.
    tokens_of_an_exchange_outlive_a_revocation: grant_store::a_revocation_among_exchanges_leaves_nothing,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let redemption = store.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await?;
        if redemption == Redemption::First {
            turn().await;
            if store.insert_tokens(tokens).await? == Insertion::Conflict {
                let _ = store.shelf.insert_tokens(tokens).await?;
            }
        }
        Ok(redemption)
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        Ok(store.find_access_token(key).await?.or(store.shelf.find_access_token(key).await?))
    }
    fn find_refresh_token(store, key: &TokenKey) -> Option<FoundRefreshToken> {
        Ok(store.find_refresh_token(key).await?.or(store.shelf.find_refresh_token(key).await?))
    }

    /// Stores the tokens, and leaves the code as it is.
    an_exchange_spends_nothing: grant_store::an_exchange_redeems_the_code_and_stores_the_tokens,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let redemption = match store.find_code(code).await? {
            None => Redemption::Unknown,
            Some(_) => Redemption::First,
        };
        let _ = store.insert_tokens(tokens).await?;
        Ok(redemption)
    }

    /// Stamps the code with the clock of the database.
    an_exchange_reads_a_clock: grant_store::an_exchange_redeems_the_code_and_stores_the_tokens,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let redemption = store.redeem_code(code, from_now(1), tokens.expires_at()).await?;
        if redemption == Redemption::First {
            let _ = store.insert_tokens(tokens).await?;
        }
        Ok(redemption)
    }

    /// Keeps the tokens of those who come too late.
    the_tokens_of_a_replay_are_stored: grant_store::an_exchange_redeems_the_code_and_stores_the_tokens,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let redemption = store.exchange_code(code, tokens).await?;
        if redemption == Redemption::Replayed {
            let _ = store.insert_tokens(tokens).await?;
        }
        Ok(redemption)
    }

    /// Purges an exchanged code with its own expiry, however long the tokens live.
    an_exchanged_code_is_purged_before_its_tokens: grant_store::an_exchange_redeems_the_code_and_stores_the_tokens,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        store.put(code.key.hash.as_bytes(), code.expires_at.unix_millis());
        store.insert_code(code).await
    }
    fn purge_codes(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        for hash in store.below(before.unix_millis()) {
            store.mark(&hash);
        }
        store.purge_codes(before, limit).await
    }
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        if store.is_marked(code.hash.as_bytes()) {
            return Ok(Redemption::Unknown);
        }
        store.exchange_code(code, tokens).await
    }

    /// Forgets a grant with its code, although tokens are left.
    a_purged_code_frees_its_grant: grant_store::a_grant_that_lives_gets_no_second_code,
    fn insert_code(store, code: &CodeRecord) -> Insertion {
        let insertion = store.insert_code(code).await?;
        store.put(code.key.grant.as_bytes(), code.expires_at.unix_millis());
        Ok(if store.is_marked(code.key.grant.as_bytes()) { Insertion::Inserted } else { insertion })
    }
    fn purge_codes(store, before: Timestamp, limit: NonZeroU32) -> u32 {
        for grant in store.below(before.unix_millis()) {
            store.mark(&grant);
        }
        store.purge_codes(before, limit).await
    }

    /// Spends the code before it finds that a key is taken, and does not take that back.
    a_failed_exchange_spends_the_code: grant_store::an_exchange_with_a_stored_key_changes_nothing,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let redemption = store.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await?;
        if redemption == Redemption::First && store.insert_tokens(tokens).await? == Insertion::Conflict {
            return Err(StoreError::failed("a token with this key is stored already"));
        }
        Ok(redemption)
    }

    /// `ON CONFLICT DO NOTHING` for the tokens.
    an_exchange_takes_what_is_there_for_its_own: grant_store::an_exchange_with_a_stored_key_changes_nothing,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        match store.exchange_code(code, tokens).await {
            Err(_) => store.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await,
            answer => answer,
        }
    }

    /// Reads how often a token was sent again, and writes one more.
    a_retry_is_not_counted_in_the_same_step: grant_store::concurrent_steps_are_linearizable,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let answer = store.rotate_refresh_token(key, retirement, successors).await?;
        let Rotation::Retired { retirement, .. } = answer else { return Ok(answer) };
        let retries = store.number(key.hash.as_bytes()).unwrap_or_default() + 1;
        turn().await;
        store.put(key.hash.as_bytes(), retries);
        Ok(Rotation::Retired { retirement, retries: retries.try_into().unwrap() })
    }

    /// Answers before the revocation has reached all that reads.
    a_read_lags_behind_a_revocation: grant_store::concurrent_steps_are_linearizable,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let _ = store.shelf.insert_tokens(tokens).await?;
        store.insert_tokens(tokens).await
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        let found = store.shelf.find_access_token(key).await?;
        if store.is_marked(key.grant.as_bytes()) {
            store.shelf.revoke_grant(&key.grant, from_now(0)).await?;
        }
        Ok(found)
    }
    fn revoke_grant(store, id: &GrantId, at: Timestamp) -> () {
        store.mark(id.as_bytes());
        store.revoke_grant(id, at).await
    }

    /// Excludes exchanges among themselves only.
    an_exchange_and_a_redemption_win: grant_store::one_of_concurrent_exchanges_and_redemptions_wins,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let fresh = store.find_code(code).await?.is_some_and(|code| code.redeemed_at.is_none());
        turn().await;
        if !fresh || !store.mark(code.hash.as_bytes()) {
            return Ok(Redemption::Replayed);
        }
        let _ = store.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await?;
        let _ = store.insert_tokens(tokens).await?;
        Ok(Redemption::First)
    }

    /// Looks whether the code is fresh, and spends it then.
    two_exchanges_win: grant_store::one_of_concurrent_exchanges_wins,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let fresh = store.find_code(code).await?.is_some_and(|code| code.redeemed_at.is_none());
        turn().await;
        if !fresh {
            return Ok(Redemption::Replayed);
        }
        let _ = store.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await?;
        let _ = store.insert_tokens(tokens).await?;
        Ok(Redemption::First)
    }

    /// Stores the tokens of everybody, and tells only one.
    the_tokens_of_losers_are_stored: grant_store::one_of_concurrent_exchanges_wins,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let _ = store.insert_tokens(tokens).await?;
        store.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await
    }

    /// Takes a redemption that is kept for as long as its grant for one that changes nothing about that.
    a_grant_is_forgotten_before_its_code: grant_store::random_steps_agree_with_the_model,
    fn redeem_code(store, key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption {
        store.redeem_code(key, at, keep_until.or(Some(at))).await
    }

    /// Looks for keys that are taken before it looks for the code.
    a_taken_key_comes_before_an_unknown_code: grant_store::random_steps_agree_with_the_model,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        if store.find_access_token(&tokens.access.key).await?.is_some() {
            return Err(StoreError::failed("a token with this key is stored already"));
        }
        store.exchange_code(code, tokens).await
    }

    /// Gives tokens for a code that was redeemed by itself.
    a_redeemed_code_buys_tokens: grant_store::what_is_no_fresh_code_buys_nothing,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let mut redemption = store.exchange_code(code, tokens).await?;
        if redemption == Redemption::Replayed && store.mark(code.hash.as_bytes()) {
            let _ = store.insert_tokens(tokens).await?;
            redemption = Redemption::First;
        }
        Ok(redemption)
    }

    /// Gives tokens for whatever key, as long as it names a grant that is there.
    a_stranger_buys_tokens: grant_store::what_is_no_fresh_code_buys_nothing,
    fn exchange_code(store, code: &TokenKey, tokens: &IssuedTokens) -> Redemption {
        let redemption = store.exchange_code(code, tokens).await?;
        if redemption == Redemption::Unknown {
            let _ = store.insert_tokens(&fixtures::issued(&tokens.grant)).await?;
            return Ok(Redemption::First);
        }
        Ok(redemption)
    }
}
