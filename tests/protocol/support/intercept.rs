//! A server with something of a test before and after each call of its store.

use std::sync::Arc;

use grantor::testkit::{InterceptedStore, Interceptor};
use grantor::{AuthorizationServerBuilder, Stores};

use super::{Setup, Start};

impl Setup {
    /// A server whose every store call passes through `interceptor`; the fixtures are put in behind its back.
    pub async fn intercepted<I: Interceptor>(
        start: Start,
        interceptor: &Arc<I>,
        configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let interceptor = Arc::clone(interceptor);
        match start {
            Start::Memory(store) => {
                let stores = Stores::from(Arc::new(InterceptedStore::around(store.clone(), interceptor)));
                Self::build(stores, store.clone(), store, None, configure).await
            }
            Start::Sqlite(store, directory) => {
                let stores = Stores::from(Arc::new(InterceptedStore::around(store.clone(), interceptor)));
                Self::build(stores, store.clone(), store, Some(directory), configure).await
            }
        }
    }
}
