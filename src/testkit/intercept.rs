//! A store around a store, with something else before and after each call.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;

use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{AccessTokenRecord, CodeRecord, Grant, IssuedTokens, Retirement};
use crate::identifier::{Subject, Tenant};
use crate::secret::{GrantId, SecretHash, TokenKey};
use crate::store::{
    ClientRegistry, ClientStore, CodeStore, Deletion, FoundAccessToken, FoundRefreshToken, GrantStore, GrantSummary,
    Insertion, Page, Redemption, Reuse, Rotation, TokenStore, Update,
};

/// What happens around the calls of an [`InterceptedStore`].
#[async_trait]
pub trait Interceptor: fmt::Debug + Send + Sync + 'static {
    /// What is carried from before a call to after it.
    type Call: Send;

    /// Runs before the inner call; `method` is its name in the trait.
    ///
    /// # Errors
    ///
    /// What it fails with is the answer, and the inner store is not called.
    async fn before(&self, method: &'static str) -> Result<Self::Call, StoreError>;

    /// Runs after an inner call that succeeded, with its effect in place.
    ///
    /// # Errors
    ///
    /// What it fails with is the answer, and that of the inner store is lost.
    async fn after(&self, call: Self::Call) -> Result<(), StoreError>;
}

/// A store around a store: it implements every contract that the inner one does, and runs an [`Interceptor`] around
/// each call.
///
/// It is what [`FaultyStore`](super::FaultyStore) and [`RecordingStore`](super::RecordingStore) are made of; implement
/// [`Interceptor`] for a stand-in of your own.
#[derive(Debug)]
pub struct InterceptedStore<S, I> {
    inner: Arc<S>,
    interceptor: Arc<I>,
}

impl<S, I> InterceptedStore<S, I> {
    /// Puts `interceptor` around `inner`; whoever else holds that one can go in behind its back.
    #[must_use]
    pub const fn around(inner: Arc<S>, interceptor: Arc<I>) -> Self {
        Self { inner, interceptor }
    }

    /// The store within.
    #[must_use]
    pub const fn inner(&self) -> &Arc<S> {
        &self.inner
    }

    pub(super) const fn interceptor(&self) -> &Arc<I> {
        &self.interceptor
    }
}

impl<S, I> Clone for InterceptedStore<S, I> {
    /// Shares both.
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), interceptor: Arc::clone(&self.interceptor) }
    }
}

macro_rules! intercept {
    ($contract:ident, named in $names:ident: $(fn $method:ident($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {
        const $names: &[&str] = &[$(stringify!($method)),*];

        #[async_trait]
        impl<S: $contract, I: Interceptor> $contract for InterceptedStore<S, I> {
            $(
                async fn $method(&self, $($argument: $kind),*) -> Result<$output, StoreError> {
                    let call = self.interceptor.before(stringify!($method)).await?;
                    let output = self.inner.$method($($argument),*).await?;
                    self.interceptor.after(call).await?;
                    Ok(output)
                }
            )*
        }
    };
}

intercept! { ClientStore, named in CLIENT_STORE:
    fn find_client(id: &ClientId) -> Option<Arc<Client>>;
}

intercept! { ClientRegistry, named in CLIENT_REGISTRY:
    fn insert_client(client: &Client) -> Insertion;
    fn update_client(client: &Client) -> Update;
    fn touch_secret(id: &ClientId, secret: &SecretHash, at: Timestamp) -> ();
    fn delete_client(id: &ClientId) -> Deletion;
    fn list_clients(owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>>;
    fn list_due_clients(before: Timestamp, limit: NonZeroU32) -> Vec<Arc<Client>>;
    fn count_clients(at_most: NonZeroU32) -> u32;
}

intercept! { CodeStore, named in CODE_STORE:
    fn insert_code(code: &CodeRecord) -> Insertion;
    fn find_code(key: &TokenKey) -> Option<CodeRecord>;
    fn redeem_code(key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption;
    fn count_failure(key: &TokenKey) -> ();
    fn purge_codes(before: Timestamp, limit: NonZeroU32) -> u32;
}

intercept! { TokenStore, named in TOKEN_STORE:
    fn insert_grant(grant: &Arc<Grant>, keep_until: Timestamp) -> Insertion;
    fn insert_tokens(tokens: &IssuedTokens) -> Insertion;
    fn find_access_token(key: &TokenKey) -> Option<FoundAccessToken>;
    fn find_refresh_token(key: &TokenKey) -> Option<FoundRefreshToken>;
    fn rotate_refresh_token(key: &TokenKey, retirement: &Retirement, successors: &IssuedTokens) -> Rotation;
    fn reuse_refresh_token(key: &TokenKey, expires_at: Option<Timestamp>, access: &AccessTokenRecord) -> Reuse;
    fn revoke_access_token(key: &TokenKey) -> ();
    fn revoke_grant(id: &GrantId, at: Timestamp) -> ();
    fn revoke_subject(subject: &Subject, at: Timestamp) -> u64;
    fn revoke_client(client: &ClientId, at: Timestamp) -> u64;
    fn revoke_tenant(tenant: &Tenant, at: Timestamp) -> u64;
    fn find_grant(id: &GrantId) -> Option<GrantSummary>;
    fn list_grants(subject: &Subject, client: Option<&ClientId>, page: Page<GrantId>) -> Vec<GrantSummary>;
    fn has_grants(client: &ClientId) -> bool;
    fn touch_grant(id: &GrantId, at: Timestamp) -> ();
    fn purge_tokens(before: Timestamp, limit: NonZeroU32) -> u32;
}

intercept! { GrantStore, named in GRANT_STORE:
    fn exchange_code(code: &TokenKey, tokens: &IssuedTokens) -> Redemption;
}

/// The methods of all contracts.
pub(super) fn methods() -> Vec<&'static str> {
    [CLIENT_STORE, CLIENT_REGISTRY, CODE_STORE, TOKEN_STORE, GRANT_STORE].concat()
}
