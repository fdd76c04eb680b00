//! Who is on the other side.

use axum::extract::FromRequestParts;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse as _, Response};

use super::see_other;
use crate::provider::app::App;
use crate::shortener::problem::Problem;
use crate::shortener::sign_in;
use crate::shortener::users::User;
use crate::shortener::visitor::Visitor;

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::of(&app.site, &parts.headers).await
    }
}

/// Gives the browser the session that it has now.
pub fn with_session(mut response: Response, app: &App, visitor: &Visitor) -> Response {
    let cookie = visitor.session().map(|session| app.site.sessions.cookie(session));
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// A browser in which somebody is signed in; others are sent to sign in first, and come back.
#[derive(Debug)]
pub struct SignedIn {
    /// The browser.
    pub visitor: Visitor,
    /// Who is signed in.
    pub user: User,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(Problem::into_response)?;
        if let Some(user) = visitor.user().cloned() {
            return Ok(Self { visitor, user });
        }
        // What a form sent is lost, so the way back leads to the front page.
        let wanted = if parts.method == Method::GET { parts.uri.path_and_query() } else { None };
        let sign_in =
            sign_in::path(sign_in::PATH, wanted.map_or("/", PathAndQuery::as_str)).map_err(Problem::into_response)?;
        Err(see_other(&sign_in))
    }
}
