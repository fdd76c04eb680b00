//! Defects of how tokens and grants are stored.

use std::sync::Arc;

use grantor::clock::Timestamp;
use grantor::grant::{AccessTokenRecord, Grant, IssuedTokens, RefreshTokenRecord, RefreshTokenState, Retirement};
use grantor::identifier::{Extra, Subject};
use grantor::resource::Resources;
use grantor::scope::Scope;
use grantor::secret::{GrantId, TokenKey};
use grantor::store::{FoundAccessToken, FoundRefreshToken, GrantSummary, Insertion, Page, TokenStore as _};
use grantor::testkit::fixtures;

use super::harness::turn;

/// These tokens under this grant.
fn of(tokens: &IssuedTokens, grant: Grant) -> IssuedTokens {
    IssuedTokens { grant: Arc::new(grant), ..tokens.clone() }
}

/// These tokens, of which a retired one was retired otherwise.
fn retired(tokens: &IssuedTokens, change: impl Fn(&mut Retirement)) -> IssuedTokens {
    let mut tokens = tokens.clone();
    if let Some(RefreshTokenRecord { state: RefreshTokenState::Retired(retirement), .. }) = &mut tokens.refresh {
        change(retirement);
    }
    tokens
}

/// The same resources, each with the path that its URI has if it has none.
fn respelled(resources: &Resources) -> Resources {
    let respelled = |text: &str| if text.matches('/').count() == 2 { format!("{text}/") } else { text.to_owned() };
    resources.iter().map(|resource| respelled(resource.as_str()).parse().unwrap()).collect()
}

