//! Clients that the operator knows beforehand, in the form of RFC 7591.

use crate::client::{Client, ClientAuthentication, ClientId, GrantType, Vetting};
use crate::configuration::RegistrationRules;
use crate::error::{EndpointError, ErrorReason};
use crate::observer::{Actor, Endpoint, Event, Operation};
use crate::secret::SecretHash;
use crate::server::AuthorizationServer;
use crate::store::{Insertion, Update};
use crate::telemetry::operate;
use crate::wire::registration::ClientDocument;
use crate::wire::service::ServiceDocument;

use super::Refusal;
use super::registration_rules::{Method, by_secret, check_client, describe};

/// How often a client is looked at and changed, in vain because somebody else changed it meanwhile.
const INSTALL_ATTEMPTS: u32 = 32;

impl AuthorizationServer {
    /// Registers a client that the operator vouches for, or brings its registration up to date: one JSON object of RFC
    /// 7591 metadata with its own `client_id` and, unless `token_endpoint_auth_method` is `none`, `client_secret`.
    ///
    /// Every grant type and every scope of the server may be named. Its grants stay as they are.
    ///
    /// A `client_secret` that was rotated since
    /// ([`rotate_client_secret`](Self::rotate_client_secret)) neither comes back nor ends the one that replaced it. One that is
    /// not known takes the place of all that are, so after a reset the object has to be changed as well.
    ///
    /// A member `service` says what RFC 7591 has no name for; here with everything that it may hold:
    ///
    /// ```json
    /// {
    ///   "client_id": "crm", "client_secret": "…", "redirect_uris": ["http://localhost:3000/callback"],
    ///   "service": {
    ///     "environment": "development",
    ///     "tenant": "acme",
    ///     "owner": "user-17",
    ///     "policies": {
    ///       "pkce": "exempt",
    ///       "refresh_policy": "reuse",
    ///       "access_token_format": "opaque",
    ///       "default_scope": "links:read",
    ///       "unknown_scope": "drop"
    ///     }
    ///   }
    /// }
    /// ```
    ///
    /// * `environment`: `development`, `production`, or nothing;
    /// * `tenant`, `owner`: what the client is confined to, and the user who manages it;
    /// * `policies`: what the client has of its own. `pkce` is `required`, `exempt` or `optional`; `refresh_policy` is `never`,
    ///   `reuse` or `rotate`, with the default grace; `access_token_format` is `opaque` or `jwt`; `unknown_scope` is
    ///   `refuse` or `drop`.
    ///
    /// With `service` the client has exactly that, and what is left out is taken from it; without, all of it stays as it is.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] whose description says what is wrong with the object; nothing was changed then.
    pub async fn install_client(&self, document: &[u8]) -> Result<Client, EndpointError> {
        let installed = async {
            self.install(document).await.map_err(|refusal| self.refuse_host(Endpoint::Registration, None, refusal))
        };
        operate(Operation::InstallClient, installed).await
    }

    /// Registers a client that was put together by the host, if it could work at all.
    pub(crate) async fn register_checked(&self, client: &Client) -> Result<(), EndpointError> {
        let result = self.insert_checked(client).await;
        result.map_err(|refusal| self.refuse_host(Endpoint::Registration, Some(client.id()), refusal))
    }

    async fn insert_checked(&self, client: &Client) -> Result<(), Refusal> {
        check_client(client, self.configuration())?;
        match self.registry()?.insert_client(client).await? {
            Insertion::Inserted => {
                self.observe(&Event::Registered { client: client.id(), by: Actor::User });
                Ok(())
            }
            Insertion::Conflict => Err(ErrorReason::RegistrationConflict.into()),
        }
    }

    async fn install(&self, document: &[u8]) -> Result<Client, Refusal> {
        let registry = self.registry()?;
        let document = ClientDocument::read(document)?;
        let id = document.client_id.as_deref().unwrap_or_default();
        let id =
            ClientId::parse(id).map_err(|error| Refusal::described(ErrorReason::MetadataInvalid, error.to_string()))?;
        let service = document.service.as_ref().map(ServiceDocument::read).transpose();
        let service = service
            .map_err(|problem| Refusal::described(ErrorReason::MetadataInvalid, format!("service: {problem}")))?;
        let policies = service.as_ref().map(ServiceDocument::policies).unwrap_or_default();
        let rules = RegistrationRules::new().with_grant_types(GrantType::ALL).with_policies(policies);
        let described = describe(&document, &rules, self.configuration())?;
        let authentication = match (described.method, &document.client_secret) {
            (Method::None, None) => ClientAuthentication::None,
            (Method::Secret(method), Some(secret)) => by_secret(method, SecretHash::of(secret), self.now()),
            (Method::None, Some(_)) => {
                return Err(Refusal::described(
                    ErrorReason::MetadataInvalid,
                    "a client_secret, but the method is none",
                ));
            }
            (Method::Secret(_), None) => {
                return Err(Refusal::described(ErrorReason::MetadataInvalid, "the client_secret is missing"));
            }
        };
        let client = described.into_client(id, authentication);
        let serve = |client: Client| service.iter().fold(client, |client, service| service.apply_to(client));

        // Other processes may start at the same time. If one of them was faster, look again: it made the client as it
        // should be, or, with another file, changed it.
        for _ in 0..INSTALL_ATTEMPTS {
            let Some(known) = registry.find_client(client.id()).await? else {
                let client = serve(client.clone()).with_created_at(self.now());
                check_client(&client, self.configuration())?;
                match registry.insert_client(&client).await? {
                    Insertion::Inserted => {
                        self.observe(&Event::Registered { client: client.id(), by: Actor::Operator });
                        return Ok(client);
                    }
                    Insertion::Conflict => continue,
                }
            };
            let mut client = client.clone().managed_like(&known, known.updated_at()).with_secrets_of(&known);
            // Of a client that its own document described the operator says now what it is.
            if known.is_described_by_document() {
                client = client.with_vetting(Vetting::Vetted);
            }
            let client = serve(client);
            check_client(&client, self.configuration())?;
            if client == *known {
                return Ok(client);
            }
            let client = client.with_updated_at(self.now());
            match registry.update_client(&client).await? {
                Update::Updated => {
                    self.observe(&Event::RegistrationChanged { client: client.id(), by: Actor::Operator });
                    return Ok(client);
                }
                Update::Conflict | Update::Unknown => {}
            }
        }
        Err(ErrorReason::RegistrationConflict.into())
    }
}
