//! Building the authorization server, and keeping it going.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use grantor::client::ClientId;
use grantor::configuration::ProtectedResource;
use grantor::resource::ResourceIndicator;
use grantor::{AuthorizationServer, Finding, Issuer};
use serde_json::{Value, json};

use super::client;
use super::client_documents;
use super::credentials::Membership;
use super::last_used::SecretObserver;
use super::mcp;
use super::services::Credentials;
use super::settings::Settings;
use super::signing_key;
use super::storage::Storage;
use crate::shortener::database::Database;
use crate::shortener::sessions::Sessions;

/// How often expired rows are deleted.
const PURGE_EVERY: Duration = Duration::from_mins(5);
/// How many rows of a kind are deleted at once, so that nobody waits long for the lock.
const PURGE_BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(499);
/// How long what has ended stays on the pages that list it.
const LISTED: Duration = Duration::from_hours(30 * 24);
/// How long ago a password may have been typed by whoever makes an app or a token, where that is asked for.
const PASSWORD_AGAIN: Duration = Duration::from_mins(5);

/// The authorization server of the shortener, as it is for the service of `settings`.
pub fn authorization_server(
    issuer: &Issuer,
    settings: &Settings,
    database: &Database,
    storage: &Storage,
    observer: SecretObserver,
) -> Result<AuthorizationServer, String> {
    let service = &settings.service;
    let no_resource = |error| format!("ISSUER is not a resource: {error}");
    let api = ResourceIndicator::parse(issuer.as_str()).map_err(no_resource)?;
    let invalid = |error| format!("the service {}: {error}", service.name);
    let membership = Membership { database: database.clone(), developers: service.developers };
    let mut builder = AuthorizationServer::builder(issuer.clone(), storage.stores.clone())
        .paths(service.paths.clone())
        .resource(ProtectedResource::new(api.clone()).with_name(service.title))
        .credential_policy(Arc::new(membership))
        .retention(LISTED)
        .observer(Arc::new(observer));
    for (token, words) in service.scopes {
        builder = builder.scope(token, words);
    }
    if let Some(tools) = &service.mcp {
        let mcp = mcp::resource(issuer).map_err(no_resource)?;
        let name = format!("{} for agents", service.title);
        builder = builder
            .resource(ProtectedResource::new(mcp.clone()).with_name(&name).with_scope(tools.scopes().map_err(invalid)?))
            .default_resources([api, mcp]);
    }
    for (name, _) in service.parameters {
        builder = builder.authorization_parameter(name);
    }
    if let Some(limiter) = &storage.limiter {
        builder = builder.rate_limiter(Arc::clone(limiter));
    }
    if let Some(documents) = client_documents::policy(service, &settings.documents)? {
        builder = builder.client_id_metadata_documents(documents);
    }
    if service.credentials == Credentials::PasswordAgain {
        builder = builder.reauthentication(PASSWORD_AGAIN);
    }
    if let Some(algorithm) = service.signed_by {
        builder = builder.access_token_keys(signing_key::open(algorithm, settings.signing_key.as_deref())?);
    }
    let builder = (service.configure)(builder).map_err(invalid)?;
    builder.build().map_err(|error| error.to_string())
}

/// Tries the configuration and the store. What is only unwise is logged, since this is a demo; a store that loses
/// things is a reason not to start.
pub async fn check(server: &AuthorizationServer) -> Result<(), String> {
    for finding in server.check().await {
        match finding {
            Finding::StoreLoses(_) | Finding::StoreBreaks(_) | Finding::StoreFails(_) => {
                return Err(format!("DATABASE_URL: {finding}"));
            }
            finding => tracing::warn!(target: "oauth", "{finding}"),
        }
    }
    Ok(())
}

/// Registers the demo client.
pub async fn install_demo(server: &AuthorizationServer, issuer: &Issuer) -> Result<ClientId, String> {
    let client = json!({
        "client_id": client::ID,
        "client_name": "Link Board",
        "redirect_uris": [format!("{issuer}{}", client::REDIRECT_PATH)],
        "initiate_login_uri": format!("{issuer}{}", client::INSTALL_PATH),
        "token_endpoint_auth_method": "none",
    });
    install(server, &client).await
}

/// Registers the clients in a file: an array of RFC 7591 objects, each with its own `client_id` and perhaps a secret.
pub async fn install_clients(server: &AuthorizationServer, file: &Path) -> Result<Vec<ClientId>, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("CLIENTS: {name} cannot be read: {error}"))?;
    let clients: Vec<Value> =
        serde_json::from_str(&text).map_err(|error| format!("CLIENTS: {name} is not a JSON array: {error}"))?;
    let mut installed = Vec::new();
    for (at, client) in clients.iter().enumerate() {
        let id = install(server, client).await;
        installed.push(id.map_err(|error| format!("CLIENTS: {name}: client {}: {error}", at + 1))?);
    }
    Ok(installed)
}

async fn install(server: &AuthorizationServer, client: &Value) -> Result<ClientId, String> {
    match server.install_client(client.to_string().as_bytes()).await {
        Ok(client) => Ok(client.id().clone()),
        Err(error) => Err(error.description().to_owned()),
    }
}

/// Deletes what has expired, beside the traffic, for as long as the process runs.
pub async fn purge_forever(server: AuthorizationServer, sessions: Sessions) {
    let mut turn = tokio::time::interval(PURGE_EVERY);
    loop {
        turn.tick().await;
        if let Err(error) = sessions.purge().await {
            tracing::error!(%error, "sessions were not purged");
        }
        loop {
            match server.purge(PURGE_BATCH).await {
                Ok(gone) if gone >= PURGE_BATCH.get() => tokio::task::yield_now().await,
                Ok(_) => break,
                Err(error) => {
                    tracing::error!(%error, "codes and tokens were not purged");
                    break;
                }
            }
        }
    }
}
