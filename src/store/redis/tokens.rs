//! Tokens and grants.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use redis::cmd;

use super::RedisStore;
use super::bytes::{Writer, instant};
use super::calls::{Reply, all_bytes, unexpected};
use super::codes::insertion;
use super::grant_lists::listed_until;
use super::keys::{grant_deadline, token_deadline};
use super::records::{self, Lasting};
use super::scripts::{INSERT_TOKENS, REUSE, REVOKE_ACCESS_TOKEN, REVOKE_GRANT, ROTATE, Script, TOUCH_GRANT};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens, RefreshTokenRecord, Retirement};
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, TokenKey};
use crate::store::{FoundAccessToken, FoundRefreshToken, GrantSummary, Insertion, Page, Reuse, Rotation, TokenStore};

#[async_trait]
impl TokenStore for RedisStore {
    async fn insert_grant(&self, grant: &Arc<Grant>, keep_until: Timestamp) -> Result<Insertion, StoreError> {
        self.insert_new_grant(grant, Vec::new(), keep_until).await
    }

    async fn insert_tokens(&self, tokens: &IssuedTokens) -> Result<Insertion, StoreError> {
        let (grant, lasting) = (&tokens.grant, Lasting::of(tokens));
        let refresh = tokens.refresh.as_ref().map(|refresh| refresh.key);
        check_grant(&grant.id, [tokens.access.key].into_iter().chain(refresh))?;
        let listed = self.list_grant(grant, lasting).await?;
        let until = listed_until(lasting);
        let keys = self.token_keys(&grant.id, None, &tokens.access.key, tokens.refresh.as_ref());
        let mut arguments = Self::lasting_arguments(lasting, Some(until));
        arguments.extend(Self::token_arguments(&tokens.access, tokens.refresh.as_ref()));
        arguments.push(records::grant_value(grant, lasting, until)?);
        let insertion = insertion(&self.run(&INSERT_TOKENS, &keys, &arguments).await?)?;
        self.look_for(listed).await;
        Ok(insertion)
    }

    async fn find_access_token(&self, key: &TokenKey) -> Result<Option<FoundAccessToken>, StoreError> {
        let Some((token, grant)) = self.find_under(key, self.keys.access(key)).await? else { return Ok(None) };
        Ok(Some(FoundAccessToken { token: records::access_token(&token, *key, &grant)?, grant }))
    }

    async fn find_refresh_token(&self, key: &TokenKey) -> Result<Option<FoundRefreshToken>, StoreError> {
        let Some((token, grant)) = self.find_under(key, self.keys.refresh(key)).await? else { return Ok(None) };
        Ok(Some(FoundRefreshToken { token: records::refresh_token(&token, *key, &grant)?, grant }))
    }

    async fn rotate_refresh_token(
        &self,
        key: &TokenKey,
        retirement: &Retirement,
        successors: &IssuedTokens,
    ) -> Result<Rotation, StoreError> {
        let keys = self.token_keys(&key.grant, Some(key), &successors.access.key, successors.refresh.as_ref());
        let mut arguments = Self::token_arguments(&successors.access, successors.refresh.as_ref());
        arguments.push(records::retirement_value(retirement));
        arguments.push(records::allowance_value(&retirement.scope, &retirement.resource));
        let reply = self.run_lasting(&ROTATE, &key.grant, Lasting::of(successors), &keys, arguments).await?;
        match reply.word() {
            b"rotated" => Ok(Rotation::Rotated),
            b"retired" => {
                let grant = records::grant(reply.value(2)?, key.grant)?.summary.grant;
                let (retirement, retries) = records::retired(reply.value(1)?, &grant)?;
                Ok(Rotation::Retired { retirement, retries })
            }
            b"unknown" => Ok(Rotation::Unknown),
            b"taken" => Err(key_taken()),
            _ => Err(unexpected()),
        }
    }

    async fn reuse_refresh_token(
        &self,
        key: &TokenKey,
        expires_at: Option<Timestamp>,
        access: &AccessTokenRecord,
    ) -> Result<Reuse, StoreError> {
        let keys = self.token_keys(&key.grant, Some(key), &access.key, None);
        let mut arguments = Self::token_arguments(access, None);
        arguments.extend([Writer::default().expiry(expires_at).finish(), token_deadline(expires_at)]);
        let lasting = Lasting::until([expires_at, access.expires_at]);
        match self.run_lasting(&REUSE, &key.grant, lasting, &keys, arguments).await?.word() {
            b"accepted" => Ok(Reuse::Accepted),
            b"unknown" => Ok(Reuse::Unknown),
            b"taken" => Err(key_taken()),
            _ => Err(unexpected()),
        }
    }

    async fn revoke_access_token(&self, key: &TokenKey) -> Result<(), StoreError> {
        let keys = [self.keys.access(key), self.keys.permanent(&key.grant)];
        self.run(&REVOKE_ACCESS_TOKEN, &keys, &[]).await?;
        Ok(())
    }

