//! Registration responses (RFC 7591 §3.2.1, RFC 7592 §3).

use std::fmt;
use std::sync::Arc;

use http::{Response, StatusCode};
use serde::Serialize;

use super::{json, to_json};
use crate::client::{ApplicationType, Client, ClientAuthentication, GrantType};
use crate::clock::Timestamp;
use crate::scope::Scope;
use crate::secret::ClientSecret;

/// A client as it was registered, with what it needs to know about itself.
#[must_use = "the secret is told only once"]
pub struct RegistrationResponse {
    pub(crate) status: StatusCode,
    pub(crate) client: Arc<Client>,
    pub(crate) client_secret: Option<ClientSecret>,
    pub(crate) registration_token: String,
    pub(crate) registration_uri: String,
    pub(crate) scope: Scope,
}

#[derive(Serialize)]
struct RegistrationBody<'a> {
    client_id: &'a str,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    registration_access_token: &'a str,
    registration_client_uri: &'a str,
    redirect_uris: Vec<&'a str>,
    token_endpoint_auth_method: &'a str,
    grant_types: Vec<&'a str>,
    response_types: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    contacts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    tos_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initiate_login_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    software_version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_type: Option<ApplicationType>,
}

impl fmt::Debug for RegistrationResponse {
    /// Everything but the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrationResponse")
            .field("status", &self.status)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl RegistrationResponse {
    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The response: 201 for a new client, 200 otherwise, with everything that is stored and the secret if one was made.
    #[must_use]
    pub fn into_http(self) -> Response<String> {
        let client = &*self.client;
        let metadata = client.metadata();
        let (method, expires_at) = match client.authentication() {
            ClientAuthentication::None => ("none", None),
            ClientAuthentication::Secret(secret) => (secret.method().as_str(), secret.expires_at()),
        };
        let secret = self.client_secret.as_ref();
        let body = RegistrationBody {
            client_id: client.id().as_str(),
            client_id_issued_at: client.created_at().unix_seconds(),
            client_secret: secret.map(ClientSecret::expose),
            // RFC 7591 §3.2.1: required with a secret, and 0 if it does not expire.
            client_secret_expires_at: secret.map(|_| expires_at.map_or(0, Timestamp::unix_seconds)),
            registration_access_token: &self.registration_token,
            registration_client_uri: &self.registration_uri,
            redirect_uris: client.redirect_uris().iter().map(|uri| uri.as_str()).collect(),
            token_endpoint_auth_method: method,
            grant_types: client.grant_types().iter().map(|grant_type| grant_type.as_str()).collect(),
            response_types: if client.allows(GrantType::AuthorizationCode) { vec!["code"] } else { Vec::new() },
            client_name: metadata.name(),
            client_uri: metadata.client_uri(),
            logo_uri: metadata.logo_uri(),
            scope: self.scope.as_str(),
            contacts: metadata.contacts(),
            tos_uri: metadata.tos_uri(),
            policy_uri: metadata.policy_uri(),
            initiate_login_uri: metadata.initiate_login_uri(),
            software_id: metadata.software_id(),
            software_version: metadata.software_version(),
            application_type: metadata.application_type(),
        };
        json(self.status, to_json(&body))
    }
}
