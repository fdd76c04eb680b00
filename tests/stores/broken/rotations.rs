//! Defects of how refresh tokens are used.

use grantor::clock::Timestamp;
use grantor::error::StoreError;
use grantor::grant::{AccessTokenRecord, IssuedTokens, RefreshTokenRecord, RefreshTokenState, Retirement};
use grantor::secret::TokenKey;
use grantor::store::{FoundAccessToken, FoundRefreshToken, Insertion, Reuse, Rotation, TokenStore as _};
use grantor::testkit::fixtures;

use super::harness::{Parts, turn};

/// Whether the token can be used.
async fn is_active(store: &Parts, key: &TokenKey) -> bool {
    let found = store.find_refresh_token(key).await.unwrap();
    found.is_some_and(|found| found.token.state == RefreshTokenState::Active)
}

broken! {
    /// Tells of a retry, and does not count it.
    retries_are_not_counted: token_store::a_refresh_token_rotates_once,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        Ok(match store.rotate_refresh_token(key, retirement, successors).await? {
            Rotation::Retired { retirement, .. } => Rotation::Retired { retirement, retries: 1 },
            answer => answer,
        })
    }

    /// Stores the tokens of a retry.
    the_tokens_of_a_retry_are_stored: token_store::a_refresh_token_rotates_once,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let answer = store.rotate_refresh_token(key, retirement, successors).await?;
        if matches!(answer, Rotation::Retired { .. }) {
            let _ = store.insert_tokens(successors).await?;
        }
        Ok(answer)
    }

    /// Deletes a token when it is rotated.
    a_retired_token_is_unknown: token_store::a_refresh_token_rotates_once,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        Ok(match store.rotate_refresh_token(key, retirement, successors).await? {
            Rotation::Retired { .. } => Rotation::Unknown,
            answer => answer,
        })
    }

    /// Tells a retry how it would have retired the token itself.
    a_retry_is_told_its_own_retirement: token_store::a_refresh_token_rotates_once,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        Ok(match store.rotate_refresh_token(key, retirement, successors).await? {
            Rotation::Retired { retries, .. } => Rotation::Retired { retirement: retirement.clone(), retries },
            answer => answer,
        })
    }

    /// Looks whether the token is active, and retires it then.
    two_rotations_win: token_store::one_of_concurrent_rotations_wins,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        if !is_active(store, key).await {
            return store.rotate_refresh_token(key, retirement, successors).await;
        }
        turn().await;
        if store.rotate_refresh_token(key, retirement, successors).await? != Rotation::Rotated {
            let _ = store.insert_tokens(successors).await?;
        }
        Ok(Rotation::Rotated)
    }

    /// Reads the count of retries, and writes one more.
    a_count_of_retries_is_lost: token_store::one_of_concurrent_rotations_wins,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let answer = store.rotate_refresh_token(key, retirement, successors).await?;
        let Rotation::Retired { retirement, .. } = answer else { return Ok(answer) };
        let retries = store.number(key.hash.as_bytes()).unwrap_or_default() + 1;
        turn().await;
        store.put(key.hash.as_bytes(), retries);
        Ok(Rotation::Retired { retirement, retries: retries.try_into().unwrap() })
    }

    /// Keeps every nonce for good.
    a_nonce_is_kept: token_store::a_token_two_generations_old_yields_nothing,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let answer = store.rotate_refresh_token(key, retirement, successors).await?;
        if let (Rotation::Rotated, Some(found)) = (&answer, store.find_refresh_token(key).await?) {
            let access = fixtures::access_token(&found.grant);
            let _ = store.shelf.insert_tokens(&IssuedTokens { grant: found.grant, access, refresh: Some(found.token) }).await?;
        }
        Ok(answer)
    }
    fn find_refresh_token(store, key: &TokenKey) -> Option<FoundRefreshToken> {
        Ok(store.shelf.find_refresh_token(key).await?.or(store.find_refresh_token(key).await?))
    }

    /// Overwrites the nonce of the token that is used, instead of that before it.
    the_nonce_of_the_wrong_token_is_forgotten: token_store::a_token_two_generations_old_yields_nothing,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let retirement = Retirement { nonce: [0; 16], ..retirement.clone() };
        store.rotate_refresh_token(key, &retirement, successors).await
    }

    /// Retires the token before it finds that a key is taken, and does not take that back.
    a_failed_rotation_retires_the_token: token_store::a_rotation_with_a_stored_key_changes_nothing,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let answer = store.rotate_refresh_token(key, retirement, successors).await;
        if answer.is_err() {
            let _ = store.rotate_refresh_token(key, retirement, &fixtures::issued(&successors.grant)).await?;
        }
        answer
    }

    /// `ON CONFLICT DO NOTHING` for the successors.
    a_rotation_takes_what_is_there_for_its_own: token_store::a_rotation_with_a_stored_key_changes_nothing,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        match store.rotate_refresh_token(key, retirement, successors).await {
            Err(_) => store.rotate_refresh_token(key, retirement, &fixtures::issued(&successors.grant)).await,
            answer => answer,
        }
    }

    /// Rotates whatever it is told to, as long as the grant is there.
    a_stranger_is_rotated: token_store::an_unknown_refresh_token_is_not_used,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        let answer = store.rotate_refresh_token(key, retirement, successors).await?;
        if answer == Rotation::Unknown && store.insert_tokens(successors).await? == Insertion::Inserted {
            return Ok(Rotation::Rotated);
        }
        Ok(answer)
    }

    /// Stores an access token without a look at the refresh token.
    a_stranger_is_reused: token_store::an_unknown_refresh_token_is_not_used,
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        let _ = store.reuse_refresh_token(key, expires_at, access).await?;
        Ok(Reuse::Accepted)
    }

    /// Leaves the expiry of the refresh token where it is.
    a_reuse_does_not_move_the_expiry: token_store::a_reuse_stores_one_more_access_token,
    fn reuse_refresh_token(store, key: &TokenKey, _expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        let found = store.find_refresh_token(key).await?;
        let expires_at = found.and_then(|found| found.token.expires_at);
        store.reuse_refresh_token(key, expires_at, access).await
    }

    /// `max(expires_at, ?)`.
    a_reuse_only_raises_the_expiry: token_store::a_reuse_stores_one_more_access_token,
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        let found = store.find_refresh_token(key).await?;
        let latest = found.and_then(|found| found.token.expires_at).max(expires_at);
        store.reuse_refresh_token(key, expires_at.and(latest), access).await
    }

    /// Puts the new access token in the place of the old one.
    a_reuse_replaces_the_access_token: token_store::a_reuse_stores_one_more_access_token,
    fn insert_tokens(store, tokens: &IssuedTokens) -> Insertion {
        store.mark(tokens.access.key.hash.as_bytes());
        store.insert_tokens(tokens).await
    }
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        store.put(key.grant.as_bytes(), 1);
        store.reuse_refresh_token(key, expires_at, access).await
    }
    fn find_access_token(store, key: &TokenKey) -> Option<FoundAccessToken> {
        let replaced = store.number(key.grant.as_bytes()).is_some() && store.is_marked(key.hash.as_bytes());
        Ok(store.find_access_token(key).await?.filter(|_| !replaced))
    }

    /// Overwrites the access token of a reuse that was not waited for.
    concurrent_reuses_share_an_access_token: token_store::concurrent_reuses_all_yield_an_access_token,
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        let busy = !store.mark(key.hash.as_bytes());
        turn().await;
        if busy { Ok(Reuse::Accepted) } else { store.reuse_refresh_token(key, expires_at, access).await }
    }

    /// Looks whether the token is active, and stores an access token then.
    a_reuse_comes_after_a_rotation: token_store::a_rotation_among_reuses_is_done_once,
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        if !is_active(store, key).await {
            return Ok(Reuse::Unknown);
        }
        turn().await;
        let _ = store.reuse_refresh_token(key, expires_at, access).await?;
        Ok(Reuse::Accepted)
    }

    /// Renews what is retired.
    a_retired_token_is_reused: token_store::what_is_not_active_is_not_reused,
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        let answer = store.reuse_refresh_token(key, expires_at, access).await?;
        let known = store.find_refresh_token(key).await?.is_some();
        Ok(if known { Reuse::Accepted } else { answer })
    }

    /// Moves the expiry before it finds that the key is taken.
    a_failed_reuse_moves_the_expiry: token_store::a_reuse_with_a_stored_key_changes_nothing,
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        let answer = store.reuse_refresh_token(key, expires_at, access).await;
        if answer.is_err() {
            let fresh = TokenKey { hash: grantor::secret::TokenHash::from_bytes([9; 32]), ..access.key };
            let _ = store.reuse_refresh_token(key, expires_at, &AccessTokenRecord { key: fresh, ..access.clone() }).await?;
        }
        answer
    }

    /// `ON CONFLICT DO NOTHING` for the access token.
    a_reuse_takes_what_is_there_for_its_own: token_store::a_reuse_with_a_stored_key_changes_nothing,
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        store.reuse_refresh_token(key, expires_at, access).await.or(Ok(Reuse::Accepted))
    }

    /// Moves the expiry in one step, and stores the access token in another.
    a_dropped_reuse_is_half_done: token_store::a_dropped_reuse_happened_or_did_not,
    fn reuse_refresh_token(store, key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse {
        if !store.mark(access.key.hash.as_bytes()) {
            return Err(StoreError::failed("a token with this key is stored already"));
        }
        turn().await;
        store.reuse_refresh_token(key, expires_at, access).await
    }

    /// Claims the token in one step, and stores its successors in another.
    a_dropped_rotation_is_half_done: token_store::a_dropped_rotation_happened_or_did_not,
    fn rotate_refresh_token(store, key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation {
        if !store.mark(key.hash.as_bytes()) {
            return Ok(Rotation::Retired { retirement: retirement.clone(), retries: 1 });
        }
        turn().await;
        store.rotate_refresh_token(key, retirement, successors).await
    }

    /// Refuses a refresh token that has expired by the clock of the database.
    the_expiry_of_a_refresh_token_is_judged: token_store::the_expiry_of_a_token_is_not_judged,
    fn find_refresh_token(store, key: &TokenKey) -> Option<FoundRefreshToken> {
        let lives = |token: &RefreshTokenRecord| token.expires_at.is_none_or(|at| at > fixtures::from_now(0));
        Ok(store.find_refresh_token(key).await?.filter(|found| lives(&found.token)))
    }
}
