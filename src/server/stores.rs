//! Which stores a server works on.

use std::sync::Arc;

use crate::store::{ClientRegistry, ClientStore, CodeStore, GrantStore, JoinedStores, TokenStore};

/// The stores of an [`AuthorizationServer`](crate::AuthorizationServer).
///
/// ```
/// use std::sync::Arc;
/// use grantor::Stores;
/// use grantor::store::MemoryStore;
///
/// let everything_in_one = Stores::from(Arc::new(MemoryStore::new()));
///
/// let apps = Arc::new(MemoryStore::new());
/// let grants = Arc::new(MemoryStore::new());
/// let apart = Stores::new(apps.clone(), grants).with_registry(apps);
/// ```
#[derive(Clone, Debug)]
pub struct Stores {
    pub(crate) clients: Arc<dyn ClientStore>,
    pub(crate) registry: Option<Arc<dyn ClientRegistry>>,
    pub(crate) grants: Arc<dyn GrantStore>,
}

impl Stores {
    /// Clients in one store, codes and tokens in another; clients cannot be registered through the server.
    pub fn new(clients: Arc<dyn ClientStore>, grants: Arc<dyn GrantStore>) -> Self {
        Self { clients, registry: None, grants }
    }

    /// Clients, codes and tokens in three stores; see [`JoinedStores`] for what that means.
    pub fn separate(clients: Arc<dyn ClientStore>, codes: Arc<dyn CodeStore>, tokens: Arc<dyn TokenStore>) -> Self {
        Self::new(clients, Arc::new(JoinedStores::new(codes, tokens)))
    }

    /// Lets clients be registered, changed and deleted through the server; it finds them there, too.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<dyn ClientRegistry>) -> Self {
        self.clients = Arc::clone(&registry) as Arc<dyn ClientStore>;
        self.registry = Some(registry);
        self
    }
}

impl<S: ClientRegistry + GrantStore> From<Arc<S>> for Stores {
    fn from(store: Arc<S>) -> Self {
        let registry: Arc<dyn ClientRegistry> = Arc::clone(&store) as _;
        Self { clients: Arc::clone(&store) as _, registry: Some(registry), grants: store }
    }
}
