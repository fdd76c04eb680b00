//! Who asks, if nobody registered them.

use std::sync::Arc;

use super::cache::Outcome;
use super::flights::LONGEST_FLIGHT;
use super::read::read;
use crate::cimd::{ClientIdMetadataDocuments, ClientIdUrl, DocumentProblem};
use crate::client::{Client, ClientId, ClientStatus};
use crate::clock::Timestamp;
use crate::error::{AuthorizeError, ErrorReason};
use crate::observer::{Endpoint, Event, Operation};
use crate::rate_limit::{Limited, LimitedCall, Peer, Stage};
use crate::redirect_uri::RedirectUri;
use crate::server::AuthorizationServer;
use crate::wire::AuthorizationRequest;
use crate::wire::params::{Parameter, Params};

impl AuthorizationServer {
    /// The client that asks: as the store knows it, or as its document describes it now.
    ///
    /// Whoever somebody vouches for is what was registered, also under the URL of a document.
    pub(in crate::endpoint) async fn asking_client(
        &self,
        request: AuthorizationRequest<'_>,
        params: &Params<'_>,
        id: &ClientId,
        known: Option<Arc<Client>>,
    ) -> Result<Option<Arc<Client>>, AuthorizeError> {
        let registered = known.as_ref().is_some_and(|client| !client.is_described_by_document());
        let Some(documents) = self.configuration().client_documents.as_ref().filter(|_| id.is_url() && !registered)
        else {
            return Ok(known.filter(|client| self.is_admitted(client)));
        };
        if known.as_ref().is_some_and(|client| client.status() != ClientStatus::Enabled) {
            return Ok(None);
        }
        let url = ClientIdUrl::parse(id.as_str()).map_err(|_| AuthorizeError::show(ErrorReason::ClientIdUrlInvalid))?;
        if !documents.accepts(&url) {
            return Err(AuthorizeError::show(ErrorReason::ClientHostRefused));
        }
        check_plausible(params).map_err(AuthorizeError::show)?;
        let described = self.described(documents, &url, request.peer()).await?;
        Ok(Some(Arc::new(as_known(&described, known.as_deref()))))
    }

    /// Whether a client that the store knows may be used: not if its document would not be read any more.
    pub(in crate::endpoint) fn is_admitted(&self, client: &Client) -> bool {
        let documents = self.configuration().client_documents.as_ref();
        !client.is_described_by_document() || documents.is_some_and(|documents| documents.accepts_id(client.id()))
    }

    /// What the document says, or said lately. Of many who ask at once, one fetches it.
    async fn described(
        &self,
        documents: &ClientIdMetadataDocuments,
        url: &ClientIdUrl,
        peer: Option<Peer>,
    ) -> Result<Arc<Client>, AuthorizeError> {
        let cache = &self.inner.client_documents;
        let known = || cache.find(url.client_id(), self.now()).map(|outcome| outcome.map_err(AuthorizeError::show));
        let limited = |wait| AuthorizeError::show(ErrorReason::RateLimited).with_retry_after(wait);
        if let Some(outcome) = known() {
            return outcome;
        }
        let ticket = cache.flights.join(url, peer).ok_or_else(|| limited(LONGEST_FLIGHT))?;
        let _turn = ticket.turn().await;
        if let Some(outcome) = known() {
            return outcome;
        }
        let call = LimitedCall::new(Endpoint::Authorization, Stage::Fetching);
        let call = call.with_peer(peer).with_claimed_client(Some(url.client_id()));
        let configuration = self.configuration();
        let checked = configuration.rate_limits.check(call, Operation::Authorize, &configuration.telemetry).await;
        checked.map_err(|Limited(wait)| limited(wait))?;
        self.fetched(documents, url).await.map_err(AuthorizeError::show)
    }

    /// What the document says now.
    async fn fetched(&self, documents: &ClientIdMetadataDocuments, url: &ClientIdUrl) -> Outcome {
        let answer = documents.fetcher.fetch(url).await;
        let now = self.now();
        let described = answer.map_err(DocumentProblem::from).and_then(|answer| {
            let client = read(url, &answer, documents, self.configuration())?;
            Ok((Arc::new(client), documents.caching.lifetime(answer.headers(), now)))
        });
        let client = url.client_id();
        let (outcome, lifetime) = match described {
            Ok((described, lifetime)) => {
                self.observe(&Event::ClientDocumentRead { client });
                (Ok(described), lifetime)
            }
            Err(problem) => {
                self.observe(&Event::ClientDocumentRefused { client, problem: &problem });
                (Err(problem.reason()), documents.caching.failure())
            }
        };
        self.inner.client_documents.remember(client, outcome.clone(), now.saturating_add(lifetime), now);
        outcome
    }
}

/// Nothing is fetched for a request that no document could make right.
fn check_plausible(params: &Params<'_>) -> Result<(), ErrorReason> {
    if params.repeats(Parameter::RedirectUri) {
        return Err(ErrorReason::RedirectUriRepeated);
    }
    match params.get(Parameter::RedirectUri).map(RedirectUri::parse) {
        Some(Err(_)) => Err(ErrorReason::RedirectUriUnregistered),
        _ => Ok(()),
    }
}

/// The client as it is described, with what the operator decided about it. Nobody's consent is remembered to what nobody
/// was asked about yet.
fn as_known(described: &Client, known: Option<&Client>) -> Client {
    let Some(known) = known else { return described.clone().with_updated_at(Timestamp::MAX) };
    let unchanged = described.consented() == known.consented();
    let updated_at = if unchanged { known.updated_at() } else { Timestamp::MAX };
    described.clone().described_like(known, updated_at)
}
