//! The revocation endpoint (RFC 7009).

use super::join::both;
use super::limit::Caller;
use super::{Call, Refusal};
use crate::client::{ClientCredentials, ClientId};
use crate::configuration::Configuration;
use crate::error::{EndpointError, ErrorReason, StoreError};
use crate::grant::Grant;
use crate::observer::{Actor, Endpoint, Event, Extent, Operation};
use crate::rate_limit::Peer;
use crate::secret::{Kind, Origin, Presented};
use crate::server::AuthorizationServer;
use crate::store::{FoundAccessToken, FoundRefreshToken};
use crate::telemetry::operate;
use crate::wire::params::Parameter;
use crate::wire::{ClientForm, ClientRequest};

/// A token that a client names, whichever kind it is.
pub(super) enum Found {
    Access(FoundAccessToken),
    /// Of another server: all that there is of its grant.
    ImportedAccess(FoundAccessToken),
    Refresh(FoundRefreshToken),
}

impl Found {
    pub(super) fn grant(&self) -> &Grant {
        match self {
            Self::Access(found) | Self::ImportedAccess(found) => &found.grant,
            Self::Refresh(found) => &found.grant,
        }
    }
}

impl AuthorizationServer {
    /// Revokes a token for the client that it was issued to.
    ///
    /// A refresh token takes its whole grant along, whether it is the newest or was replaced, and so does a token that a
    /// page of the host issued to the client, or that was imported; any other access token goes alone. A token that is
    /// unknown or dead is as revoked as it can be, so that is no error (RFC 7009 §2.2).
    ///
    /// # Errors
    ///
    /// [`EndpointError`], among others for a token of another client, which stays alive.
    pub async fn revoke(&self, request: ClientRequest<'_>) -> Result<(), EndpointError> {
        let answered = async {
            let Call { form, credentials, id } = self.open(Endpoint::Revocation, request)?;
            let result = self.revoke_for(&form, credentials, id.as_ref(), request.peer()).await;
            result.map_err(|refusal| self.refuse(Endpoint::Revocation, request.headers(), id.as_ref(), refusal))
        };
        operate(Operation::Revoke, answered).await
    }

    async fn revoke_for(
        &self,
        request: &ClientForm<'_>,
        credentials: Result<ClientCredentials<'_>, ErrorReason>,
        id: Option<&ClientId>,
        peer: Option<Peer>,
    ) -> Result<(), Refusal> {
        let credentials = credentials?;
        let (endpoint, operation, now) = (Endpoint::Revocation, Operation::Revoke, self.now());
        let caller = Caller { endpoint, operation, peer, id, credentials: &credentials, now };
        self.arrive(&caller).await?;
        let token = request.get(Parameter::Token);
        let (client, found) = both(self.find_client(id), self.find_token(token)).await;
        let client = self.authenticate(&caller, client?).await?;
        if token.is_none() {
            return Err(ErrorReason::TokenMissing.into());
        }
        let client = client.client().id();
        let Some(found) = found? else {
            self.observe(&Event::NothingToRevoke { client });
            return Ok(());
        };
        let grant = found.grant();
        if grant.client.as_ref() != Some(client) {
            return Err(Refusal::from(ErrorReason::TokenForeign).about(grant.id));
        }
        let extent = match &found {
            // A personal access token is all that there is of its grant.
            Found::Access(found) if found.grant.name.is_none() => {
                self.inner.grants.revoke_access_token(&found.token.key).await?;
                Extent::AccessToken
            }
            // A grant that is revoked stays so, also if the old table is imported once more.
            Found::Access(FoundAccessToken { grant, .. })
            | Found::ImportedAccess(FoundAccessToken { grant, .. })
            | Found::Refresh(FoundRefreshToken { grant, .. }) => {
                self.inner.grants.revoke_grant(&grant.id, now).await?;
                Extent::Grant
            }
        };
        let (client, subject) = (Some(client), grant.subject.as_ref());
        self.observe(&Event::Revoked { grant: grant.id, client, subject, extent, by: Actor::Client });
        Ok(())
    }

    /// Finds a token by what it is, not by what a hint says it is (RFC 7009 §2.1).
    pub(super) async fn find_token(&self, text: Option<&str>) -> Result<Option<Found>, StoreError> {
        let access = text.and_then(|text| self.inner.resource_server.read_token(text));
        if let Some((key, origin)) = access
            && let Some(found) = self.inner.grants.find_access_token(&key).await?
        {
            return Ok(Some(match origin {
                Origin::Own => Found::Access(found),
                Origin::Imported => Found::ImportedAccess(found),
            }));
        }
        let Configuration { prefixes, imported_tokens, .. } = self.configuration();
        let read = |text| Presented::read(Kind::RefreshToken, &prefixes.refresh_token, *imported_tokens, text);
        let refresh = text.and_then(read);
        let refresh = refresh.map(|presented| presented.key);
        Ok(self.find_refresh_token(refresh.as_ref()).await?.map(Found::Refresh))
    }
}
