//! A store that tells which calls it got.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::intercept::{InterceptedStore, Interceptor};
use crate::error::StoreError;

/// A store around a store that remembers which methods were called, in which order.
///
/// Clones share what they remember, so a test keeps one and gives another away:
///
/// ```
/// use std::sync::Arc;
/// use grantor::store::{ClientStore as _, MemoryStore};
/// use grantor::testkit::{RecordingStore, block_on};
///
/// let store = RecordingStore::new(MemoryStore::new());
/// let server_uses = store.clone();
/// block_on(server_uses.find_client(&"mobile".parse()?))?;
/// assert_eq!(store.take_calls(), ["find_client"]);
/// assert!(store.take_calls().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What it is for in the tests of a service is told [there](super#how-often-the-store-is-asked).
pub type RecordingStore<S> = InterceptedStore<S, Recording>;

/// What a [`RecordingStore`] remembers.
#[derive(Debug, Default)]
pub struct Recording(Mutex<Vec<&'static str>>);

impl<S> InterceptedStore<S, Recording> {
    /// Records the calls of `store`.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::around(Arc::new(store), Arc::new(Recording::default()))
    }

    /// The names of the methods that were called since the last time this was asked, in the order in which they began.
    #[must_use]
    pub fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.interceptor().0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets the calls so far: what led up to what a test is about.
    pub fn clear(&self) {
        let _ = self.take_calls();
    }
}

#[async_trait]
impl Interceptor for Recording {
    type Call = ();

    async fn before(&self, method: &'static str) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(method);
        Ok(())
    }

    async fn after(&self, (): ()) -> Result<(), StoreError> {
        Ok(())
    }
}
