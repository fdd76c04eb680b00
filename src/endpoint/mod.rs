//! The endpoints: thin asynchronous shells that fetch, check, commit and answer.

mod authorize;
mod client_document;
mod exchange;
mod handle;
mod install;
mod introspect;
mod join;
mod limit;
mod manage;
mod metadata;
mod refresh;
mod register;
mod registration_rules;
mod resource_metadata;
mod revoke;
mod token;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use crate::client::{Client, ClientCredentials, ClientId};
use crate::error::{Challenge, EndpointError, ErrorReason, StoreError};
use crate::observer::{Endpoint, Event};
use crate::secret::GrantId;
use crate::server::AuthorizationServer;
use crate::wire::{ClientForm, ClientRequest};

pub use authorize::Recall;
#[cfg(feature = "cimd")]
pub(crate) use client_document::DocumentCache;
pub use handle::{EndpointRoute, PathMatch};
pub(crate) use metadata::Documents;
pub use register::RegistrationRequest;
pub(crate) use register::new_client_id;
pub(crate) use registration_rules::{check_client, with_new_secret};
pub use resource_metadata::ProtectedResourceMetadata;

/// A refusal on its way to becoming an [`EndpointError`].
#[derive(Debug)]
pub(crate) struct Refusal {
    reason: ErrorReason,
    description: Option<Cow<'static, str>>,
    grant: Option<GrantId>,
    source: Option<StoreError>,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn described(reason: ErrorReason, description: impl Into<Cow<'static, str>>) -> Self {
        Self { description: Some(description.into()), ..reason.into() }
    }

    /// Tells the operator which grant it was about.
    pub(crate) const fn about(mut self, grant: GrantId) -> Self {
        self.grant = Some(grant);
        self
    }
}

impl From<ErrorReason> for Refusal {
    fn from(reason: ErrorReason) -> Self {
        Self { reason, description: None, grant: None, source: None, retry_after: None }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let reason = error.reason();
        Self { source: Some(error), ..reason.into() }
    }
}

/// A form, and who says to have sent it.
struct Call<'a> {
    form: ClientForm<'a>,
    credentials: Result<ClientCredentials<'a>, ErrorReason>,
    id: Option<ClientId>,
}

impl AuthorizationServer {
    /// Reads a form, or JSON if the operator wants that; an identifier that cannot be one belongs to no client.
    fn open<'a>(&self, endpoint: Endpoint, request: ClientRequest<'a>) -> Result<Call<'a>, EndpointError> {
        let refuse = |reason: ErrorReason| self.refuse(endpoint, request.headers(), None, reason.into());
        let mut form = request.read(self.configuration().token_requests).map_err(refuse)?;
        let credentials = form.credentials();
        let id = credentials.as_ref().ok().and_then(|credentials| ClientId::parse(&credentials.id).ok());
        Ok(Call { form, credentials, id })
    }

    /// Makes a refusal the answer of an endpoint to a request with these headers, and tells the operator.
    fn refuse(
        &self,
        endpoint: Endpoint,
        headers: &HeaderMap,
        client: Option<&ClientId>,
        refusal: Refusal,
    ) -> EndpointError {
        let error = self.refuse_host(endpoint, client, refusal);
        match &self.configuration().wording {
            Some(wording) => {
                let words = wording.description(error.reason(), headers);
                error.with_words(words)
            }
            None => error,
        }
    }

    /// Makes a refusal the answer to a call of the host's own, which hears all there is to say, and tells the operator.
    pub(crate) fn refuse_host(&self, endpoint: Endpoint, client: Option<&ClientId>, refusal: Refusal) -> EndpointError {
        let Refusal { reason, description, grant, source, retry_after } = refusal;
        self.observe(&Event::Refused { endpoint, reason, client, grant, source: source.as_ref() });
        let realm = self.configuration().issuer.authority().to_owned();
        let challenge = match endpoint {
            Endpoint::Registration | Endpoint::RegistrationManagement => Challenge::Bearer(realm),
            _ => Challenge::Basic(realm),
        };
        let mut error = EndpointError::new(reason, challenge).with_retry_after(retry_after);
        if let Some(description) = description {
            error = error.with_description(description);
        }
        if let Some(source) = source {
            error = error.with_source(source);
        }
        error
    }

    /// Finds the client that a request names.
    async fn find_client(&self, id: Option<&ClientId>) -> Result<Option<Arc<Client>>, StoreError> {
        match id {
            Some(id) => Ok(self.inner.clients.find_client(id).await?.filter(|client| self.is_admitted(client))),
            None => Ok(None),
        }
    }
}
