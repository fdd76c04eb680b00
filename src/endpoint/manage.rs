//! A client manages its own registration (RFC 7592).

use std::sync::Arc;

use http::StatusCode;

use super::registration_rules::{Method, check_client, describe, with_new_secret};
use super::{Refusal, RegistrationRequest};
use crate::client::{Client, ClientAuthentication, ClientId, ClientStatus};
use crate::configuration::RegistrationManagement;
use crate::error::{EndpointError, ErrorReason};
use crate::observer::{Actor, Endpoint, Event, Operation};
use crate::rate_limit::{LimitedCall, Stage};
use crate::server::AuthorizationServer;
use crate::store::{Deletion, Update};
use crate::telemetry::operate;
use crate::wire::RegistrationResponse;

/// A client that presented its registration access token.
struct Managed<'a> {
    client: Arc<Client>,
    token: &'a str,
}

impl AuthorizationServer {
    /// Tells a client its registration (RFC 7592 §2.1). The secret is not known any more, and so not told.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] with a 401 unless the registration access token is that of this client.
    pub async fn read_registration(
        &self,
        id: &str,
        request: RegistrationRequest<'_>,
    ) -> Result<RegistrationResponse, EndpointError> {
        let answered = async {
            let result = self.managed(id, &request, Operation::ReadRegistration).await;
            let Managed { client, token } = result.map_err(|refusal| self.refuse_management(id, &request, refusal))?;
            self.observe(&Event::RegistrationRead { client: client.id() });
            Ok(self.registration_response(StatusCode::OK, client, None, Some(token)))
        };
        operate(Operation::ReadRegistration, answered).await
    }

    /// Replaces a client's registration (RFC 7592 §2.2): members that are left out are removed. Consent that was given
    /// before is asked for again, and codes for a redirect URI that is gone are dead.
    ///
    /// # Errors
    ///
    /// [`EndpointError`]; nothing was changed then.
    pub async fn replace_registration(
        &self,
        id: &str,
        request: RegistrationRequest<'_>,
    ) -> Result<RegistrationResponse, EndpointError> {
        let answered =
            async { self.replace(id, &request).await.map_err(|refusal| self.refuse_management(id, &request, refusal)) };
        operate(Operation::ReplaceRegistration, answered).await
    }

    /// Deletes a client with all that it was granted (RFC 7592 §2.3).
    ///
    /// # Errors
    ///
    /// [`EndpointError`] with a 401 unless the registration access token is that of this client.
    pub async fn delete_registration(&self, id: &str, request: RegistrationRequest<'_>) -> Result<(), EndpointError> {
        let answered =
            async { self.delete(id, &request).await.map_err(|refusal| self.refuse_management(id, &request, refusal)) };
        operate(Operation::DeleteRegistration, answered).await
    }

    fn refuse_management(&self, id: &str, request: &RegistrationRequest<'_>, refusal: Refusal) -> EndpointError {
        let client = ClientId::parse(id).ok();
        self.refuse(Endpoint::RegistrationManagement, request.headers(), client.as_ref(), refusal)
    }

    /// An unknown client and a wrong token look alike (RFC 7592 §2.1).
    async fn managed<'a>(
        &self,
        id: &str,
        request: &RegistrationRequest<'a>,
        operation: Operation,
    ) -> Result<Managed<'a>, Refusal> {
        self.registry()?;
        let rules = self.configuration().registration.rules();
        if rules.is_some_and(|rules| rules.management == RegistrationManagement::Disabled) {
            return Err(ErrorReason::EndpointUnknown.into());
        }
        let id = ClientId::parse(id).ok();
        let limited = |stage| {
            let call = LimitedCall::new(Endpoint::RegistrationManagement, stage);
            call.with_peer(request.peer()).with_claimed_client(id.as_ref())
        };
        self.limit(limited(Stage::Arrived), operation).await?;
        let token = request.bearer().map_err(|reason| match reason {
            ErrorReason::AccessTokenMissing => ErrorReason::RegistrationTokenMissing,
            _ => ErrorReason::RegistrationTokenInvalid,
        })?;
        let client = self.find_client(id.as_ref()).await?;
        let enabled = client.filter(|client| client.status() == ClientStatus::Enabled);
        let own = enabled.filter(|client| client.registration_token().is_some_and(|hash| hash.matches(token)));
        match own {
            Some(client) => Ok(Managed { client, token }),
            None => {
                let refusal = ErrorReason::RegistrationTokenInvalid.into();
                Err(self.guessed(limited(Stage::Failed), operation, refusal).await)
            }
        }
    }

    async fn replace(&self, id: &str, request: &RegistrationRequest<'_>) -> Result<RegistrationResponse, Refusal> {
        let Managed { client, token } = self.managed(id, request, Operation::ReplaceRegistration).await?;
        let configuration = self.configuration();
        let rules = configuration.registration.rules().ok_or(ErrorReason::EndpointUnknown)?;
        let document = request.document()?;
        let mismatch = |problem: String| Refusal::described(ErrorReason::RegistrationMismatch, problem);
        if document.client_id.as_deref() != Some(client.id().as_str()) {
            return Err(mismatch("client_id is not that of this registration".to_owned()));
        }
        if let Some(member) = document.server_member() {
            return Err(mismatch(format!("{member} is set by the server only")));
        }
        // RFC 7592 §2.2: a client may repeat its secret, and must not choose one.
        if let Some(secret) = document.client_secret.as_deref() {
            let own = match client.authentication() {
                ClientAuthentication::Secret(current) => current.accepts(secret, self.now()).is_some(),
                ClientAuthentication::None => false,
            };
            if !own {
                return Err(mismatch("client_secret is not that of this client".to_owned()));
            }
        }

        let described = describe(&document, rules, configuration)?;
        let (secret, authentication) = match (described.method, client.authentication()) {
            (Method::None, _) => (None, ClientAuthentication::None),
            (Method::Secret(method), ClientAuthentication::Secret(current)) => {
                (None, ClientAuthentication::Secret(current.clone().with_method(method)))
            }
            (Method::Secret(method), ClientAuthentication::None) => {
                let (secret, authentication) = with_new_secret(method, configuration, self.now());
                (Some(secret), authentication)
            }
        };
        let replacement = described.into_client(client.id().clone(), authentication).managed_like(&client, self.now());
        check_client(&replacement, configuration)?;
        match self.registry()?.update_client(&replacement).await? {
            Update::Updated => {}
            Update::Conflict => return Err(ErrorReason::RegistrationConflict.into()),
            Update::Unknown => return Err(ErrorReason::RegistrationTokenInvalid.into()),
        }
        self.observe(&Event::RegistrationChanged { client: client.id(), by: Actor::Client });
        if secret.is_some() {
            self.observe(&Event::SecretMade { client: client.id() });
        }
        Ok(self.registration_response(StatusCode::OK, Arc::new(replacement), secret, Some(token)))
    }

    async fn delete(&self, id: &str, request: &RegistrationRequest<'_>) -> Result<(), Refusal> {
        let Managed { client, .. } = self.managed(id, request, Operation::DeleteRegistration).await?;
        match self.delete_with_grants(client.id(), Actor::Client).await? {
            Deletion::Deleted => Ok(()),
            Deletion::Unknown => Err(ErrorReason::RegistrationTokenInvalid.into()),
        }
    }
}
