//! Which stores a [`TestServer`](super::TestServer) works on, and where it puts what a test begins with.

use std::sync::Arc;

use crate::client::{Client, ClientId};
use crate::server::{AuthorizationServer, Stores};
use crate::store::{ClientRegistry, GrantStore, Insertion, TokenStore};
use crate::testkit::{InterceptedStore, Interceptor};

/// The stores of a [`TestServer`](super::TestServer): an [`Arc`] of one that does it all, a
/// [`RecordingStore`](crate::testkit::RecordingStore), a [`FaultyStore`](crate::testkit::FaultyStore), or [`Stores`].
///
/// What a test begins with, its clients and the tokens of [`issue_access`](crate::testkit::issue_access), is put into
/// the store within a recording or faulty one: it is not recorded, and no fault meets it. Of two around each other, it
/// goes past the outer one.
#[derive(Clone, Debug)]
pub struct TestStores {
    stores: Stores,
    fixtures: Option<Fixtures>,
}

impl TestStores {
    pub(super) fn into_parts(self) -> (Stores, Option<Fixtures>) {
        (self.stores, self.fixtures)
    }
}

impl From<Stores> for TestStores {
    fn from(stores: Stores) -> Self {
        Self { stores, fixtures: None }
    }
}

impl<S: ClientRegistry + GrantStore> From<Arc<S>> for TestStores {
    fn from(store: Arc<S>) -> Self {
        Stores::from(store).into()
    }
}

impl<S: ClientRegistry + GrantStore, I: Interceptor> From<InterceptedStore<S, I>> for TestStores {
    fn from(store: InterceptedStore<S, I>) -> Self {
        let within = Arc::clone(store.inner());
        let registry: Arc<dyn ClientRegistry> = Arc::clone(&within) as _;
        Self { stores: Arc::new(store).into(), fixtures: Some(Fixtures { registry: Some(registry), tokens: within }) }
    }
}

/// Where a test puts what it begins with.
#[derive(Clone, Debug)]
pub(super) struct Fixtures {
    registry: Option<Arc<dyn ClientRegistry>>,
    pub(super) tokens: Arc<dyn TokenStore>,
}

impl Fixtures {
    /// The stores of the server itself.
    pub(super) fn of(server: &AuthorizationServer) -> Self {
        Self { registry: server.inner.registry.clone(), tokens: Arc::clone(&server.inner.grants) as _ }
    }

    /// Registers a client, unless there is one with its identifier.
    pub(super) async fn insert(&self, client: &Client) {
        let Some(registry) = &self.registry else {
            panic!(
                "these stores have no registry to put {} into: do so yourself, and use it by `existing`",
                client.id()
            );
        };
        match registry.insert_client(client).await {
            Ok(Insertion::Inserted | Insertion::Conflict) => {}
            Err(error) => panic!("the client {} cannot be stored: {error}", client.id()),
        }
    }

    pub(super) async fn find(&self, id: &ClientId) -> Option<Client> {
        match self.registry.as_ref()?.find_client(id).await {
            Ok(found) => found.map(Arc::unwrap_or_clone),
            Err(error) => panic!("the client {id} cannot be read: {error}"),
        }
    }
}
