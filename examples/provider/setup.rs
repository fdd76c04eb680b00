//! Building the authorization server, and keeping it going.

use std::error::Error;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use grantor::configuration::ProtectedResource;
use grantor::redirect_uri::RedirectUriPolicy;
use grantor::store::{ClientRegistry, GrantStore, PostgresStore, RedisError, RedisStore, SqliteStore, TokenStore};
use grantor::{AuthorizationServer, Finding, Issuer, Stores};
use serde_json::{Value, json};

use super::client;
use super::services::Service;
use crate::shortener::database::Database;
use crate::shortener::sessions::Sessions;

/// How often expired rows are deleted.
const PURGE_EVERY: Duration = Duration::from_mins(5);
/// How many rows of a kind are deleted at once, so that nobody waits long for the lock.
const PURGE_BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(499);

/// Where an app may send its users back to.
pub fn redirect_uris() -> RedirectUriPolicy {
    RedirectUriPolicy::new()
}

/// Where clients, codes and tokens are: in Redis if there is one, otherwise in tables beside the shortener's own. What
/// the server works on, and its tokens.
pub async fn stores(database: &Database, redis_url: Option<&str>) -> Result<(Stores, Arc<dyn TokenStore>), String> {
    match (redis_url, database) {
        (Some(url), _) => Ok(in_one(redis(url).await.map_err(unusable)?)),
        (None, Database::Sqlite(pool)) => {
            let store = SqliteStore::new(pool.clone());
            store.migrate().await.map_err(unusable)?;
            Ok(in_one(store))
        }
        (None, Database::Postgres(pool)) => {
            let store = PostgresStore::new(pool.clone());
            store.migrate().await.map_err(unusable)?;
            Ok(in_one(store))
        }
    }
}

/// `redis://host:6379/0`, or `redis+cluster://host:7000` for the cluster of this node; of several, with commas, one has
/// to answer.
async fn redis(url: &str) -> Result<RedisStore, RedisError> {
    if !url.starts_with("redis+cluster:") && !url.contains(',') {
        return RedisStore::connect(url).await;
    }
    let nodes: Vec<String> = url.split(',').map(|node| node.replacen("redis+cluster:", "redis:", 1)).collect();
    RedisStore::connect_cluster(nodes.iter().map(String::as_str)).await
}

fn in_one<S: ClientRegistry + GrantStore + 'static>(store: S) -> (Stores, Arc<dyn TokenStore>) {
    let store = Arc::new(store);
    (Stores::from(Arc::clone(&store)), store)
}

/// The error with its causes, in one line.
fn unusable(error: impl Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.map(ToString::to_string).fold(format!("DATABASE_URL: {error}"), |line, cause| {
        // Some say what their cause says.
        if line.ends_with(&cause) { line } else { format!("{line}: {cause}") }
    })
}

/// The authorization server of the shortener, as it is for `service`.
pub fn authorization_server(issuer: &Issuer, stores: Stores, service: &Service) -> Result<AuthorizationServer, String> {
    let api = issuer.as_str().parse().map_err(|error| format!("ISSUER is not a resource: {error}"))?;
    let mut builder = AuthorizationServer::builder(issuer.clone(), stores)
        .paths(service.paths.clone())
        .resource(ProtectedResource::new(api).with_name(service.title))
        .redirect_uris(redirect_uris());
    for (token, words) in service.scopes {
        builder = builder.scope(token, words);
    }
    let builder = (service.configure)(builder).map_err(|error| format!("the service {}: {error}", service.name))?;
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
pub async fn install_demo(server: &AuthorizationServer, issuer: &Issuer) -> Result<(), String> {
    let client = json!({
        "client_id": client::ID,
        "client_name": "Link Board",
        "redirect_uris": [format!("{issuer}{}", client::REDIRECT_PATH)],
        "token_endpoint_auth_method": "none",
    });
    install(server, &client).await
}

/// Registers the clients in a file: an array of RFC 7591 objects, each with its own `client_id` and perhaps a secret.
pub async fn install_clients(server: &AuthorizationServer, file: &Path) -> Result<usize, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("CLIENTS: {name} cannot be read: {error}"))?;
    let clients: Vec<Value> =
        serde_json::from_str(&text).map_err(|error| format!("CLIENTS: {name} is not a JSON array: {error}"))?;
    for (at, client) in clients.iter().enumerate() {
        install(server, client).await.map_err(|error| format!("CLIENTS: {name}: client {}: {error}", at + 1))?;
    }
    Ok(clients.len())
}

async fn install(server: &AuthorizationServer, client: &Value) -> Result<(), String> {
    match server.install_client(client.to_string().as_bytes()).await {
        Ok(_) => Ok(()),
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
