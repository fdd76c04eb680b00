//! The introspection endpoint (RFC 7662).

use super::join::both;
use super::limit::Caller;
use super::revoke::Found;
use super::{Call, Refusal};
use crate::client::{ClientCredentials, ClientId};
use crate::clock::Timestamp;
use crate::error::{EndpointError, ErrorReason};
use crate::observer::{Endpoint, Event, Operation};
use crate::rate_limit::Peer;
use crate::server::AuthorizationServer;
use crate::store::{FoundAccessToken, FoundRefreshToken};
use crate::telemetry::operate;
use crate::wire::params::Parameter;
use crate::wire::response::{ActiveToken, TokenKind};
use crate::wire::{ClientForm, ClientRequest, Introspection};

impl AuthorizationServer {
    /// Tells a confidential client about a token of its own.
    ///
    /// A token of another client is as inactive to it as one that never was (RFC 7662 §2.2, §4). A resource server in
    /// another process uses a [`ResourceServer`](crate::ResourceServer) over the shared store instead.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] if the caller is not a confidential client, or names no token.
    pub async fn introspect(&self, request: ClientRequest<'_>) -> Result<Introspection, EndpointError> {
        let answered = async {
            let Call { form, credentials, id } = self.open(Endpoint::Introspection, request)?;
            let result = self.introspect_for(&form, credentials, id.as_ref(), request.peer()).await;
            result.map_err(|refusal| self.refuse(Endpoint::Introspection, request.headers(), id.as_ref(), refusal))
        };
        operate(Operation::Introspect, answered).await
    }

    async fn introspect_for(
        &self,
        request: &ClientForm<'_>,
        credentials: Result<ClientCredentials<'_>, ErrorReason>,
        id: Option<&ClientId>,
        peer: Option<Peer>,
    ) -> Result<Introspection, Refusal> {
        let credentials = credentials?;
        let (endpoint, operation, now) = (Endpoint::Introspection, Operation::Introspect, self.now());
        let caller = Caller { endpoint, operation, peer, id, credentials: &credentials, now };
        self.arrive(&caller).await?;
        let token = request.get(Parameter::Token);
        let (client, found) = both(self.find_client(id), self.find_token(token)).await;
        let client = self.authenticate(&caller, client?).await?;
        if client.client().is_public() {
            return Err(ErrorReason::IntrospectionNotAllowed.into());
        }
        if token.is_none() {
            return Err(ErrorReason::TokenMissing.into());
        }
        let own = found?.filter(|found| found.grant().client.as_ref() == Some(client.client().id()));
        let grant = own.as_ref().map(|found| found.grant().id);
        let introspection = own.map_or(Introspection::INACTIVE, |found| self.describe(found, now));
        let grant = grant.filter(|_| introspection.is_active());
        self.observe(&Event::Introspected { client: client.client().id(), grant });
        Ok(introspection)
    }

    fn describe(&self, found: Found, now: Timestamp) -> Introspection {
        let (kind, grant, key, scope, resource, issued_at, expires_at, active) = match found {
            Found::Access(FoundAccessToken { token, grant })
            | Found::ImportedAccess(FoundAccessToken { token, grant }) => (
                TokenKind::Access,
                grant,
                token.key,
                token.scope,
                token.resource,
                token.issued_at,
                token.expires_at,
                true,
            ),
            Found::Refresh(FoundRefreshToken { token, grant }) => {
                let (scope, resource, active) = (grant.scope.clone(), grant.resource.clone(), token.is_active());
                (TokenKind::Refresh, grant, token.key, scope, resource, token.issued_at, token.expires_at, active)
            }
        };
        if !active || expires_at.is_some_and(|at| at <= now) {
            return Introspection::INACTIVE;
        }
        Introspection::active(ActiveToken {
            issuer: self.configuration().issuer.clone(),
            client: grant.client.clone(),
            subject: grant.subject.clone(),
            tenant: grant.tenant.clone(),
            kind,
            scope,
            resource,
            issued_at,
            expires_at,
            identifier: key.identifier(),
        })
    }
}
