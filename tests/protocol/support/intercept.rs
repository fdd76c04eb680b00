//! A store around a store, with something of a test before and after each call.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use grantor::client::{Client, ClientId};
use grantor::clock::Timestamp;
use grantor::error::StoreError;
use grantor::grant::{AccessTokenRecord, CodeRecord, Grant, IssuedTokens, Retirement};
use grantor::secret::{GrantId, TokenKey};
use grantor::store::{
    ClientRegistry, ClientStore, CodeStore, Deletion, FoundAccessToken, FoundRefreshToken, GrantStore, GrantSummary,
    Insertion, Page, Redemption, Reuse, Rotation, TokenStore, Update,
};
use grantor::{AuthorizationServerBuilder, Stores, Subject};

use super::{Setup, Start};

/// What a test does around the calls of a store.
#[async_trait]
pub trait Interceptor: Debug + Send + Sync + 'static {
    /// Before the inner call; an error takes its place.
    async fn before(&self, method: &'static str) -> Result<(), StoreError>;

    /// After the inner call, with its effect in place; an error hides what it returned.
    async fn after(&self, method: &'static str) -> Result<(), StoreError>;
}

/// The store that the server under test gets.
#[derive(Debug)]
struct Intercepted<I> {
    clients: Arc<dyn ClientRegistry>,
    grants: Arc<dyn GrantStore>,
    interceptor: Arc<I>,
}

impl Setup {
    /// A server whose every store call passes through `interceptor`; the fixtures are put in behind its back.
    pub async fn intercepted<I: Interceptor>(
        start: Start,
        interceptor: &Arc<I>,
        configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let (clients, grants, directory): (Arc<dyn ClientRegistry>, Arc<dyn GrantStore>, _) = match start {
            Start::Memory(store) => (store.clone(), store, None),
            Start::Sqlite(store, directory) => (store.clone(), store, Some(directory)),
        };
        let interceptor = Arc::clone(interceptor);
        let store = Arc::new(Intercepted { clients: Arc::clone(&clients), grants: Arc::clone(&grants), interceptor });
        Self::build(Stores::from(store), grants, clients, directory, configure).await
    }
}

macro_rules! intercept {
    ($contract:ident in $inner:ident: $(fn $method:ident($($argument:ident: $kind:ty),*) -> $output:ty;)*) => {
        #[async_trait]
        impl<I: Interceptor> $contract for Intercepted<I> {
            $(
                async fn $method(&self, $($argument: $kind),*) -> Result<$output, StoreError> {
                    self.interceptor.before(stringify!($method)).await?;
                    let output = self.$inner.$method($($argument),*).await?;
                    self.interceptor.after(stringify!($method)).await?;
                    Ok(output)
                }
            )*
        }
    };
}

intercept! { ClientStore in clients:
    fn find_client(id: &ClientId) -> Option<Arc<Client>>;
}

intercept! { ClientRegistry in clients:
    fn insert_client(client: &Client) -> Insertion;
    fn update_client(client: &Client) -> Update;
    fn delete_client(id: &ClientId) -> Deletion;
    fn list_clients(owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>>;
    fn count_clients(at_most: NonZeroU32) -> u32;
}

intercept! { CodeStore in grants:
    fn insert_code(code: &CodeRecord) -> Insertion;
    fn find_code(key: &TokenKey) -> Option<CodeRecord>;
    fn redeem_code(key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption;
    fn count_failure(key: &TokenKey) -> ();
    fn purge_codes(before: Timestamp, limit: NonZeroU32) -> u32;
}

intercept! { TokenStore in grants:
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
    fn list_grants(subject: &Subject, client: Option<&ClientId>, page: Page<GrantId>) -> Vec<GrantSummary>;
    fn touch_grant(id: &GrantId, at: Timestamp) -> ();
    fn purge_tokens(before: Timestamp, limit: NonZeroU32) -> u32;
}

intercept! { GrantStore in grants:
    fn exchange_code(code: &TokenKey, tokens: &IssuedTokens) -> Redemption;
}
