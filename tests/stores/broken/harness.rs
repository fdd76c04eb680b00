//! A sound store, of which a defect replaces a method or two.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;
use grantor::client::{Client, ClientId};
use grantor::clock::Timestamp;
use grantor::error::StoreError;
use grantor::grant::{AccessTokenRecord, CodeRecord, Grant, IssuedTokens, Retirement};
use grantor::identifier::{Subject, Tenant};
use grantor::secret::{GrantId, SecretHash, TokenKey};
use grantor::store::{
    ClientRegistry, ClientStore, CodeStore, Deletion, FoundAccessToken, FoundRefreshToken, GrantStore, GrantSummary,
    Insertion, MemoryStore, Page, Redemption, Reuse, Rotation, TokenStore, Update,
};
use grantor::testkit::block_on;

/// A store with the defect `D`.
#[derive(Debug, Default)]
pub(super) struct Broken<D> {
    parts: Parts,
    defect: D,
}

/// What a defect is made of: the sound store, to which this dereferences, and room for what else a broken one would keep.
#[derive(Debug, Default)]
pub(super) struct Parts {
    sound: MemoryStore,
    /// A second store, which hears only what it is told.
    pub(super) shelf: MemoryStore,
    marks: Mutex<BTreeSet<Vec<u8>>>,
    numbers: Mutex<BTreeMap<Vec<u8>, i64>>,
}

impl Parts {
    /// Marks this, and tells whether it was not marked before.
    pub(super) fn mark(&self, what: &[u8]) -> bool {
        self.marks.lock().unwrap().insert(what.to_vec())
    }

    pub(super) fn is_marked(&self, what: &[u8]) -> bool {
        self.marks.lock().unwrap().contains(what)
    }

    /// The number that was put down for this.
    pub(super) fn number(&self, of: &[u8]) -> Option<i64> {
        self.numbers.lock().unwrap().get(of).copied()
    }

    pub(super) fn put(&self, of: &[u8], number: i64) {
        self.numbers.lock().unwrap().insert(of.to_vec(), number);
    }

    /// What has a number below `bound`.
    pub(super) fn below(&self, bound: i64) -> Vec<Vec<u8>> {
        let numbers = self.numbers.lock().unwrap();
        numbers.iter().filter(|(_, number)| **number < bound).map(|(of, _)| of.clone()).collect()
    }
}

impl Deref for Parts {
    type Target = MemoryStore;

    fn deref(&self) -> &MemoryStore {
        &self.sound
    }
}

/// Lets the others go on.
pub(super) async fn turn() {
    let mut turned = false;
    poll_fn(|context| {
        if std::mem::replace(&mut turned, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs the clause on a store with the defect, where an assertion of it has to fail.
pub(super) fn assert_caught<D: Defect>(clause: impl AsyncFnOnce(&Broken<D>)) {
    let store = Broken::<D>::default();
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| block_on(clause(&store)))) else {
        panic!("the clause did not notice the defect");
    };
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.expect("the panic has a text");
    assert!(!text.contains("called `Result::unwrap()`"), "the store failed instead of answering: {text}");
}

/// Defines [`Defect`] and the store that has one.
macro_rules! sabotage {
    ($($contract:ident: { $(fn $method:ident($($argument:ident: $kind:ty),*) -> $output:ty;)* })*) => {
        /// What is wrong with a store. What it leaves out is done by the sound one.
        #[async_trait]
        pub(super) trait Defect: Debug + Default + Send + Sync + 'static {
            $($(
                async fn $method(&self, store: &Parts, $($argument: $kind),*) -> Result<$output, StoreError> {
                    store.sound.$method($($argument),*).await
                }
            )*)*
        }

        $(
            #[async_trait]
            impl<D: Defect> $contract for Broken<D> {
                $(
                    async fn $method(&self, $($argument: $kind),*) -> Result<$output, StoreError> {
                        // Whoever waits once is raced on one task, in an order that a seed decides.
                        turn().await;
                        self.defect.$method(&self.parts, $($argument),*).await
                    }
                )*
            }
        )*
    };
}

sabotage! {
    ClientStore: {
        fn find_client(id: &ClientId) -> Option<Arc<Client>>;
    }
    ClientRegistry: {
        fn insert_client(client: &Client) -> Insertion;
        fn update_client(client: &Client) -> Update;
        fn touch_secret(id: &ClientId, secret: &SecretHash, at: Timestamp) -> ();
        fn delete_client(id: &ClientId) -> Deletion;
        fn list_clients(owner: &Subject, page: Page<ClientId>) -> Vec<Arc<Client>>;
        fn list_due_clients(before: Timestamp, limit: NonZeroU32) -> Vec<Arc<Client>>;
        fn count_clients(at_most: NonZeroU32) -> u32;
    }
    CodeStore: {
        fn insert_code(code: &CodeRecord) -> Insertion;
        fn find_code(key: &TokenKey) -> Option<CodeRecord>;
        fn redeem_code(key: &TokenKey, at: Timestamp, keep_until: Option<Timestamp>) -> Redemption;
        fn count_failure(key: &TokenKey) -> ();
        fn purge_codes(before: Timestamp, limit: NonZeroU32) -> u32;
    }
    TokenStore: {
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
    GrantStore: {
        fn exchange_code(code: &TokenKey, tokens: &IssuedTokens) -> Redemption;
    }
}
