use grantor::store::{JoinedStores, MemoryStore};

grantor::store_tests! { store: async { Box::new(MemoryStore::new()) } }

/// Codes in one memory store and tokens in another.
mod joined {
    use std::sync::Arc;

    use super::{JoinedStores, MemoryStore};

    mod codes {
        grantor::store_tests! { codes: super::joined() }
    }

    mod tokens {
        grantor::store_tests! { tokens: super::joined() }
    }

    async fn joined() -> Box<JoinedStores> {
        Box::new(JoinedStores::new(Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new())))
    }
}
