use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use grantor::configuration::{ConfigurationError, Prefixes, ProtectedResource};
use grantor::jwt::JwtVerifier;
use grantor::resource::ResourceIndicator;
use grantor::store::{SqliteError, SqliteStore};
use grantor::{Issuer, ProtectedResourceMetadata, ResourceServer};

/// Over the store of the authorization server, which is asked about every call: what was revoked is over at once. Mind the
/// path: where there is no database, this makes an empty one. A service with a name in its tokens has `Prefixes::of(name)`.
pub async fn over_the_store(database: &str, resource: ResourceIndicator) -> Result<ResourceServer, SqliteError> {
    let store = SqliteStore::connect(database).await?;
    Ok(ResourceServer::new(Arc::new(store), Prefixes::default().access_token().clone(), resource))
}

/// With nothing but the keys that the authorization server publishes, for `ResourceServer::offline`.
pub async fn keys(issuer: Issuer, jwks_uri: &str) -> Result<JwtVerifier, Box<dyn Error + Send + Sync>> {
    Ok(JwtVerifier::from_jwks(issuer, &fetch(jwks_uri).await?)?)
}

/// To be called every five minutes, beside the traffic. If it fails, the keys stay as they are.
pub async fn renew(keys: &JwtVerifier, jwks_uri: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    Ok(keys.replace_jwks(&fetch(jwks_uri).await?)?)
}

async fn fetch(url: &str) -> reqwest::Result<String> {
    reqwest::get(url).await?.error_for_status()?.text().await
}

/// Where agents that were refused read who issues the tokens.
pub fn metadata(issuer: &Issuer, resource: ProtectedResource) -> Result<Router, ConfigurationError> {
    let metadata = ProtectedResourceMetadata::new(issuer, [resource])?;
    Ok(metadata.endpoints().iter().fold(Router::new(), |router, endpoint| {
        let metadata = metadata.clone();
        router.route(endpoint.path(), any(async move |request: Request| metadata.handle(&request)))
    }))
}
