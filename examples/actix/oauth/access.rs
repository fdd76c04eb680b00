//! The extractor that protects the API: a handler that asks for [`Access`] runs only for a token that allows it.

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{Error, FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use grantor::ResourceRequest;

use crate::provider::services::Operation;
use crate::shortener::api::Refusal;
use crate::web::app;
use crate::web::convert::{self, IntoResponse as _};

/// The checked access of a call whose token satisfies the service's route for it.
#[derive(Debug)]
pub struct Access {
    /// What the token allows, and for whom.
    pub access: grantor::Access,
    /// What is asked for.
    pub operation: Operation,
}

impl FromRequest for Access {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (app, headers, peer) = (app(request), convert::headers(request.headers()), convert::peer(request));
        let (method, path) = (request.method().clone(), request.path().to_owned());
        Box::pin(async move {
            let app = app?;
            let route = app.service.route(method.as_str(), &path).ok_or(Refusal::NOT_FOUND)?;
            let call = ResourceRequest::new(&headers);
            let call = peer.map_or(call, |peer| call.with_peer(peer));
            let access = app.server.resource_server().verify_scope(call, route.scope).await;
            let access = access.map_err(|error| {
                let reason = error.to_string();
                InternalError::from_response(reason, error.into_http().into_response())
            })?;
            if let Some(grant) = access.grant_id() {
                app.last_used.note(grant);
            }
            Ok(Self { access, operation: route.operation })
        })
    }
}
