//! `MemoryStore`, beside a `HashMap` of each kind of record under one lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use grantor::clock::Timestamp;
use grantor::grant::{AccessTokenRecord, Grant, IssuedTokens};
use grantor::secret::TokenKey;
use grantor::store::{MemoryLimits, MemoryStore};

use super::{Backend, insert_clients, insert_grants};
use crate::dataset::Dataset;
use crate::operation::{Call, Floor, Store};

pub(crate) struct Memory {
    store: Arc<dyn Store>,
    /// Loaded when the store is opened, after it was weighed.
    floor: Arc<Maps>,
    live: Mutex<Option<Dataset>>,
}

/// What the process took before the first store. What a store frees is not given back but used by the next one, so sizes should
/// rise.
static EMPTY: OnceLock<u64> = OnceLock::new();

impl Memory {
    pub(crate) fn new() -> Self {
        EMPTY.get_or_init(resident);
        let limits = MemoryLimits::new().with_grants(usize::MAX).with_grants_per_client(usize::MAX);
        let limits = limits.with_tokens(usize::MAX).with_tokens_per_grant(usize::MAX);
        let store = Arc::new(MemoryStore::with_limits(limits));
        Self { store, floor: Arc::default(), live: Mutex::default() }
    }
}

#[async_trait]
impl Backend for Memory {
    async fn open(&self, _connections: u32) -> (Arc<dyn Store>, Arc<dyn Floor>) {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(live) = live {
            self.floor.load(&live);
        }
        (Arc::clone(&self.store), Arc::<Maps>::clone(&self.floor))
    }

    async fn load(&self, data: &Dataset) {
        if data.space == 0 {
            insert_clients(&self.store).await;
            *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(data.clone());
        }
        insert_grants(&self.store, data).await;
    }

    /// By how much the process has grown.
    async fn bytes(&self) -> u64 {
        let is_loaded = self.live.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let grown = resident().saturating_sub(EMPTY.get().copied().unwrap_or_default());
        if is_loaded { grown } else { 0 }
    }

    async fn evicts(&self) -> Option<u64> {
        None
    }

    async fn clear(&self) {}
}

/// The resident set of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

#[derive(Default)]
struct Maps(Mutex<Records>);

#[derive(Default)]
struct Records {
    access: HashMap<TokenKey, (AccessTokenRecord, Arc<Grant>)>,
    refresh: HashMap<TokenKey, Timestamp>,
    codes: HashMap<TokenKey, Arc<Grant>>,
}

impl Records {
    fn insert(&mut self, tokens: &IssuedTokens) {
        self.access.insert(tokens.access.key, (tokens.access.clone(), Arc::clone(&tokens.grant)));
        if let Some(refresh) = &tokens.refresh {
            self.refresh.insert(refresh.key, refresh.issued_at);
        }
    }
}

impl Maps {
    fn load(&self, data: &Dataset) {
        for n in 0..data.grants {
            self.with(|records| records.insert(&data.issued(n)));
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Records) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Floor for Maps {
    async fn make(&self, call: &Call) -> bool {
        match call {
            Call::FindAccessToken(key) => self.with(|records| records.access.get(key).cloned()).is_some(),
            Call::FindRefreshToken(key) => self.with(|records| records.refresh.get(key).copied()).is_some(),
            Call::FindCode(key) => self.with(|records| records.codes.get(key).cloned()).is_some(),
            Call::Exchange(key, tokens) => self.with(|records| {
                let known = records.codes.remove(key).is_some();
                records.insert(tokens);
                known
            }),
            Call::Rotate(key, successors) => self.with(|records| {
                let known = records.refresh.remove(key).is_some();
                records.insert(&successors.1);
                known
            }),
            _ => false,
        }
    }

    fn observe(&self, call: &Call) {
        if let Call::InsertCode(code) = call {
            self.with(|records| records.codes.insert(code.key, Arc::clone(&code.grant)));
        }
    }
}
