//! The token endpoint (RFC 6749 §3.2): who asks, for which grant.

use std::sync::Arc;

use super::limit::Caller;
use super::{Call, Refusal};
use crate::client::{AuthenticatedClient, ClientCredentials, ClientId, GrantType};
use crate::clock::Timestamp;
use crate::error::{EndpointError, ErrorReason};
use crate::grant::{Grant, Issuing, Minted};
use crate::identifier::Extra;
use crate::observer::{Endpoint, Event, Operation};
use crate::rate_limit::Peer;
use crate::secret::GrantId;
use crate::server::AuthorizationServer;
use crate::store::Insertion;
use crate::telemetry::operate;
use crate::wire::{ClientForm, ClientRequest, TokenRequest, TokenResponse};

impl AuthorizationServer {
    /// Answers a token request: exchanges a code, refreshes, or issues a token to the client itself.
    ///
    /// Whatever is checked is checked before anything is spent, and what is spent and what is issued are stored in one
    /// step: if the future is dropped, or the store fails, the state is before or after, and a retry ends well.
    ///
    /// A code that is exchanged twice, each time rightly, is held by two parties: its grant is revoked, also if both
    /// come at once (RFC 6749 §4.1.2). A refresh token has a grace,
    /// [`RefreshPolicy::Rotate`](crate::policy::RefreshPolicy::Rotate).
    ///
    /// # Errors
    ///
    /// [`EndpointError`], with the failure of a store never blamed on the client.
    pub async fn token(&self, request: ClientRequest<'_>) -> Result<TokenResponse, EndpointError> {
        let answered = async {
            let Call { form, credentials, id } = self.open(Endpoint::Token, request)?;
            let result = self.dispatch(&form, credentials, id.as_ref(), request.peer()).await;
            result.map_err(|refusal| self.refuse(Endpoint::Token, request.headers(), id.as_ref(), refusal))
        };
        operate(Operation::Token, answered).await
    }

    async fn dispatch(
        &self,
        request: &ClientForm<'_>,
        credentials: Result<ClientCredentials<'_>, ErrorReason>,
        id: Option<&ClientId>,
        peer: Option<Peer>,
    ) -> Result<TokenResponse, Refusal> {
        let token_request = TokenRequest::read(request)?;
        if !self.configuration().grant_types.contains(&token_request.grant_type()) {
            return Err(ErrorReason::GrantTypeUnsupported.into());
        }
        let credentials = credentials?;
        let (endpoint, operation, now) = (Endpoint::Token, Operation::Token, self.now());
        let caller = Caller { endpoint, operation, peer, id, credentials: &credentials, now };
        self.arrive(&caller).await?;
        let resources = request.resources();
        let response = match token_request {
            TokenRequest::AuthorizationCode { code, presented } => {
                self.exchange(&caller, code, &presented, resources).await?
            }
            TokenRequest::RefreshToken { token, scope } => self.refresh(&caller, token, scope, resources).await?,
            TokenRequest::ClientCredentials { scope } => {
                let client = self.find_client(id).await?;
                let client = self.authenticate(&caller, client).await?;
                self.client_credentials(&client, scope, request, caller.now).await?
            }
        };
        // Whoever names a resource is written for RFC 8707, not for this service, and may refuse what no RFC has.
        Ok(if resources.is_empty() { response } else { response.without_null() })
    }

    /// The client acts for itself (RFC 6749 §4.4): an access token without a user, and without a refresh token.
    async fn client_credentials(
        &self,
        client: &AuthenticatedClient,
        scope: Option<&str>,
        request: &ClientForm<'_>,
        now: Timestamp,
    ) -> Result<TokenResponse, Refusal> {
        let client = client.client();
        if client.is_public() || !client.allows(GrantType::ClientCredentials) {
            return Err(ErrorReason::GrantTypeNotAllowed.into());
        }
        let configuration = self.configuration();
        let scope = configuration.scopes.resolve(scope, client)?;
        let resource = configuration.resources.resolve(request.resources())?;
        let scope = configuration.resources.restrict(&resource, scope)?;
        let grant = Arc::new(Grant {
            id: GrantId::random(),
            client: Some(client.id().clone()),
            subject: None,
            scope: scope.clone(),
            resource: resource.clone(),
            tenant: client.tenant().cloned(),
            name: None,
            extra: Extra::default(),
            created_at: now,
        });
        let Minted { tokens, response } = Issuing::to(client, configuration, now).access(&grant, scope, resource)?;
        self.note_use(client, Operation::Token).await;
        match self.inner.grants.insert_tokens(&tokens).await? {
            Insertion::Inserted => {
                let grant_type = GrantType::ClientCredentials;
                self.observe(&Event::Issued { grant: grant.id, client: client.id(), subject: None, grant_type });
                Ok(response)
            }
            // A random identifier of 128 bits that is taken means that the store does not do what it says.
            Insertion::Conflict => Err(ErrorReason::StoreFailed.into()),
        }
    }
}
