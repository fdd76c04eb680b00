//! Errors that people read.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError};

use super::{RequestId, convert};
use crate::provider::app::App;
use crate::shortener::problem::Problem;

impl ResponseError for Problem {
    /// Only the status, with the problem itself: [`show_problems`] knows the request's name, and writes the page.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(convert::status(self.status()));
        if let Some(after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}

/// Turns every error that is not a page yet into one.
pub async fn show_problems(
    app: Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let reference = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let mut response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !(status.is_client_error() || status.is_server_error()) || is_page {
        return Ok(response);
    }
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>()).cloned();
    let problem = problem.unwrap_or_else(|| Problem::of_status(convert::http_status(status)));
    match problem.page(&app.site, reference) {
        Ok(page) => {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            Ok(response.map_body(|_, _| BoxBody::new(page)))
        }
        Err(error) => {
            tracing::error!(%error, "the error page failed");
            Ok(response)
        }
    }
}
