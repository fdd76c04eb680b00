//! Minting: from a grant to tokens, their records and the response.

use std::sync::Arc;
use std::time::Duration;

use super::{AccessTokenRecord, Grant, IssuedTokens, RefreshTokenRecord, RefreshTokenState, Retirement};
use crate::client::{Client, GrantType};
use crate::clock::Timestamp;
use crate::configuration::Configuration;
use crate::policy::{Lifetimes, RefreshPolicy};
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{AccessToken, Kind, RefreshToken, SuccessorKey, Token};
use crate::wire::TokenResponse;

/// What one client gets: the server's policies with the client's own on top.
#[derive(Debug)]
pub(crate) struct Issuing<'a> {
    configuration: &'a Configuration,
    lifetimes: &'a Lifetimes,
    policy: RefreshPolicy,
    now: Timestamp,
}

/// Tokens that were made and are not yet stored; the response must not leave before they are.
pub(crate) struct Minted {
    pub(crate) tokens: IssuedTokens,
    pub(crate) response: TokenResponse,
}

/// The successors of a refresh token, and how it is to be retired.
pub(crate) struct Successors {
    pub(crate) retirement: Retirement,
    pub(crate) minted: Minted,
}

impl<'a> Issuing<'a> {
    pub(crate) fn to(client: &'a Client, configuration: &'a Configuration, now: Timestamp) -> Self {
        let policy = match client.policies().refresh_policy().copied().unwrap_or(configuration.refresh_policy) {
            _ if !client.allows(GrantType::RefreshToken) => RefreshPolicy::Never,
            // RFC 9700 §4.14.2: the refresh tokens of a public client must rotate.
            RefreshPolicy::Reuse if client.is_public() => RefreshPolicy::default(),
            policy => policy,
        };
        Self {
            configuration,
            lifetimes: client.policies().lifetimes().unwrap_or(&configuration.lifetimes),
            policy,
            now,
        }
    }

    pub(crate) const fn policy(&self) -> RefreshPolicy {
        self.policy
    }

    /// The first tokens of a grant that a user gave.
    pub(crate) fn exchange(&self, grant: &Arc<Grant>, resource: Resources) -> Minted {
        let access = Token::random(Kind::AccessToken, grant.id);
        let refresh = (self.policy != RefreshPolicy::Never).then(|| Token::random(Kind::RefreshToken, grant.id));
        self.mint(grant, &access, refresh.as_ref(), grant.scope.clone(), resource, self.lifetimes.access_token())
    }

    /// An access token without a refresh token.
    pub(crate) fn access(&self, grant: &Arc<Grant>, scope: Scope, resource: Resources) -> Minted {
        let access = Token::random(Kind::AccessToken, grant.id);
        self.mint(grant, &access, None, scope, resource, self.lifetimes.access_token())
    }

    /// An access token for a refresh token that stays as it is.
    pub(crate) fn refreshed(&self, grant: &Arc<Grant>, scope: Scope, resource: Resources) -> Minted {
        let access = Token::random(Kind::AccessToken, grant.id);
        self.mint(grant, &access, None, scope, resource, self.lifetimes.refreshed_access_token())
    }

    /// What replaces `presented`: derived from it and a fresh nonce, so that it alone can have the same answer again.
    pub(crate) fn successors(
        &self,
        presented: &Token,
        grant: &Arc<Grant>,
        scope: Scope,
        resource: Resources,
    ) -> Successors {
        let nonce = crate::secret::random();
        let key = SuccessorKey::new(presented, &nonce);
        let refresh = key.derive(Kind::RefreshToken);
        let access = key.derive(Kind::AccessToken);
        let lifetime = self.lifetimes.refreshed_access_token();
        let minted = self.mint(grant, &access, Some(&refresh), scope.clone(), resource.clone(), lifetime);
        let retirement = Retirement {
            at: self.now,
            nonce,
            successor: minted.tokens.refresh.as_ref().map_or_else(|| refresh.key().hash, |record| record.key.hash),
            scope,
            resource,
            access_expires_at: minted.tokens.access.expires_at,
        };
        Successors { retirement, minted }
    }

    /// The answer that `presented` had when it was retired.
    pub(crate) fn again(&self, presented: &Token, retirement: Retirement) -> TokenResponse {
        let key = SuccessorKey::new(presented, &retirement.nonce);
        let expires_in = retirement.access_expires_at.map(|at| at.duration_since(self.now));
        let refresh = key.derive(Kind::RefreshToken);
        self.respond(&key.derive(Kind::AccessToken), Some(&refresh), retirement.scope, expires_in)
    }

    /// When a refresh token that is used now expires: after its idle life, but never beyond the life of its grant.
    pub(crate) fn refresh_expiry(&self, grant: &Grant) -> Option<Timestamp> {
        let idle = self.lifetimes.refresh_idle().map(|lifetime| self.now.saturating_add(lifetime));
        let absolute = self.lifetimes.refresh_absolute().map(|lifetime| grant.created_at.saturating_add(lifetime));
        match (idle, absolute) {
            (Some(idle), Some(absolute)) => Some(idle.min(absolute)),
            (one, other) => one.or(other),
        }
    }

    fn mint(
        &self,
        grant: &Arc<Grant>,
        access: &Token,
        refresh: Option<&Token>,
        scope: Scope,
        resource: Resources,
        lifetime: Option<Duration>,
    ) -> Minted {
        let tokens = IssuedTokens {
            grant: Arc::clone(grant),
            access: AccessTokenRecord {
                key: access.key(),
                scope: scope.clone(),
                resource,
                issued_at: self.now,
                expires_at: lifetime.map(|lifetime| self.now.saturating_add(lifetime)),
            },
            refresh: refresh.map(|token| RefreshTokenRecord {
                key: token.key(),
                issued_at: self.now,
                expires_at: self.refresh_expiry(grant),
                state: RefreshTokenState::Active,
            }),
        };
        Minted { tokens, response: self.respond(access, refresh, scope, lifetime) }
    }

    fn respond(
        &self,
        access: &Token,
        refresh: Option<&Token>,
        scope: Scope,
        expires_in: Option<Duration>,
    ) -> TokenResponse {
        let prefixes = &self.configuration.prefixes;
        TokenResponse {
            access_token: AccessToken::new(access, &prefixes.access_token),
            expires_in,
            refresh_token: refresh.map(|token| RefreshToken::new(token, &prefixes.refresh_token)),
            scope,
        }
    }
}
