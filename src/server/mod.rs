//! The authorization server: its stores, its configuration, and what the host calls besides the endpoints.

mod account;
mod builder;
mod check;
mod import;
mod install_link;
#[cfg(feature = "jwt")]
mod keys;
mod stores;

use std::num::NonZeroU32;
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
    /// Dead rows are kept this long at least, so that a clock that is a little behind finds what it expects.
    const PURGE_MARGIN: Duration = Duration::from_hours(1);

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

    /// Deletes codes and tokens whose life was over an hour ago, or for as long as
    /// [`retention`](AuthorizationServerBuilder::retention) says, at most `limit` rows of each kind, and returns how many went.
    ///
    /// What is left of a grant also tells that its consent form was submitted, so a form that can be submitted for
    /// longer than an hour keeps them for as long.
    ///
    /// Call it every few minutes from a task of your own, until it returns less than `limit`. It runs beside live
    /// traffic.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a store failed; what was deleted before stays deleted.
    pub async fn purge(&self, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.call(Operation::Purge, self.purge_stores(limit)).await
    }

    async fn purge_stores(&self, limit: NonZeroU32) -> Result<u32, StoreError> {
        let Configuration { retention, consent_lifetime, .. } = self.configuration();
        let margin = Self::PURGE_MARGIN.max(*consent_lifetime).max(*retention);
        let before = self.now().saturating_sub(margin);
        let tokens = self.inner.grants.purge_tokens(before, limit).await?;
        // While expired tokens are left, a store that holds both would look through all of their grants for codes, each
        // time.
        let codes = if tokens < limit.get() { self.inner.grants.purge_codes(before, limit).await? } else { 0 };
        if codes > 0 || tokens > 0 {
            self.observe(&Event::Purged { codes, tokens });
        }
        Ok(codes.saturating_add(tokens))
    }
}
