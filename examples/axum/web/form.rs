//! Forms as they arrive.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::IntoResponse as _;

use crate::provider::app::App;
use crate::shortener::form::{Form, Sender};
use crate::shortener::problem::Problem;

impl FromRequest<App> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        Self::check_type(&headers)?;
        let body = Bytes::from_request(request, app)
            .await
            .map_err(|rejection| Problem::of_status(rejection.into_response().status()))?;
        Ok(Self::new(&headers, body, &app.site.origin))
    }
}

impl FromRequestParts<App> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers, &app.site.origin))
    }
}
