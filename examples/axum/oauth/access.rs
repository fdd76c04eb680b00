//! The extractor that protects the API: a handler that asks for [`Access`] runs only for a token that allows it.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};

use crate::provider::app::App;
use crate::provider::demand::Demand;

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

impl<D: Demand> FromRequestParts<App> for Access<D> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let access = app.server.resource_server().verify_scope(&parts.headers, D::SCOPE).await;
        let access = access.map_err(|error| error.into_http().into_response())?;
        if let Some(grant) = access.grant_id() {
            app.last_used.note(grant);
        }
        Ok(Self { access, demand: PhantomData })
    }
}
