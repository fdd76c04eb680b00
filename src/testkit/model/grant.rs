//! What one grant must answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RefreshTokenRecord, RefreshTokenState, Retirement,
};
use crate::secret::TokenHash;
use crate::store::{GrantSummary, Insertion, Redemption, Reuse, Rotation};

/// One grant as the contract has it. `None` where a grant would be is one that was never stored.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::testkit) struct GrantModel {
    pub(super) summary: GrantSummary,
    code: Option<CodeRecord>,
    access: BTreeMap<TokenHash, AccessTokenRecord>,
    refresh: BTreeMap<TokenHash, (RefreshTokenRecord, u32)>,
}

/// The caller's mistake: a key that is stored already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::testkit) struct KeyTaken;

impl GrantModel {
    pub(in crate::testkit) fn insert(
        stored: &mut Option<Self>,
        grant: &Arc<Grant>,
        expires_at: Option<Timestamp>,
        code: Option<&CodeRecord>,
    ) -> Insertion {
        if stored.is_some() {
            return Insertion::Conflict;
        }
        let summary = GrantSummary { grant: Arc::clone(grant), expires_at, last_used_at: None, revoked_at: None };
        let (access, refresh) = Default::default();
        *stored = Some(Self { summary, code: code.cloned(), access, refresh });
        Insertion::Inserted
    }

    pub(in crate::testkit) fn insert_tokens(stored: &mut Option<Self>, tokens: &IssuedTokens) -> Insertion {
        let refused = |model: &Self| model.is_revoked() || model.has_any_of(tokens);
        if stored.as_ref().is_some_and(refused) {
            return Insertion::Conflict;
        }
        let _ = Self::insert(stored, &tokens.grant, tokens.expires_at(), None);
        if let Some(model) = stored {
            model.store(tokens);
        }
        Insertion::Inserted
    }

    pub(in crate::testkit) const fn is_revoked(&self) -> bool {
        self.summary.revoked_at.is_some()
    }

    pub(in crate::testkit) fn find_code(&self, hash: TokenHash) -> Option<&CodeRecord> {
        self.code.as_ref().filter(|code| !self.is_revoked() && code.key.hash == hash)
    }

    pub(in crate::testkit) fn find_access_token(&self, hash: TokenHash) -> Option<&AccessTokenRecord> {
        self.access.get(&hash).filter(|_| !self.is_revoked())
    }

    pub(in crate::testkit) fn find_refresh_token(&self, hash: TokenHash) -> Option<&RefreshTokenRecord> {
        self.refresh.get(&hash).filter(|_| !self.is_revoked()).map(|(token, _)| token)
    }

    pub(in crate::testkit) fn redeem(
        &mut self,
        hash: TokenHash,
        at: Timestamp,
        keep_until: Option<Timestamp>,
    ) -> Redemption {
        let redemption = self.redemption(hash);
        if redemption == Redemption::First {
            self.mark_redeemed(at, keep_until);
        }
        redemption
    }

    pub(in crate::testkit) fn exchange(
        &mut self,
        hash: TokenHash,
        tokens: &IssuedTokens,
    ) -> Result<Redemption, KeyTaken> {
        let redemption = self.redemption(hash);
        if redemption == Redemption::First {
            if self.has_any_of(tokens) {
                return Err(KeyTaken);
            }
            self.mark_redeemed(tokens.access.issued_at, tokens.expires_at());
            self.store(tokens);
        }
        Ok(redemption)
    }

    pub(super) fn count_failure(&mut self, hash: TokenHash) {
        if let Some(code) = self.code.as_mut().filter(|code| code.key.hash == hash) {
            code.failures += 1;
        }
    }

    pub(in crate::testkit) fn rotate(
        &mut self,
        hash: TokenHash,
        how: &Retirement,
        successors: &IssuedTokens,
    ) -> Result<Rotation, KeyTaken> {
        let taken = self.has_any_of(successors);
        if self.is_revoked() {
            return Ok(Rotation::Unknown);
        }
        let Some((token, retries)) = self.refresh.get_mut(&hash) else { return Ok(Rotation::Unknown) };
        if let RefreshTokenState::Retired(retirement) = &token.state {
            *retries += 1;
            return Ok(Rotation::Retired { retirement: retirement.clone(), retries: *retries });
        }
        if taken {
            return Err(KeyTaken);
        }
        token.state = RefreshTokenState::Retired(how.clone());
        for (token, _) in self.refresh.values_mut() {
            if let RefreshTokenState::Retired(retirement) = &mut token.state
                && retirement.successor == hash
            {
                retirement.nonce = [0; 16];
            }
        }
        self.store(successors);
        Ok(Rotation::Rotated)
    }

    pub(in crate::testkit) fn reuse(
        &mut self,
        hash: TokenHash,
        expires_at: Option<Timestamp>,
        access: &AccessTokenRecord,
    ) -> Result<Reuse, KeyTaken> {
        let tokens = IssuedTokens { grant: Arc::clone(&self.summary.grant), access: access.clone(), refresh: None };
        let taken = self.has_any_of(&tokens);
        let active = |(token, _): &&mut (RefreshTokenRecord, u32)| token.state == RefreshTokenState::Active;
        if self.is_revoked() {
            return Ok(Reuse::Unknown);
        }
        let Some((token, _)) = self.refresh.get_mut(&hash).filter(active) else { return Ok(Reuse::Unknown) };
        if taken {
            return Err(KeyTaken);
        }
        token.expires_at = expires_at;
        self.raise_expiry(expires_at);
        self.store(&tokens);
        Ok(Reuse::Accepted)
    }

    pub(super) fn revoke_access_token(&mut self, hash: TokenHash) {
        self.access.remove(&hash);
    }

    /// Revokes the grant, and tells whether it was not revoked before.
    pub(in crate::testkit) fn revoke(&mut self, at: Timestamp) -> bool {
        let before = self.is_revoked();
        self.summary.revoked_at.get_or_insert(at);
        !before
    }

    pub(super) fn touch(&mut self, at: Timestamp) {
        self.summary.last_used_at = self.summary.last_used_at.max(Some(at));
    }

    fn redemption(&self, hash: TokenHash) -> Redemption {
        match self.find_code(hash) {
            None => Redemption::Unknown,
            Some(CodeRecord { redeemed_at: None, .. }) => Redemption::First,
            Some(_) => Redemption::Replayed,
        }
    }

    fn mark_redeemed(&mut self, at: Timestamp, keep_until: Option<Timestamp>) {
        if let Some(code) = &mut self.code {
            code.redeemed_at = Some(at);
        }
        self.raise_expiry(keep_until);
    }

    fn has_any_of(&self, tokens: &IssuedTokens) -> bool {
        let refresh = tokens.refresh.as_ref();
        self.access.contains_key(&tokens.access.key.hash)
            || refresh.is_some_and(|refresh| self.refresh.contains_key(&refresh.key.hash))
    }

    fn store(&mut self, tokens: &IssuedTokens) {
        self.raise_expiry(tokens.expires_at());
        self.access.insert(tokens.access.key.hash, tokens.access.clone());
        if let Some(refresh) = &tokens.refresh {
            self.refresh.insert(refresh.key.hash, (refresh.clone(), 0));
        }
    }

    fn raise_expiry(&mut self, expires_at: Option<Timestamp>) {
        self.summary.expires_at = self.summary.expires_at.zip(expires_at).map(|(old, new)| old.max(new));
    }
}
