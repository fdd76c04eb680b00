//! Who a client is, and whether it calls too often.

use std::sync::Arc;

use super::Refusal;
use crate::client::{AuthenticatedClient, Client, ClientCredentials, ClientId};
use crate::clock::Timestamp;
use crate::error::ErrorReason;
use crate::observer::{Endpoint, Event, Operation};
use crate::rate_limit::{Limited, LimitedCall, Peer, Stage};
use crate::server::AuthorizationServer;

/// A client that has not proved anything yet, what it called, and when.
pub(super) struct Caller<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) operation: Operation,
    pub(super) peer: Option<Peer>,
    pub(super) id: Option<&'a ClientId>,
    pub(super) credentials: &'a ClientCredentials<'a>,
    pub(super) now: Timestamp,
}

impl<'a> Caller<'a> {
    fn limited(&self, stage: Stage) -> LimitedCall<'a> {
        LimitedCall::new(self.endpoint, stage).with_peer(self.peer).with_claimed_client(self.id)
    }
}

impl From<Limited> for Refusal {
    fn from(Limited(retry_after): Limited) -> Self {
        Self { retry_after: Some(retry_after), ..ErrorReason::RateLimited.into() }
    }
}

impl AuthorizationServer {
    /// Lets a client in that does not call too often. No store was asked before.
    pub(super) async fn arrive(&self, caller: &Caller<'_>) -> Result<(), Refusal> {
        self.limit(caller.limited(Stage::Arrived), caller.operation).await
    }

    /// Authenticates the client that was found for its identifier.
    pub(super) async fn authenticate(
        &self,
        caller: &Caller<'_>,
        client: Option<Arc<Client>>,
    ) -> Result<AuthenticatedClient, Refusal> {
        let authenticated = match AuthenticatedClient::authenticate(client, caller.credentials, caller.now) {
            Ok(authenticated) => authenticated,
            Err(reason @ ErrorReason::ClientAuthenticationFailed) => {
                return Err(self.guessed(caller.limited(Stage::Failed), caller.operation, reason.into()).await);
            }
            Err(reason) => return Err(reason.into()),
        };
        let client = authenticated.client();
        // A public client proves nothing: whoever names it would use up what its users have.
        if !client.is_public() {
            let secret_id = authenticated.secret_id();
            self.observe(&Event::Authenticated { endpoint: caller.endpoint, client: client.id(), secret_id });
            let call = caller.limited(Stage::Authenticated).with_client(Some(client.id()));
            self.limit(call.with_tenant(client.tenant()), caller.operation).await?;
        }
        Ok(authenticated)
    }

    pub(super) async fn limit(&self, call: LimitedCall<'_>, operation: Operation) -> Result<(), Refusal> {
        let configuration = self.configuration();
        Ok(configuration.rate_limits.check(call, operation, &configuration.telemetry).await?)
    }

    /// Counts a secret or token that was wrong: whoever guesses too often is told that, and not that it was wrong.
    pub(super) async fn guessed(&self, call: LimitedCall<'_>, operation: Operation, refusal: Refusal) -> Refusal {
        self.limit(call, operation).await.err().unwrap_or(refusal)
    }
}
