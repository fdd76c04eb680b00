//! One grant store of two.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;

use super::{
    CodeStore, FoundAccessToken, FoundRefreshToken, GrantStore, GrantSummary, Insertion, Page, Redemption, Reuse,
    Rotation, TokenStore,
};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, CodeRecord, Grant, IssuedTokens, Retirement};
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, TokenKey};

/// Joins a [`CodeStore`] and a [`TokenStore`] that live in different places.
///
/// What a single backend does in one step takes two here, in an order that is safe at every point in between:
///
/// * a code's grant is stored before the code, so that a revocation by user or client reaches it;
/// * tokens are stored before their code is redeemed. If the second step fails or loses, tokens exist whose secrets nobody
///   was told, and the code can still be redeemed by a retry.
///
/// The two must be separate: a backend that holds both is a [`GrantStore`] by itself. A code store does not hear of revocations;
/// a code of a revoked grant is refused when its tokens are to be stored.
#[derive(Clone, Debug)]
pub struct JoinedStores {
    codes: Arc<dyn CodeStore>,
    tokens: Arc<dyn TokenStore>,
}

impl JoinedStores {
    /// Joins the two.
    pub const fn new(codes: Arc<dyn CodeStore>, tokens: Arc<dyn TokenStore>) -> Self {
        Self { codes, tokens }
    }
}

#[async_trait]
impl CodeStore for JoinedStores {
    async fn insert_code(&self, code: &CodeRecord) -> Result<Insertion, StoreError> {
        match self.tokens.insert_grant(&code.grant, code.expires_at).await? {
            Insertion::Inserted => self.codes.insert_code(code).await,
            // Perhaps of a decision that got no further. What that one approved must not become part of this one.
            Insertion::Conflict => Ok(Insertion::Conflict),
        }
    }

    async fn find_code(&self, key: &TokenKey) -> Result<Option<CodeRecord>, StoreError> {
        self.codes.find_code(key).await
    }

    async fn redeem_code(
        &self,
        key: &TokenKey,
        at: Timestamp,
        keep_until: Option<Timestamp>,
    ) -> Result<Redemption, StoreError> {
        self.codes.redeem_code(key, at, keep_until).await
    }

    async fn count_failure(&self, key: &TokenKey) -> Result<(), StoreError> {
        self.codes.count_failure(key).await
    }

    async fn purge_codes(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.codes.purge_codes(before, limit).await
    }
}

#[async_trait]
impl TokenStore for JoinedStores {
    async fn insert_grant(&self, grant: &Arc<Grant>, keep_until: Timestamp) -> Result<Insertion, StoreError> {
        self.tokens.insert_grant(grant, keep_until).await
    }

    async fn insert_tokens(&self, tokens: &IssuedTokens) -> Result<Insertion, StoreError> {
        self.tokens.insert_tokens(tokens).await
    }

    async fn find_access_token(&self, key: &TokenKey) -> Result<Option<FoundAccessToken>, StoreError> {
        self.tokens.find_access_token(key).await
    }

    async fn find_refresh_token(&self, key: &TokenKey) -> Result<Option<FoundRefreshToken>, StoreError> {
        self.tokens.find_refresh_token(key).await
    }

    async fn rotate_refresh_token(
        &self,
        key: &TokenKey,
        retirement: &Retirement,
        successors: &IssuedTokens,
    ) -> Result<Rotation, StoreError> {
        self.tokens.rotate_refresh_token(key, retirement, successors).await
    }

    async fn reuse_refresh_token(
        &self,
        key: &TokenKey,
        expires_at: Option<Timestamp>,
        access: &AccessTokenRecord,
    ) -> Result<Reuse, StoreError> {
        self.tokens.reuse_refresh_token(key, expires_at, access).await
    }

    async fn revoke_access_token(&self, key: &TokenKey) -> Result<(), StoreError> {
        self.tokens.revoke_access_token(key).await
    }

    async fn revoke_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.tokens.revoke_grant(id, at).await
    }

    async fn revoke_subject(&self, subject: &Subject, at: Timestamp) -> Result<u64, StoreError> {
        self.tokens.revoke_subject(subject, at).await
    }

    async fn revoke_client(&self, client: &ClientId, at: Timestamp) -> Result<u64, StoreError> {
        self.tokens.revoke_client(client, at).await
    }

    async fn revoke_tenant(&self, tenant: &Tenant, at: Timestamp) -> Result<u64, StoreError> {
        self.tokens.revoke_tenant(tenant, at).await
    }

    async fn find_grant(&self, id: &GrantId) -> Result<Option<GrantSummary>, StoreError> {
        self.tokens.find_grant(id).await
    }

    async fn list_grants(
        &self,
        subject: &Subject,
        client: Option<&ClientId>,
        page: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError> {
        self.tokens.list_grants(subject, client, page).await
    }

    async fn has_grants(&self, client: &ClientId) -> Result<bool, StoreError> {
        self.tokens.has_grants(client).await
    }

    async fn touch_grant(&self, id: &GrantId, at: Timestamp) -> Result<(), StoreError> {
        self.tokens.touch_grant(id, at).await
    }

    async fn purge_tokens(&self, before: Timestamp, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.tokens.purge_tokens(before, limit).await
    }
}

#[async_trait]
impl GrantStore for JoinedStores {
    async fn exchange_code(&self, code: &TokenKey, tokens: &IssuedTokens) -> Result<Redemption, StoreError> {
        match self.tokens.insert_tokens(tokens).await? {
            Insertion::Inserted => self.codes.redeem_code(code, tokens.access.issued_at, tokens.expires_at()).await,
            Insertion::Conflict => Ok(Redemption::Unknown),
        }
    }
}
