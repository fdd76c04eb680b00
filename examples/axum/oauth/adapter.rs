//! The adapter: every endpoint that clients call, from the router to the authorization server.

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use grantor::{AuthorizationServer, PathMatch};

use crate::web::Peer;

/// A router for the endpoints of `server`, to be merged into the service's own.
pub fn router<S: Clone + Send + Sync + 'static>(server: &AuthorizationServer) -> Router<S> {
    server.endpoints().iter().fold(Router::new(), |router, endpoint| {
        let server = server.clone();
        let handler = any(async move |peer: Peer, mut request: Request| {
            request.extensions_mut().insert(peer.0);
            server.handle(request).await
        });
        match endpoint.matching() {
            PathMatch::Exact => router.route(endpoint.path(), handler),
            // A wildcard stands for something, not for nothing.
            PathMatch::Subtree => router
                .route(&format!("{}/", endpoint.path()), handler.clone())
                .route(&format!("{}/{{*rest}}", endpoint.path()), handler),
        }
    })
}
