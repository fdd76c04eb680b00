//! Forms as they arrive.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;

use super::body;
use crate::provider::app::App;
use crate::shortener::form::{Form, MAX_BODY, Sender};
use crate::shortener::problem::Problem;

impl FromRequest<App> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        Self::check_type(&headers)?;
        let body = body::read(request, app, MAX_BODY).await.map_err(Problem::of_status)?;
        Ok(Self::new(&headers, body, &app.site.origin))
    }
}

impl FromRequestParts<App> for Sender {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers, &app.site.origin))
    }
}
