//! Forms as they arrive.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::{app, convert};
use crate::shortener::form::{Form, Sender};
use crate::shortener::problem::Problem;

/// Extractors run side by side: a handler that takes a form as a [`Result`] lets the others refuse the request first.
impl FromRequest for Form {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (app, headers) = (app(request), convert::headers(request.headers()));
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            Self::check_type(&headers)?;
            let body = body.await.map_err(|error| Problem::of_status(convert::status_of(&error)))?;
            Ok(Self::new(&headers, body, &app?.site.origin))
        })
    }
}

impl FromRequest for Sender {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = convert::headers(request.headers());
        ready(app(request).map(|app| Self::of(&headers, &app.site.origin)))
    }
}
