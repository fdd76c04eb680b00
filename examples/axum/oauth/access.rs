//! The extractor that protects the API: a handler that asks for [`Authorized`] runs only for a token that allows it.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use grantor::Access;
use grantor::error::BearerError;

use crate::app::App;

/// What a handler demands of a token.
pub trait Demand {
    /// The scope tokens, separated by spaces; none is fine.
    const SCOPE: &'static str;
}

macro_rules! demands {
    ($($(#[$doc:meta])* $name:ident = $scope:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl Demand for $name {
                const SCOPE: &'static str = $scope;
            }
        )*
    };
}

demands! {
    /// Any token.
    AnyScope = "";
    /// A token for reading links.
    LinksRead = "links:read";
    /// A token for making links.
    LinksWrite = "links:write";
    /// A token for reading statistics.
    StatsRead = "stats:read";
}

/// The checked access of a call whose token satisfies `D`.
#[derive(Debug)]
pub struct Authorized<D> {
    access: Access,
    demand: PhantomData<D>,
}

impl<D> Authorized<D> {
    /// The user whom the token acts for; nobody, if a client got it for itself.
    pub fn user_id(&self) -> Option<i64> {
        self.access.subject()?.as_str().parse().ok()
    }

    /// The client that calls.
    pub fn client_id(&self) -> Option<&str> {
        self.access.client_id().map(|id| id.as_str())
    }
}

impl<D: Demand> FromRequestParts<App> for Authorized<D> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let refuse = |error: BearerError| error.into_http().into_response();
        let access = app.server.resource_server().verify(&parts.headers).await.map_err(refuse)?;
        access.require(D::SCOPE).map_err(refuse)?;
        app.last_used.note(access.grant_id());
        Ok(Self { access, demand: PhantomData })
    }
}
