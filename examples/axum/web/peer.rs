//! Where a request comes from.

use std::net::SocketAddr;

use axum::extract::rejection::ExtensionRejection;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use grantor::rate_limit;

/// The other end of the connection, by which guesses and floods are counted. Behind a proxy that is the proxy: read the
/// header there that it sets, and only if nobody else can set it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub rate_limit::Peer);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = ExtensionRejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ExtensionRejection> {
        let ConnectInfo(address) = ConnectInfo::<SocketAddr>::from_request_parts(parts, state).await?;
        Ok(Self(address.ip().into()))
    }
}