    async fn revoke_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.revoke(id, at).await?;
        Ok(())
    }

    async fn revoke_subject(&self, subject: &Subject, at: Timestamp) -> Result<u64, StoreError> {
        let list = self.keys.subject_grants(subject);
        self.revoke_listed(&list, |grant| grant.subject.as_ref() == Some(subject), at).await
    }

    async fn revoke_client(&self, client: &ClientId, at: Timestamp) -> Result<u64, StoreError> {
        let list = self.keys.client_grants(client);
        self.revoke_listed(&list, |grant| grant.client.as_ref() == Some(client), at).await
    }

    async fn revoke_tenant(&self, tenant: &Tenant, at: Timestamp) -> Result<u64, StoreError> {
        let list = self.keys.tenant_grants(tenant);
        self.revoke_listed(&list, |grant| grant.tenant.as_ref() == Some(tenant), at).await
    }

    async fn find_grant(&self, id: &GrantId) -> Result<Option<GrantSummary>, StoreError> {
        Ok(self.stored_grant(id).await?.map(|stored| stored.summary))
    }

    async fn list_grants(
        &self,
        subject: &Subject,
        client: Option<&ClientId>,
        page: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError> {
        self.page_of_grants(subject, client, page).await
    }

    async fn has_grants(&self, client: &ClientId) -> Result<bool, StoreError> {
        self.has_grants_of(client).await
    }

    async fn touch_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.run(&TOUCH_GRANT, &[self.keys.grant(id)], &[instant(at).to_vec()]).await?;
        Ok(())
    }

    /// Deletes nothing: Redis does, a minute after a token expired, and a day after a grant did or was revoked.
    async fn purge_tokens(&self, _before: Timestamp, _limit: NonZeroU32) -> Result<u32, StoreError> {
        Ok(0)
    }
}

impl RedisStore {
    /// Reads the value of a token, and its grant unless that is revoked.
    async fn find_under(&self, key: &TokenKey, token: Vec<u8>) -> Result<Option<(Vec<u8>, Arc<Grant>)>, StoreError> {
        let mut get = cmd("MGET");
        get.arg(&token).arg(self.keys.grant(&key.grant));
        let [Some(token), Some(grant)] = all_bytes(self.read(&token, get).await?)? else { return Ok(None) };
        Ok(records::live_grant(&grant, key.grant)?.map(|grant| (token, grant)))
    }

    /// Revokes a grant, and tells whether it was not before.
    pub(super) async fn revoke(&self, id: &GrantId, at: Timestamp) -> Result<bool, StoreError> {
        let keys = [self.keys.grant(id), self.keys.code(id), self.keys.permanent(id)];
        match self.run(&REVOKE_GRANT, &keys, &[instant(at).to_vec()]).await?.word() {
            b"revoked" => Ok(true),
            b"unchanged" => Ok(false),
            _ => Err(unexpected()),
        }
    }

    /// Runs a script that makes a grant last longer. If its lists would not last as long, they come first.
    pub(super) async fn run_lasting(
        &self,
        script: &Script,
        id: &GrantId,
        lasting: Lasting,
        keys: &[Vec<u8>],
        arguments: Vec<Vec<u8>>,
    ) -> Result<Reply, StoreError> {
        let mut all = Self::lasting_arguments(lasting, None);
        all.extend(arguments);
        let reply = self.run(script, keys, &all).await?;
        if reply.word() != b"lists" {
            return Ok(reply);
        }
        let grant = records::grant(reply.value(1)?, *id)?.summary.grant;
        let listed = self.list_grant(&grant, lasting).await?;
        if let Some(until) = all.get_mut(2) {
            *until = instant(listed_until(lasting)).to_vec();
        }
        let reply = self.run(script, keys, &all).await?;
        self.look_for(listed).await;
        Ok(reply)
    }

    /// The first three arguments of a script that makes a grant last longer.
    fn lasting_arguments(lasting: Lasting, listed_until: Option<Timestamp>) -> Vec<Vec<u8>> {
        let until = listed_until.map_or_else(Vec::new, |until| instant(until).to_vec());
        vec![lasting.value(), grant_deadline(lasting.expires_at()), until]
    }

    /// The keys of a script that stores tokens; `used` is the refresh token that they are asked for with.
    ///
    /// Tokens of another grant would be in another slot. Their place is taken by the grant itself, which exists, so that they
    /// are refused like tokens that do.
    pub(super) fn token_keys(
        &self,
        id: &GrantId,
        used: Option<&TokenKey>,
        access: &TokenKey,
        refresh: Option<&RefreshTokenRecord>,
    ) -> Vec<Vec<u8>> {
        let grant = self.keys.grant(id);
        let place = |key: &TokenKey, place: Vec<u8>| if key.grant == *id { place } else { grant.clone() };
        let access = place(access, self.keys.access(access));
        let refresh = refresh.map(|refresh| place(&refresh.key, self.keys.refresh(&refresh.key)));
        let mut keys = vec![grant.clone(), self.keys.code(id), self.keys.permanent(id), access];
        keys.extend(used.map(|used| self.keys.refresh(used)));
        keys.extend(refresh);
        keys
    }

    /// The arguments that describe the tokens that a script stores.
    pub(super) fn token_arguments(access: &AccessTokenRecord, refresh: Option<&RefreshTokenRecord>) -> Vec<Vec<u8>> {
        vec![
            records::access_value(access),
            records::allowance_value(&access.scope, &access.resource),
            token_deadline(access.expires_at),
            refresh.map_or_else(Vec::new, records::refresh_value),
            refresh.map_or_else(Vec::new, |refresh| token_deadline(refresh.expires_at)),
        ]
    }
}

/// Keys are hashes of fresh random secrets, so that only a broken caller can present one twice.
pub(super) fn key_taken() -> StoreError {
    StoreError::failed("a token with this key is stored already, or it is one of another grant")
}

/// What is stored together has one grant.
pub(super) fn check_grant(id: &GrantId, keys: impl IntoIterator<Item = TokenKey>) -> Result<(), StoreError> {
    if keys.into_iter().all(|key| key.grant == *id) {
        Ok(())
    } else {
        Err(StoreError::failed("this is the code or token of another grant"))
    }
}
