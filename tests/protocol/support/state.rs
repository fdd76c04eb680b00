//! What is stored, and changes that are made behind the server's back.

use std::num::NonZeroU32;

use grantor::AuthorizationServerBuilder;
use grantor::client::{Client, ClientId};
use grantor::clock::{Clock as _, Timestamp};
use grantor::store::{GrantSummary, Insertion, Page, Update};

use super::Setup;

/// More grants than any test makes for one user.
const PAGE: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

impl Setup {
    /// The same server on both stores, for a test that configures it.
    pub async fn both_with(configure: impl Fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder) -> [Self; 2] {
        [Self::memory_with(&configure).await, Self::sqlite_with(&configure).await]
    }

    /// The instant at which the clock stands.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Registers one more client.
    pub async fn add(&self, client: Client) {
        assert_eq!(self.registry.insert_client(&client).await.unwrap(), Insertion::Inserted);
    }

    /// Changes a client as the operator would.
    pub async fn change(&self, id: &str, change: impl FnOnce(Client) -> Client) {
        let id: ClientId = id.parse().unwrap();
        let client = self.registry.find_client(&id).await.unwrap().expect("the client to change");
        let changed = change(Client::clone(&client));
        assert_eq!(self.registry.update_client(&changed).await.unwrap(), Update::Updated);
    }

    /// Everything that alice granted, whether it is alive or not; a code alone counts.
    pub async fn granted(&self) -> Vec<GrantSummary> {
        self.grants.list_grants(&self.alice, None, Page::first(PAGE)).await.unwrap()
    }
}
