//! The MCP server: agents reach it through the gate that checks their tokens.

use axum::Router;
use axum::extract::Request;
use axum::routing::any;

use crate::provider::mcp::{McpServer, PATH};
use crate::web::Peer;

/// A router for the MCP server, if there is one, to be merged into the service's own.
pub fn router<S: Clone + Send + Sync + 'static>(mcp: Option<&McpServer>) -> Router<S> {
    let Some(mcp) = mcp.cloned() else { return Router::new() };
    Router::new().route(
        PATH,
        any(async move |peer: Peer, mut request: Request| {
            request.extensions_mut().insert(peer.0);
            mcp.serve(request).await
        }),
    )
}
