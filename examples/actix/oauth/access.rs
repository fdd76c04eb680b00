//! The extractor that protects the API: a handler that asks for [`Access`] runs only for a token that allows it.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::{Error, FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::provider::demand::Demand;
use crate::web::app;
use crate::web::convert::{self, IntoResponse as _};

/// The checked access of a call whose token satisfies `D`.
#[derive(Debug)]
pub struct Access<D> {
    access: grantor::Access,
    demand: PhantomData<D>,
}

impl<D> Access<D> {
    /// The user whom the token acts for; nobody, if a client got it for itself.
    pub fn user_id(&self) -> Option<i64> {
        self.access.subject()?.as_str().parse().ok()
    }

    /// The client that calls.
    pub fn client_id(&self) -> Option<&str> {
        self.access.client_id().map(|id| id.as_str())
    }
}

impl<D: Demand> FromRequest for Access<D> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (app, headers) = (app(request), convert::headers(request.headers()));
        Box::pin(async move {
            let app = app?;
            let access = app.server.resource_server().verify_scope(&headers, D::SCOPE).await;
            let access = access.map_err(|error| {
                let reason = error.to_string();
                InternalError::from_response(reason, error.into_http().into_response())
            })?;
            if let Some(grant) = access.grant_id() {
                app.last_used.note(grant);
            }
            Ok(Self { access, demand: PhantomData })
        })
    }
}
