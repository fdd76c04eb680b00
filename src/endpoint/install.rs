//! Clients that the operator knows beforehand, in the form of RFC 7591.

use crate::client::{Client, ClientAuthentication, ClientId, GrantType};
use crate::configuration::RegistrationRules;
use crate::error::{EndpointError, ErrorReason};
use crate::observer::{Endpoint, Event};
use crate::secret::SecretHash;
use crate::server::AuthorizationServer;
use crate::store::{Insertion, Update};
use crate::wire::registration::ClientDocument;

use super::Refusal;
use super::registration_rules::{Method, by_secret, describe};

impl AuthorizationServer {
    /// Registers a client that the operator vouches for, or brings its registration up to date: one JSON object of RFC 7591
    /// metadata with its own `client_id` and, unless `token_endpoint_auth_method` is `none`, `client_secret`.
    ///
    /// Every grant type and every scope of the server may be named. Its grants stay as they are.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] whose description says what is wrong with the object; nothing was changed then.
    pub async fn install_client(&self, document: &[u8]) -> Result<Client, EndpointError> {
        let result = self.install(document).await;
        result.map_err(|refusal| self.refuse(Endpoint::Registration, None, refusal))
    }

    async fn install(&self, document: &[u8]) -> Result<Client, Refusal> {
        let registry = self.registry()?;
        let document = ClientDocument::read(document)?;
        let id = document.client_id.as_deref().unwrap_or_default();
        let id =
            ClientId::parse(id).map_err(|error| Refusal::described(ErrorReason::MetadataInvalid, error.to_string()))?;
        let rules = RegistrationRules::new().with_grant_types(GrantType::ALL);
        let described = describe(&document, &rules, self.configuration())?;
        let authentication = match (described.method, &document.client_secret) {
            (Method::None, None) => ClientAuthentication::None,
            (Method::Secret(method), Some(secret)) => by_secret(method, SecretHash::of(secret)),
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

        let Some(known) = registry.find_client(client.id()).await? else {
            let client = client.with_created_at(self.now());
            return match registry.insert_client(&client).await? {
                Insertion::Inserted => {
                    self.observe(&Event::Registered { client: client.id() });
                    Ok(client)
                }
                Insertion::Conflict => Err(ErrorReason::RegistrationConflict.into()),
            };
        };
        let client = client.managed_like(&known, known.updated_at());
        if client == *known {
            return Ok(client);
        }
        let client = client.with_updated_at(self.now());
        match registry.update_client(&client).await? {
            Update::Updated => {
                self.observe(&Event::RegistrationChanged { client: client.id() });
                Ok(client)
            }
            Update::Conflict | Update::Unknown => Err(ErrorReason::RegistrationConflict.into()),
        }
    }
}
