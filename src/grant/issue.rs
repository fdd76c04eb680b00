//! Minting: from a grant to tokens, their records and the response.

use std::sync::Arc;
use std::time::Duration;

use super::{AccessTokenRecord, Grant, IssuedTokens, RefreshTokenRecord, RefreshTokenState, Retirement};
use crate::client::{Client, GrantType};
use crate::clock::Timestamp;
use crate::configuration::{Configuration, NoRefreshToken};
use crate::error::ErrorReason;
use crate::jwt::TokenClaims;
use crate::policy::{AccessTokenFormat, Lifetimes, RefreshPolicy};
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::{AccessToken, Kind, RefreshToken, SuccessorKey, Token};
use crate::wire::{Shaped, TokenResponse};

/// What one client gets: the server's policies with the client's own on top.
#[derive(Debug)]
pub(crate) struct Issuing<'a> {
    configuration: &'a Configuration,
    lifetimes: &'a Lifetimes,
    policy: RefreshPolicy,
    format: AccessTokenFormat,
    now: Timestamp,
}

/// The refresh token of an answer.
#[derive(Clone, Copy)]
enum Refresh<'a> {
    /// A new one.
    New(&'a Token),
    /// The one that the client has already.
    Kept,
    /// None.
    Never,
}

/// Tokens that were made and are not yet stored; the response must not leave before they are.
pub(crate) struct Minted {
    pub(crate) tokens: IssuedTokens,
    pub(crate) response: TokenResponse,
}

/// What an access token says beside what its grant does.
struct Said<'a> {
    scope: &'a Scope,
    resource: &'a Resources,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
}

/// The successors of a refresh token, and how it is to be retired.
pub(crate) struct Successors {
    pub(crate) retirement: Retirement,
    pub(crate) minted: Minted,
}

impl<'a> Refresh<'a> {
    const fn token(self) -> Option<&'a Token> {
        match self {
            Self::New(token) => Some(token),
            Self::Kept | Self::Never => None,
        }
    }
}

impl<'a> Issuing<'a> {
    pub(crate) fn to(client: &'a Client, configuration: &'a Configuration, now: Timestamp) -> Self {
        let policy = match client.policies().refresh_policy().copied().unwrap_or(configuration.refresh_policy) {
            _ if !configuration.allows(client, GrantType::RefreshToken) => RefreshPolicy::Never,
            // RFC 9700 §4.14.2: the refresh tokens of a public client must rotate.
            RefreshPolicy::Reuse if client.is_public() => RefreshPolicy::default(),
            policy => policy,
        };
        Self {
            configuration,
            lifetimes: client.policies().lifetimes().unwrap_or(&configuration.lifetimes),
            policy,
            format: client.policies().access_token_format().copied().unwrap_or(configuration.access_token_format),
            now,
        }
    }

    pub(crate) const fn policy(&self) -> RefreshPolicy {
        self.policy
    }

    /// The first tokens of a grant that a user gave.
    pub(crate) fn exchange(&self, grant: &Arc<Grant>, resource: Resources) -> Result<Minted, ErrorReason> {
        let access = Token::random(Kind::AccessToken, grant.id);
        let refresh = (self.policy != RefreshPolicy::Never).then(|| Token::random(Kind::RefreshToken, grant.id));
        let refresh = refresh.as_ref().map_or(Refresh::Never, Refresh::New);
        let scope = self.understood(&resource, grant.scope.clone());
        self.mint(grant, &access, refresh, scope, resource, self.lifetimes.access_token())
    }

    /// An access token without a refresh token.
    pub(crate) fn access(&self, grant: &Arc<Grant>, scope: Scope, resource: Resources) -> Result<Minted, ErrorReason> {
        let access = Token::random(Kind::AccessToken, grant.id);
        self.mint(grant, &access, Refresh::Never, scope, resource, self.lifetimes.access_token())
    }

    /// One more access token for a refresh token that stays.
    pub(crate) fn another_access(
        &self,
        grant: &Arc<Grant>,
        scope: Scope,
        resource: Resources,
    ) -> Result<Minted, ErrorReason> {
        let access = Token::random(Kind::AccessToken, grant.id);
        let scope = self.understood(&resource, scope);
        self.mint(grant, &access, Refresh::Kept, scope, resource, self.lifetimes.refreshed_access_token())
    }

