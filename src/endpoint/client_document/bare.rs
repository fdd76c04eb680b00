//! Without the feature `cimd`, whoever is to be described by a document is unknown.

use std::sync::Arc;

use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::{AuthorizeError, StoreError};
use crate::server::AuthorizationServer;
use crate::wire::AuthorizationRequest;
use crate::wire::params::Params;

impl AuthorizationServer {
    /// The client that asks, which the store knows or does not.
    pub(in crate::endpoint) async fn asking_client(
        &self,
        _request: AuthorizationRequest<'_>,
        _params: &Params<'_>,
        _id: &ClientId,
        known: Option<Arc<Client>>,
    ) -> Result<Option<Arc<Client>>, AuthorizeError> {
        Ok(known.filter(|client| self.is_admitted(client)))
    }

    /// Whether a client that the store knows may be used.
    pub(in crate::endpoint) fn is_admitted(&self, client: &Client) -> bool {
        !client.is_described_by_document()
    }

    /// There is nothing to keep.
    pub(in crate::endpoint) async fn keep_client(&self, _client: &Client, _now: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }
}
