//! Clients that call an API by their secret (HTTP Basic, RFC 7617), and so for themselves.

use std::sync::Arc;

use super::ResourceServer;
use super::access::{ClientAccess, Credential};
use crate::client::{AuthenticatedClient, Client, ClientCredentials, ClientId, Vetting};
use crate::configuration::Configuration;
use crate::error::{BearerError, ChallengeContext, ErrorReason, StoreError};
use crate::identifier::Extra;
use crate::observer::Operation;
use crate::rate_limit::{LimitedCall, RateLimiter, RateLimits};
use crate::scope::Scope;
use crate::store::ClientStore;
use crate::wire::header::{authorization, basic};

/// Where to find the clients that may call by their secret, and what they may do that are not limited to a scope.
#[derive(Clone, Debug)]
pub(super) struct ClientAuthenticator {
    clients: Arc<dyn ClientStore>,
    scopes: ClientScopes,
}

/// What clients may do for themselves.
#[derive(Clone, Debug)]
enum ClientScopes {
    /// What their own scope says, word for word, or this if they are not limited.
    Literal(Scope),
    /// What the authorization server would grant them: it knows what a wildcard stands for, and what a token implies.
    Granted(Arc<Configuration>),
}

impl ClientScopes {
    fn of(&self, client: &Client) -> Scope {
        match self {
            Self::Literal(scope) => client.scope().unwrap_or(scope).clone(),
            Self::Granted(configuration) => configuration.scopes.limit(client).into_owned(),
        }
    }
}

impl ClientAuthenticator {
    /// A client that may call for itself, if it proves who it is: somebody vouches for it, and it has a secret.
    pub(super) async fn find_vetted(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let found = self.clients.find_client(id).await?;
        Ok(found.filter(|client| client.vetting() == Vetting::Vetted && !client.is_public()))
    }
}

/// What a caller says who it is: by a secret, unless there is `None`, which is by a token.
#[derive(Default)]
pub(super) struct Claim {
    credentials: Option<Result<ClientCredentials<'static>, ErrorReason>>,
    client: Option<ClientId>,
}

impl Claim {
    pub(super) const fn client(&self) -> Option<&ClientId> {
        self.client.as_ref()
    }
}

impl ResourceServer {
    /// Lets clients in by `Authorization: Basic`, with their identifier and secret, beside access tokens.
    ///
    /// Such a client acts for itself: there is no subject, and it may do what its own scope says, or all of `scope` if it
    /// is not limited; the server's own [`resource_server`](crate::AuthorizationServer::resource_server) knows wildcards and
    /// implied tokens as well. It must be confidential and enabled, and somebody must vouch for it: one that registered
    /// itself is refused. By which grants it may obtain tokens does not matter, so limit the scope of clients that are to act
    /// for their users only. It costs one read of the store, as a token does. A 401 offers `Basic` as well then, behind
    /// `Bearer`.
    ///
    /// Off unless called: a secret that goes with every call is in more places than a token that expires.
    #[must_use]
    pub fn with_client_authentication(self, clients: Arc<dyn ClientStore>, scope: Scope) -> Self {
        self.with_clients(ClientAuthenticator { clients, scopes: ClientScopes::Literal(scope) })
    }

    /// As [`with_client_authentication`](Self::with_client_authentication), in the authorization server's own process.
    pub(crate) fn with_clients_of(self, clients: Arc<dyn ClientStore>, configuration: Arc<Configuration>) -> Self {
        self.with_clients(ClientAuthenticator { clients, scopes: ClientScopes::Granted(configuration) })
    }

    fn with_clients(mut self, clients: ClientAuthenticator) -> Self {
        self.context = Arc::new(ChallengeContext { offers_basic: true, ..(*self.context).clone() });
        self.clients = Some(Arc::new(clients));
        self
    }

    /// Limits how often the API may be called; see [`rate_limit`](crate::rate_limit).
    #[must_use]
    pub fn with_rate_limiter(self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.with_rate_limits(RateLimits::new(Some(limiter)))
    }

    pub(crate) fn with_rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = limits;
        self
    }

    /// Reads who calls by a secret, if anybody may.
    pub(super) fn claim(&self, headers: &http::HeaderMap) -> Claim {
        if self.clients.is_none() {
            return Claim::default();
        }
        let header = authorization(headers, ErrorReason::AccessTokenMalformed).ok().flatten();
        let credentials = header.and_then(basic);
        let id = credentials.as_ref().and_then(|credentials| credentials.as_ref().ok());
        let client = id.and_then(|credentials| ClientId::parse(&credentials.id).ok());
        Claim { credentials, client }
    }

    /// Finds out who calls, by a secret or a token.
    pub(super) async fn identify(&self, headers: &http::HeaderMap, claim: &Claim) -> Result<Credential, BearerError> {
        match (&self.clients, &claim.credentials) {
            (Some(clients), Some(credentials)) => {
                let refuse = |reason| BearerError::new(Arc::clone(&self.context), reason);
                let credentials = credentials.as_ref().map_err(|reason| refuse(*reason))?;
                let found = match claim.client() {
                    Some(id) => clients.find_vetted(id).await,
                    None => Ok(None),
                };
                let client = found.map_err(|error| BearerError::store(Arc::clone(&self.context), error))?;
                let authenticated = AuthenticatedClient::authenticate(client, credentials, self.clock.now());
                let client = authenticated.map_err(refuse)?;
                Ok(Credential::Client(Box::new(ClientAccess {
                    scope: clients.scopes.of(client.client()),
                    client,
                    resource: self.resource.iter().cloned().collect(),
                    extra: Extra::default(),
                })))
            }
            _ => self.find(headers).await.map(Credential::AccessToken),
        }
    }

    pub(super) async fn limit(&self, call: LimitedCall<'_>) -> Result<(), BearerError> {
        let limited = self.rate_limits.check(call, Operation::Verify, &self.context.telemetry).await;
        limited.map_err(|limited| BearerError::limited(Arc::clone(&self.context), limited.0))
    }
}
