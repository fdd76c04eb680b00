//! The authorization server: its stores, its configuration, and what the host calls besides the endpoints.

mod account;
mod builder;
mod check;
mod import;
mod install_link;
#[cfg(feature = "jwt")]
mod keys;
mod purge;
mod stores;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::configuration::Configuration;
#[cfg(feature = "cimd")]
use crate::endpoint::DocumentCache;
use crate::endpoint::Documents;
use crate::error::StoreError;
use crate::issuer::Issuer;
use crate::observer::{Event, Operation};
use crate::resource_server::ResourceServer;
use crate::store::{ClientRegistry, ClientStore, GrantStore};
use crate::telemetry::operate;

pub use account::{
    AppChanges, CredentialDecision, CredentialPolicy, CredentialRequest, Developer, DeveloperApp, NewApp,
    NewPersonalToken, PersonalToken, Revocation,
};
pub use builder::AuthorizationServerBuilder;
pub use check::Finding;
pub use import::{ImportError, Imported};
pub use install_link::InstallLinkError;
pub use stores::Stores;

/// An OAuth 2.1 authorization server.
///
/// Cheap to clone: put one in the state of your router. See the crate's documentation for a whole flow.
#[derive(Clone, Debug)]
pub struct AuthorizationServer {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) clients: Arc<dyn ClientStore>,
    pub(crate) registry: Option<Arc<dyn ClientRegistry>>,
    pub(crate) grants: Arc<dyn GrantStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) documents: Documents,
    pub(crate) resource_server: ResourceServer,
    pub(crate) credential_policy: Arc<dyn CredentialPolicy>,
    /// How long ago a user may have proved who they are, to create a credential.
    pub(crate) reauthentication: Option<Duration>,
    /// What is known of clients that nobody registered.
    #[cfg(feature = "cimd")]
    pub(crate) client_documents: DocumentCache,
}

impl AuthorizationServer {
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn configuration(&self) -> &Configuration {
        &self.inner.configuration
    }

    pub(crate) fn observe(&self, event: &Event<'_>) {
        self.configuration().telemetry.observe(event);
    }

    /// Runs a call of the host's own, in which nothing can go wrong but a store.
    async fn call<T: Send>(
        &self,
        operation: Operation,
        future: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let told = async { future.await.inspect_err(|source| self.observe(&Event::Failed { operation, source })) };
        operate(operation, told).await
    }

    /// What the server is called: what browsers and clients know it by.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.configuration().issuer
    }

    /// The scope tokens that are granted along with `token`, also by way of others
    /// ([`scope_implies`](AuthorizationServerBuilder::scope_implies)); none for one that is not declared. A page that has
    /// a box for each token says so.
    pub fn implied_scopes(&self, token: &str) -> impl Iterator<Item = &str> {
        self.configuration().scopes.implied(token)
    }

    /// The server's view of the first resource: checks the tokens of an API in the same process.
    /// [`with_resource`](ResourceServer::with_resource) makes of a clone that of another.
    #[must_use]
    pub fn resource_server(&self) -> &ResourceServer {
        &self.inner.resource_server
    }
}
