//! Who is on the other side.

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::http::uri::PathAndQuery;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;

use super::{app, convert, see_other};
use crate::provider::app::App;
use crate::shortener::problem::Problem;
use crate::shortener::sign_in;
use crate::shortener::users::User;
use crate::shortener::visitor::Visitor;

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (app, headers) = (app(request), convert::headers(request.headers()));
        Box::pin(async move { Self::of(&app?.site, &headers).await })
    }
}

/// Gives the browser the session that it has now.
pub fn with_session(mut response: HttpResponse, app: &App, visitor: &Visitor) -> HttpResponse {
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

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = Visitor::from_request(request, payload);
        // What a form sent is lost, so the way back leads to the front page.
        let wanted = if request.method() == Method::GET { request.uri().path_and_query().cloned() } else { None };
        Box::pin(async move {
            let visitor = visitor.await?;
            if let Some(user) = visitor.user().cloned() {
                return Ok(Self { visitor, user });
            }
            let sign_in = sign_in::path(sign_in::PATH, wanted.as_ref().map_or("/", PathAndQuery::as_str))?;
            Err(InternalError::from_response("nobody is signed in", see_other(&sign_in)).into())
        })
    }
}
