//! The registration endpoint (RFC 7591 §3).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, StatusCode};

use super::Refusal;
use super::registration_rules::{Method, check_client, describe, with_new_secret};
use crate::client::{Client, ClientAuthentication, ClientId, Vetting};
use crate::configuration::{Registration, RegistrationManagement, RegistrationMember, RegistrationRules};
use crate::error::{EndpointError, ErrorReason};
use crate::observer::{Actor, Endpoint, Event, Operation};
use crate::rate_limit::{LimitedCall, Peer, Stage};
use crate::secret::{RegistrationToken, random};
use crate::server::AuthorizationServer;
use crate::store::{ClientRegistry, Insertion};
use crate::telemetry::operate;
use crate::wire::header::bearer;
use crate::wire::registration::ClientDocument;
use crate::wire::{ManagementAccess, RegistrationResponse, require_json};

/// A request to the registration endpoint, or to the place where a registration is managed. Not printed by `Debug`.
#[derive(Clone, Copy)]
pub struct RegistrationRequest<'a> {
    headers: &'a HeaderMap,
    body: &'a [u8],
    peer: Option<Peer>,
}

impl fmt::Debug for RegistrationRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistrationRequest(..)")
    }
}

impl<'a> RegistrationRequest<'a> {
    /// Takes the headers and the body of the request; the body may be empty for reading and deleting.
    #[must_use]
    pub const fn new(headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { headers, body, peer: None }
    }

    /// Says where the request comes from, for the rate limiter.
    #[must_use]
    pub const fn with_peer(mut self, peer: Peer) -> Self {
        self.peer = Some(peer);
        self
    }

    pub(super) const fn peer(&self) -> Option<Peer> {
        self.peer
    }

    pub(super) const fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    pub(super) fn bearer(&self) -> Result<&'a str, ErrorReason> {
        bearer(self.headers)
    }

    pub(super) fn document(&self) -> Result<ClientDocument, Refusal> {
        require_json(self.headers)?;
        Ok(ClientDocument::read(self.body)?)
    }
}

impl AuthorizationServer {
    /// Registers a client that asks for it, under the operator's [`Registration`] rules.
    ///
    /// The server chooses the identifier and the secret; the response is the only place where the secret and the
    /// registration access token are ever seen.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] with the codes of RFC 7591 §3.2.2; nothing was registered then.
    pub async fn register(&self, request: RegistrationRequest<'_>) -> Result<RegistrationResponse, EndpointError> {
        let answered = async {
            let result = self.register_client(request).await;
            result.map_err(|refusal| self.refuse(Endpoint::Registration, request.headers(), None, refusal))
        };
        operate(Operation::Register, answered).await
    }

    async fn register_client(&self, request: RegistrationRequest<'_>) -> Result<RegistrationResponse, Refusal> {
        let configuration = self.configuration();
        let limited = |stage| LimitedCall::new(Endpoint::Registration, stage).with_peer(request.peer());
        self.limit(limited(Stage::Arrived), Operation::Register).await?;
        let rules = match self.admit(&request) {
            Ok(rules) => rules,
            Err(refusal) => return Err(self.guessed(limited(Stage::Failed), Operation::Register, refusal).await),
        };
        let registry = self.registry()?;
        let described = describe(&request.document()?, rules, configuration)?;
        let (client_secret, authentication) = match described.method {
            Method::None => (None, ClientAuthentication::None),
            Method::Secret(method) => {
                let (secret, authentication) = with_new_secret(method, configuration, self.now());
                (Some(secret), authentication)
            }
        };
        let token = match rules.management {
            RegistrationManagement::Enabled => {
                Some(RegistrationToken::generate(&configuration.prefixes.registration_token))
            }
            RegistrationManagement::Disabled => None,
        };
        let client = described
            .into_client(new_client_id(&rules.client_id_prefix), authentication)
            .with_policies(rules.policies.clone())
            .with_vetting(Vetting::SelfRegistered)
            .with_created_at(self.now())
            .with_review_at(rules.unused_clients.first_review(self.now()));
        let client = match &token {
            Some(token) => client.with_registration_token(token.hash()),
            None => client,
        };
        check_client(&client, configuration)?;
        if registry.count_clients(rules.max_clients).await? >= rules.max_clients.get() {
            return Err(ErrorReason::RegistrationsExhausted.into());
        }
        match registry.insert_client(&client).await? {
            Insertion::Inserted => {}
            Insertion::Conflict => return Err(ErrorReason::StoreFailed.into()),
        }
        self.observe(&Event::Registered { client: client.id(), by: Actor::Client });
        if client_secret.is_some() {
            self.observe(&Event::SecretMade { client: client.id() });
        }
        let token = token.as_ref().map(RegistrationToken::expose);
        Ok(self.registration_response(StatusCode::CREATED, Arc::new(client), client_secret, token))
    }

    /// Who may register: anybody, or whoever has an initial access token.
    fn admit(&self, request: &RegistrationRequest<'_>) -> Result<&RegistrationRules, Refusal> {
        match &self.configuration().registration {
            Registration::Closed => Err(ErrorReason::EndpointUnknown.into()),
            Registration::Open(rules) => Ok(rules),
            Registration::Guarded { initial_tokens, rules } => {
                let presented = request.bearer().map_err(|reason| match reason {
                    ErrorReason::AccessTokenMissing => ErrorReason::InitialTokenMissing,
                    _ => ErrorReason::InitialTokenInvalid,
                })?;
                // Every token is compared, so that time does not tell which one is nearly right.
                let matches = initial_tokens.iter().map(|hash| hash.matches(presented)).enumerate();
                let known = matches.fold(None, |known, (index, matches)| if matches { Some(index) } else { known });
                let index = known.ok_or(ErrorReason::InitialTokenInvalid)?;
                self.observe(&Event::InitialTokenUsed { index });
                Ok(rules)
            }
        }
    }

    pub(super) fn registry(&self) -> Result<&Arc<dyn ClientRegistry>, Refusal> {
        self.inner.registry.as_ref().ok_or_else(|| ErrorReason::EndpointUnknown.into())
    }

    pub(super) fn registration_response(
        &self,
        status: StatusCode,
        client: Arc<Client>,
        client_secret: Option<crate::secret::ClientSecret>,
        registration_token: Option<&str>,
    ) -> RegistrationResponse {
        let configuration = self.configuration();
        let (origin, path) = (configuration.issuer.origin(), configuration.paths.register());
        let rules = configuration.registration.rules();
        let tells = |member| !rules.is_some_and(|rules| rules.leaves_out(member));
        RegistrationResponse {
            status,
            management: registration_token.map(|token| ManagementAccess {
                uri: format!("{origin}{path}/{}", client.id()),
                token: token.to_owned(),
            }),
            issued_at: tells(RegistrationMember::ClientIdIssuedAt).then(|| client.created_at()),
            scope: tells(RegistrationMember::Scope).then(|| configuration.scopes.limit(&client).into_owned()),
            client,
            client_secret,
        }
    }
}

/// A random identifier that needs no escaping anywhere, and looks like no URL and no user.
pub(crate) fn new_client_id(prefix: &str) -> ClientId {
    let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<16>()));
    ClientId::generated(text)
}
