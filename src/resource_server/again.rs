//! Whether what a call was let in with is good still.

use std::sync::Arc;

use super::ResourceServer;
use super::access::{Access, ClientAccess, Credential};
use crate::client::{ClientAuthentication, ClientStatus};
use crate::error::{BearerError, ErrorReason};
use crate::grant::AccessTokenRecord;
use crate::observer::Operation;
use crate::telemetry::operate;

impl ResourceServer {
    /// Checks again what a call was let in with: for what goes on for longer than a request. Whoever called may have lost the
    /// token since, by revocation or because it has expired, or the client its secret. [`watch`](Self::watch) does it for the
    /// body of an answer.
    ///
    /// One read of the store, or none for a token that is taken at its word
    /// (`ResourceServer::offline`, feature `jwt`): that only expires. It is no call, so no rate limit counts it.
    ///
    /// # Errors
    ///
    /// [`BearerError`]: 401, or 503 if the store cannot tell. Either way, end the answer.
    pub async fn verify_again(&self, access: &Access) -> Result<(), BearerError> {
        let checked = async {
            let found = match &access.credential {
                Credential::AccessToken(found) => self.find_again(&found.token).await,
                Credential::Client(own) => self.find_client_again(own).await,
            };
            found.map_err(|error| access.refuse(error))
        };
        operate(Operation::Verify, checked).await
    }

    async fn find_again(&self, token: &AccessTokenRecord) -> Result<(), BearerError> {
        let known = match &self.tokens {
            Some(tokens) => tokens.find_access_token(&token.key).await.map(|found| found.is_some()),
            None => Ok(true),
        };
        let known = known.map_err(|error| BearerError::store(Arc::clone(&self.context), error))?;
        let reason = if known { self.refusal(token, self.clock.now()) } else { Some(ErrorReason::AccessTokenUnknown) };
        reason.map_or(Ok(()), |reason| Err(BearerError::new(Arc::clone(&self.context), reason)))
    }

    async fn find_client_again(&self, own: &ClientAccess) -> Result<(), BearerError> {
        let found = match &self.clients {
            Some(clients) => clients.find_vetted(own.client.client().id()).await,
            None => Ok(None),
        };
        let found = found.map_err(|error| BearerError::store(Arc::clone(&self.context), error))?;
        let (now, id) = (self.clock.now(), own.client.secret_id());
        let enabled = found.filter(|client| client.status() == ClientStatus::Enabled);
        let proved = enabled.is_some_and(|client| match client.authentication() {
            ClientAuthentication::Secret(secrets) => {
                secrets.secrets().any(|secret| Some(secret.id) == id && secret.is_live(now))
            }
            ClientAuthentication::None => false,
        });
        let refuse = || BearerError::new(Arc::clone(&self.context), ErrorReason::ClientAuthenticationFailed);
        if proved { Ok(()) } else { Err(refuse()) }
    }
}