broken! {
    /// Has no column for it.
    what_the_host_keeps_with_a_grant_is_lost: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        store.insert_tokens(&of(tokens, Grant { extra: Extra::default(), ..Grant::clone(&tokens.grant) })).await
    }

    /// Has no column for it.
    the_name_of_a_grant_is_lost: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        store.insert_tokens(&of(tokens, Grant { name: None, ..Grant::clone(&tokens.grant) })).await
    }

    /// Has no column for it.
    the_tenant_of_a_grant_is_lost: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        store.insert_tokens(&of(tokens, Grant { tenant: None, ..Grant::clone(&tokens.grant) })).await
    }

    /// Keeps instants in seconds.
    instants_of_a_token_are_rounded: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let issued_at = Timestamp::from_unix_millis(tokens.access.issued_at.unix_millis() / 1_000 * 1_000);
        let access = AccessTokenRecord { issued_at, ..tokens.access.clone() };
        store.insert_tokens(&IssuedTokens { access, ..tokens.clone() }).await
    }

    /// Spells resources anew.
    a_resource_is_spelled_otherwise: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let resource = respelled(&tokens.grant.resource);
        assert_eq!(resource, tokens.grant.resource, "they count as equal");
        store.insert_tokens(&of(tokens, Grant { resource, ..Grant::clone(&tokens.grant) })).await
    }

    /// Takes every access token to allow what its grant does.
    the_scope_of_a_token_is_lost: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let access = AccessTokenRecord { scope: tokens.grant.scope.clone(), ..tokens.access.clone() };
        store.insert_tokens(&IssuedTokens { access, ..tokens.clone() }).await
    }

    /// Stores every refresh token as an active one.
    a_retirement_is_not_stored: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let active = |refresh| RefreshTokenRecord { state: RefreshTokenState::Active, ..refresh };
        store.insert_tokens(&IssuedTokens { refresh: tokens.refresh.clone().map(active), ..tokens.clone() }).await
    }

    /// Keeps of a retirement when it was, and forgets what the answer allowed.
    the_scope_of_a_retirement_is_lost: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        store.insert_tokens(&retired(tokens, |retirement| retirement.scope = Scope::empty())).await
    }

    /// Takes what never expires for what expired long ago.
    never_is_stored_as_zero: token_store::every_field_of_a_grant_and_its_tokens_comes_back,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let expires_at = tokens.access.expires_at.or(Some(Timestamp::from_unix_millis(0)));
        let access = AccessTokenRecord { expires_at, ..tokens.access.clone() };
        store.insert_tokens(&IssuedTokens { access, ..tokens.clone() }).await
    }

    /// Keeps both kinds in one table, and does not look which it is.
    a_refresh_token_is_found_as_an_access_token: token_store::an_unknown_token_is_absent,
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        let refresh = store.find_refresh_token(key).await?;
        let found = refresh.map(|FoundRefreshToken { grant, .. }| FoundAccessToken {
            token: AccessTokenRecord { key: *key, ..fixtures::access_token(&grant) },
            grant,
        });
        Ok(found.or(store.find_access_token(key).await?))
    }

    /// Knows a token by its hash, whatever grant the key names.
    a_token_is_known_by_its_hash: token_store::an_unknown_token_is_absent,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let id = GrantId::from_bytes([0; 16]);
        let mut anywhere = of(tokens, Grant { id, ..Grant::clone(&tokens.grant) });
        anywhere.access.key.grant = id;
        anywhere.refresh = None;
        let _ = store.shelf.insert_tokens(&anywhere).await?;
        store.insert_tokens(tokens).await
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        store.shelf.find_access_token(&TokenKey { grant: GrantId::from_bytes([0; 16]), ..*key }).await
    }

    /// Wants a hash to be unlike all others, whatever grant it is under.
    a_hash_is_taken_by_another_grant: token_store::equal_hashes_under_two_grants_are_two_tokens,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if !store.mark(tokens.access.key.hash.as_bytes()) {
            return Ok(Insertion::Conflict);
        }
        store.insert_tokens(tokens).await
    }

    /// `ON CONFLICT DO NOTHING`, and done.
    a_second_grant_is_accepted: token_store::a_second_grant_with_an_id_conflicts,
    fn insert_grant(store, grant: &Arc<Grant>, keep_until: Timestamp) -> Insertion {
        let _ = store.insert_grant(grant, keep_until).await?;
        Ok(Insertion::Inserted)
    }

    /// `ON CONFLICT DO UPDATE SET expires_at`.
    a_second_grant_prolongs_the_first: token_store::a_second_grant_with_an_id_conflicts,
    fn insert_grant(store, grant: &Arc<Grant>, keep_until: Timestamp) -> Insertion {
        let insertion = store.insert_grant(grant, keep_until).await?;
        if insertion == Insertion::Conflict {
            let access = AccessTokenRecord { expires_at: Some(keep_until), ..fixtures::access_token(grant) };
            let grant = Arc::clone(grant);
            let _ = store.insert_tokens(&IssuedTokens { grant, access, refresh: None }).await?;
        }
        Ok(insertion)
    }

    /// Looks whether the grant is there, and stores it then.
    two_grants_are_stored: token_store::one_of_concurrent_grants_with_an_id_is_stored,
    fn insert_grant(store, grant: &Arc<Grant>, keep_until: Timestamp) -> Insertion {
        if store.is_marked(grant.id.as_bytes()) {
            return Ok(Insertion::Conflict);
        }
        turn().await;
        store.mark(grant.id.as_bytes());
        let _ = store.insert_grant(grant, keep_until).await?;
        Ok(Insertion::Inserted)
    }

    /// Takes a grant that is there for a conflict.
    a_grant_gets_tokens_once: token_store::tokens_are_added_to_a_grant_that_is_there,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if store.insert_grant(&tokens.grant, tokens.access.issued_at).await? == Insertion::Conflict {
            return Ok(Insertion::Conflict);
        }
        store.insert_tokens(tokens).await
    }

    /// Keeps with each token the grant that came with it.
    a_grant_is_what_was_said_last: token_store::tokens_are_added_to_a_grant_that_is_there,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if !store.mark(tokens.grant.id.as_bytes()) {
            let _ = store.shelf.insert_tokens(tokens).await?;
        }
        store.insert_tokens(tokens).await
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        Ok(store.shelf.find_access_token(key).await?.or(store.find_access_token(key).await?))
    }

    /// Stores each token that it can.
    tokens_are_half_stored: token_store::tokens_with_a_stored_key_are_refused_whole,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let insertion = store.insert_tokens(tokens).await?;
        if insertion == Insertion::Conflict {
            let access = fixtures::access_token(&tokens.grant);
            let _ = store.insert_tokens(&IssuedTokens { access, ..tokens.clone() }).await?;
        }
        Ok(insertion)
    }

    /// Stores the access token before it finds that the key of the refresh token is taken.
    an_access_token_is_left_behind: token_store::tokens_with_a_stored_key_are_refused_whole,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let insertion = store.insert_tokens(tokens).await?;
        if insertion == Insertion::Conflict {
            let _ = store.insert_tokens(&IssuedTokens { refresh: None, ..tokens.clone() }).await?;
        }
        Ok(insertion)
    }

    /// Prolongs the grant before it finds that a key is taken.
    refused_tokens_prolong_the_grant: token_store::tokens_with_a_stored_key_are_refused_whole,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let insertion = store.insert_tokens(tokens).await?;
        if insertion == Insertion::Conflict {
            let access = AccessTokenRecord { key: fixtures::key(&tokens.grant), ..tokens.access.clone() };
            let _ = store.insert_tokens(&IssuedTokens { access, refresh: None, ..tokens.clone() }).await?;
        }
        Ok(insertion)
    }

    /// Looks whether the keys are free, and stores the tokens then.
    two_insertions_with_one_key_win: token_store::one_of_concurrent_insertions_with_one_key_is_stored,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        if store.find_access_token(&tokens.access.key).await?.is_some() {
            return Ok(Insertion::Conflict);
        }
        turn().await;
        let _ = store.insert_tokens(tokens).await?;
        Ok(Insertion::Inserted)
    }

    /// Keeps the refresh token of those who come too late.
    the_loser_of_a_key_is_half_stored: token_store::one_of_concurrent_insertions_with_one_key_is_stored,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let insertion = store.insert_tokens(tokens).await?;
        if insertion == Insertion::Conflict {
            let access = fixtures::access_token(&tokens.grant);
            let _ = store.insert_tokens(&IssuedTokens { access, ..tokens.clone() }).await?;
        }
        Ok(insertion)
    }

    /// Stores the access token in one step, and the refresh token in another.
    dropped_tokens_are_half_stored: token_store::a_dropped_insertion_of_tokens_happened_or_did_not,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let insertion = store.insert_tokens(&IssuedTokens { refresh: None, ..tokens.clone() }).await?;
        turn().await;
        if insertion == Insertion::Inserted {
            let access = fixtures::access_token(&tokens.grant);
            return store.insert_tokens(&IssuedTokens { access, ..tokens.clone() }).await;
        }
        Ok(insertion)
    }

    /// Keeps the grant until the last thing that was stored under it expires.
    the_expiry_of_a_grant_falls: token_store::a_grants_expiry_only_rises,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let expires_at = tokens.expires_at().map_or(i64::MAX, Timestamp::unix_millis);
        store.put(tokens.grant.id.as_bytes(), expires_at);
        store.insert_tokens(tokens).await
    }
    fn list_grants(
        store,
        subject: &Subject,
        client: Option<&grantor::client::ClientId>,
        page: Page<GrantId>
    ) -> Vec<GrantSummary> {
        let mut grants = store.list_grants(subject, client, page).await?;
        for summary in &mut grants {
            let expires_at = store.number(summary.grant.id.as_bytes()).filter(|at| *at != i64::MAX);
            summary.expires_at = expires_at.map(Timestamp::from_unix_millis);
        }
        Ok(grants)
    }

    /// `max(expires_at, NULL)`, which is no maximum.
    what_never_expires_does_not_count: token_store::a_grants_expiry_only_rises,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let expires_at = tokens.access.expires_at.or(Some(tokens.access.issued_at));
        let access = AccessTokenRecord { expires_at, ..tokens.access.clone() };
        store.insert_tokens(&IssuedTokens { access, ..tokens.clone() }).await
    }

    /// Keeps the grant for as long as its refresh token, since an access token does not live longer.
    the_expiry_of_an_access_token_does_not_count: token_store::a_grants_expiry_only_rises,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        let access = match &tokens.refresh {
            Some(refresh) => AccessTokenRecord { expires_at: refresh.expires_at, ..tokens.access.clone() },
            None => tokens.access.clone(),
        };
        store.insert_tokens(&IssuedTokens { access, ..tokens.clone() }).await
    }
}