    /// What replaces `presented`: derived from it and a fresh nonce, so that it alone can have the same answer again.
    pub(crate) fn successors(
        &self,
        presented: &Token,
        grant: &Arc<Grant>,
        scope: Scope,
        resource: Resources,
    ) -> Result<Successors, ErrorReason> {
        let nonce = crate::secret::random();
        let key = SuccessorKey::new(presented, &nonce);
        let refresh = key.derive(Kind::RefreshToken);
        let access = key.derive(Kind::AccessToken);
        let lifetime = self.lifetimes.refreshed_access_token();
        let scope = self.understood(&resource, scope);
        let minted = self.mint(grant, &access, Refresh::New(&refresh), scope.clone(), resource.clone(), lifetime)?;
        let retirement = Retirement {
            at: self.now,
            nonce,
            successor: minted.tokens.refresh.as_ref().map_or_else(|| refresh.key().hash, |record| record.key.hash),
            scope,
            resource,
            access_expires_at: minted.tokens.access.expires_at,
        };
        Ok(Successors { retirement, minted })
    }

    /// The answer that `presented` had when it was retired.
    pub(crate) fn again(
        &self,
        presented: &Token,
        grant: &Grant,
        retirement: Retirement,
    ) -> Result<TokenResponse, ErrorReason> {
        let key = SuccessorKey::new(presented, &retirement.nonce);
        let Retirement { at: issued_at, scope, resource, access_expires_at: expires_at, .. } = retirement;
        let expires_in = expires_at.map(|at| at.duration_since(self.now));
        let said = Said { scope: &scope, resource: &resource, issued_at, expires_at };
        let access = self.access_token(grant, &key.derive(Kind::AccessToken), &said)?;
        let refresh = key.derive(Kind::RefreshToken);
        Ok(self.respond(grant, access, Refresh::New(&refresh), scope, expires_in, issued_at))
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

    /// The grant keeps what it has: another token may be for another resource.
    fn understood(&self, resource: &Resources, scope: Scope) -> Scope {
        self.configuration.resources.understood(resource, scope)
    }

    fn mint(
        &self,
        grant: &Arc<Grant>,
        access: &Token,
        refresh: Refresh<'_>,
        scope: Scope,
        resource: Resources,
        lifetime: Option<Duration>,
    ) -> Result<Minted, ErrorReason> {
        let tokens = IssuedTokens {
            grant: Arc::clone(grant),
            access: AccessTokenRecord {
                key: access.key(),
                scope: scope.clone(),
                resource,
                issued_at: self.now,
                expires_at: lifetime.map(|lifetime| self.now.saturating_add(lifetime)),
            },
            refresh: refresh.token().map(|token| RefreshTokenRecord {
                key: token.key(),
                issued_at: self.now,
                expires_at: self.refresh_expiry(grant),
                state: RefreshTokenState::Active,
            }),
        };
        let AccessTokenRecord { resource, issued_at, expires_at, .. } = &tokens.access;
        let said = Said { scope: &scope, resource, issued_at: *issued_at, expires_at: *expires_at };
        let access = self.access_token(grant, access, &said)?;
        Ok(Minted { tokens, response: self.respond(grant, access, refresh, scope, lifetime, self.now) })
    }

    /// The token as its client gets it; a signed one says what it is, and the name by which the store has it.
    fn access_token(&self, grant: &Grant, token: &Token, said: &Said<'_>) -> Result<AccessToken, ErrorReason> {
        if self.format == AccessTokenFormat::Opaque {
            return Ok(AccessToken::new(token, &self.configuration.prefixes.access_token));
        }
        let signed = self.configuration.signer.as_ref().zip(said.expires_at).and_then(|(signer, expires_at)| {
            signer.sign(&TokenClaims {
                key: token.key(),
                client: grant.client.as_ref(),
                subject: grant.subject.as_ref(),
                scope: said.scope,
                resource: said.resource,
                tenant: grant.tenant.as_ref(),
                extra: &grant.extra,
                issued_at: said.issued_at,
                expires_at,
            })
        });
        signed.map(AccessToken::signed).ok_or(ErrorReason::AccessTokenUnsignable)
    }

    fn respond(
        &self,
        grant: &Grant,
        access_token: AccessToken,
        refresh: Refresh<'_>,
        scope: Scope,
        expires_in: Option<Duration>,
        issued_at: Timestamp,
    ) -> TokenResponse {
        let prefixes = &self.configuration.prefixes;
        TokenResponse {
            access_token,
            expires_in,
            refresh_token: refresh.token().map(|token| RefreshToken::new(token, &prefixes.refresh_token)),
            scope,
            shaped: self.configuration.token_response.as_ref().map(|shape| {
                Box::new(Shaped {
                    shape: Arc::clone(shape),
                    no_refresh_token: match refresh {
                        Refresh::Kept => NoRefreshToken::LeftOut,
                        Refresh::New(_) | Refresh::Never => shape.no_refresh_token,
                    },
                    issued_at,
                    tenant: grant.tenant.clone(),
                    extra: grant.extra.clone(),
                })
            }),
        }
    }
}
