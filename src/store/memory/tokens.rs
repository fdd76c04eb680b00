//! What a shard does with tokens.

use std::sync::Arc;

use super::index::Index;
use super::limits::Quota;
use super::shard::{Kind, NEVER, NewTokens, Retired, Shard, Tokens};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, IssuedTokens, RefreshTokenRecord, RefreshTokenState, Retirement};
use crate::secret::TokenKey;
use crate::store::{FoundAccessToken, FoundRefreshToken, Insertion, Reuse, Rotation};

impl Shard {
    pub(super) fn insert_tokens(
        &mut self,
        tokens: &IssuedTokens,
        quota: &Quota,
        index: &Index,
    ) -> Result<Insertion, StoreError> {
        let new = NewTokens::from(tokens);
        let stored = self.grants.get(&tokens.grant.id);
        if stored.is_some_and(|stored| stored.revoked_at.is_some()) || self.tokens.have_any_of(&new) {
            return Ok(Insertion::Conflict);
        }
        quota.admit_tokens(stored.map_or(0, |stored| stored.tokens.len()), new.count())?;
        // A grant that is there already is what this is for as well.
        let inserted = self.insert_grant(&tokens.grant, tokens.expires_at(), None, quota, index);
        let _ = inserted.inspect_err(|_| quota.release_tokens(new.count()))?;
        if let Some(stored) = self.grants.get_mut(&tokens.grant.id) {
            stored.keep_until(tokens.expires_at());
            self.tokens.store(&new, stored, &mut self.agenda);
        }
        Ok(Insertion::Inserted)
    }

    pub(super) fn find_access_token(&self, key: &TokenKey) -> Option<FoundAccessToken> {
        let stored = self.tokens.access.get(key)?;
        let token = AccessTokenRecord {
            key: *key,
            scope: stored.scope.clone(),
            resource: stored.resource.clone(),
            issued_at: stored.issued_at,
            expires_at: stored.expires_at,
        };
        Some(FoundAccessToken { token, grant: Arc::clone(&stored.grant) })
    }

    pub(super) fn find_refresh_token(&self, key: &TokenKey) -> Option<FoundRefreshToken> {
        let stored = self.tokens.refresh.get(key)?;
        let state = match &stored.retired {
            Some(retired) => RefreshTokenState::Retired(retired.retirement.clone()),
            None => RefreshTokenState::Active,
        };
        let token = RefreshTokenRecord { key: *key, issued_at: stored.issued_at, expires_at: stored.expires_at, state };
        Some(FoundRefreshToken { token, grant: Arc::clone(&self.grants.get(&key.grant)?.grant) })
    }

    pub(super) fn rotate_refresh_token(
        &mut self,
        key: &TokenKey,
        retirement: &Retirement,
        successors: &IssuedTokens,
        quota: &Quota,
    ) -> Result<Rotation, StoreError> {
        let Some(token) = self.tokens.refresh.get_mut(key) else {
            return Ok(Rotation::Unknown);
        };
        if let Some(retired) = &mut token.retired {
            retired.retries = retired.retries.saturating_add(1);
            return Ok(Rotation::Retired { retirement: retired.retirement.clone(), retries: retired.retries });
        }
        let Some(stored) = self.grants.get_mut(&key.grant) else {
            return Ok(Rotation::Unknown);
        };
        let new = NewTokens { replaced: Some(key.hash), ..NewTokens::from(successors) };
        self.tokens.admit(&new, stored.tokens.len(), quota)?;
        self.tokens.retire(key, retirement);
        stored.keep_until(successors.expires_at());
        self.tokens.store(&new, stored, &mut self.agenda);
        Ok(Rotation::Rotated)
    }

    pub(super) fn reuse_refresh_token(
        &mut self,
        key: &TokenKey,
        expires_at: Option<Timestamp>,
        access: &AccessTokenRecord,
        quota: &Quota,
    ) -> Result<Reuse, StoreError> {
        let Some(stored) = self.grants.get_mut(&key.grant) else {
            return Ok(Reuse::Unknown);
        };
        if self.tokens.refresh.get(key).is_none_or(|token| token.retired.is_some()) {
            return Ok(Reuse::Unknown);
        }
        let new = NewTokens { access, refresh: None, replaced: None };
        self.tokens.admit(&new, stored.tokens.len(), quota)?;
        if let Some(token) = self.tokens.refresh.get_mut(key) {
            token.expires_at = expires_at;
        }
        stored.keep_until(expires_at);
        stored.keep_until(access.expires_at);
        let expires_at = expires_at.unwrap_or(NEVER);
        let at = stored.position(Kind::Refresh, key.hash);
        if let Some(held) = at.and_then(|at| stored.tokens.get_mut(at)) {
            held.expires_at = expires_at;
        }
        stored.look_by(expires_at, &mut self.agenda);
        self.tokens.store(&new, stored, &mut self.agenda);
        Ok(Reuse::Accepted)
    }

    pub(super) fn revoke_access_token(&mut self, key: &TokenKey, quota: &Quota) {
        if self.tokens.access.remove(key).is_none() {
            return;
        }
        quota.release_tokens(1);
        if let Some(stored) = self.grants.get_mut(&key.grant)
            && let Some(at) = stored.position(Kind::Access, key.hash)
        {
            stored.tokens.swap_remove(at);
        }
    }
}

impl Tokens {
    /// Retires a token, and forgets the nonce of the one that it replaced.
    fn retire(&mut self, key: &TokenKey, retirement: &Retirement) {
        let Some(token) = self.refresh.get_mut(key) else { return };
        token.retired = Some(Retired::new(retirement));
        let Some(hash) = token.replaced.take() else { return };
        let replaced = self.refresh.get_mut(&TokenKey { grant: key.grant, hash });
        if let Some(retired) = replaced.and_then(|token| token.retired.as_deref_mut()) {
            retired.retirement.nonce = [0; 16];
        }
    }
}
