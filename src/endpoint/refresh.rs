//! A refresh token for tokens (RFC 6749 §6).

use std::borrow::Cow;

use super::Refusal;
use super::join::both;
use super::limit::Caller;
use crate::client::{AuthenticatedClient, ClientId, GrantType};
use crate::error::{ErrorReason, StoreError};
use crate::grant::{Grant, Issuing, Minted, RetiredUse, Successors};
use crate::observer::Event;
use crate::policy::RefreshPolicy;
use crate::secret::{Kind, Presented, Token, TokenKey};
use crate::server::AuthorizationServer;
use crate::store::{FoundRefreshToken, Reuse, Rotation};
use crate::wire::TokenResponse;

impl AuthorizationServer {
    /// Reads client and token at once, checks everything, and then retires the token and stores its successors in one
    /// step.
    pub(super) async fn refresh(
        &self,
        caller: &Caller<'_>,
        token: Option<&str>,
        scope: Option<&str>,
        resources: &[Cow<'_, str>],
    ) -> Result<TokenResponse, Refusal> {
        let configuration = self.configuration();
        let (prefix, imported) = (&configuration.prefixes.refresh_token, configuration.imported_tokens);
        let presented = token.and_then(|token| Presented::read(Kind::RefreshToken, prefix, imported, token));
        let key = presented.as_ref().map(|presented| &presented.key);
        let (client, found) = both(self.find_client(caller.id), self.find_refresh_token(key)).await;

        let client = self.authenticate(caller, client?).await?;
        if !client.client().allows(GrantType::RefreshToken) {
            return Err(ErrorReason::GrantTypeNotAllowed.into());
        }
        if token.is_none() {
            return Err(ErrorReason::RefreshTokenMissing.into());
        }
        let found = found?.ok_or(ErrorReason::RefreshTokenUnknown)?;
        let presented = presented.ok_or(ErrorReason::RefreshTokenUnknown)?;
        let refreshed = self.renew(caller, &client, &presented.token, &found, scope, resources).await;
        refreshed.map_err(|refusal| refusal.about(found.grant.id))
    }

    async fn renew(
        &self,
        caller: &Caller<'_>,
        client: &AuthenticatedClient,
        presented: &Token,
        found: &FoundRefreshToken,
        scope: Option<&str>,
        resources: &[Cow<'_, str>],
    ) -> Result<TokenResponse, Refusal> {
        let scopes = &self.configuration().scopes;
        let refreshable = found.token.check(&found.grant, client, scopes, scope, resources, caller.now)?;

        let issuing = Issuing::to(client.client(), self.configuration(), caller.now);
        let client = client.client().id();
        match issuing.policy() {
            RefreshPolicy::Never => Err(ErrorReason::GrantTypeNotAllowed.into()),
            RefreshPolicy::Reuse if found.token.is_active() => {
                let minted = issuing.another_access(&found.grant, refreshable.scope, refreshable.resource)?;
                let expires_at = issuing.refresh_expiry(&found.grant);
                match self.inner.grants.reuse_refresh_token(&found.token.key, expires_at, &minted.tokens.access).await?
                {
                    Reuse::Accepted => Ok(self.refreshed(&found.grant, client, minted)),
                    Reuse::Unknown => Err(ErrorReason::RefreshTokenUnknown.into()),
                }
            }
            RefreshPolicy::Reuse | RefreshPolicy::Rotate { .. } => {
                let successors =
                    issuing.successors(presented, &found.grant, refreshable.scope, refreshable.resource)?;
                self.rotate(&issuing, client, presented, found, successors, caller).await
            }
        }
    }

    async fn rotate(
        &self,
        issuing: &Issuing<'_>,
        client: &ClientId,
        presented: &Token,
        found: &FoundRefreshToken,
        successors: Successors,
        caller: &Caller<'_>,
    ) -> Result<TokenResponse, Refusal> {
        let (grant, subject) = (found.grant.id, found.grant.subject.as_ref());
        let Successors { retirement, minted } = successors;
        match self.inner.grants.rotate_refresh_token(&found.token.key, &retirement, &minted.tokens).await? {
            Rotation::Rotated => Ok(self.refreshed(&found.grant, client, minted)),
            Rotation::Retired { retirement, retries } => {
                match retirement.judge(issuing.policy(), retries, caller.now) {
                    RetiredUse::Retry => {
                        let response = issuing.again(presented, &found.grant, retirement)?;
                        self.observe(&Event::Retried { grant, client, subject });
                        Ok(response)
                    }
                    RetiredUse::Exhausted => Err(ErrorReason::RefreshTokenRetriesExhausted.into()),
                    RetiredUse::Replay => {
                        self.inner.grants.revoke_grant(&grant, caller.now).await?;
                        let reason = ErrorReason::RefreshTokenReplayed;
                        self.observe(&Event::Replayed { grant, client, subject, reason });
                        Err(reason.into())
                    }
                }
            }
            Rotation::Unknown => Err(ErrorReason::RefreshTokenUnknown.into()),
        }
    }

    fn refreshed(&self, grant: &Grant, client: &ClientId, minted: Minted) -> TokenResponse {
        let (grant, subject) = (grant.id, grant.subject.as_ref());
        self.observe(&Event::Issued { grant, client, subject, grant_type: GrantType::RefreshToken });
        minted.response
    }

    pub(super) async fn find_refresh_token(
        &self,
        key: Option<&TokenKey>,
    ) -> Result<Option<FoundRefreshToken>, StoreError> {
        match key {
            Some(key) => self.inner.grants.find_refresh_token(key).await,
            None => Ok(None),
        }
    }
}
