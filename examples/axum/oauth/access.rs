//! The extractor that protects the API: a handler that asks for [`Access`] runs only for a token that allows it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use grantor::ResourceRequest;

use crate::provider::app::App;
use crate::provider::services::Operation;
use crate::shortener::api::Refusal;
use crate::web::Peer;

/// The checked access of a call whose token satisfies the service's route for it.
#[derive(Debug)]
pub struct Access {
    /// What the token allows, and for whom.
    pub access: grantor::Access,
    /// What is asked for.
    pub operation: Operation,
}

impl FromRequestParts<App> for Access {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        // The router has taken off what every path of the API begins with.
        let path = format!("{}{}", app.service.api_prefix, parts.uri.path());
        let route = app.service.route(parts.method.as_str(), &path);
        let route = route.ok_or_else(|| Refusal::NOT_FOUND.into_response())?;
        let peer = Peer::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let call = ResourceRequest::new(&parts.headers).with_peer(peer.0);
        let access = app.server.resource_server().verify_scope(call, route.scope).await;
        let access = access.map_err(|error| error.into_http().into_response())?;
        if let Some(grant) = access.grant_id() {
            app.last_used.note(grant);
        }
        Ok(Self { access, operation: route.operation })
    }
}
