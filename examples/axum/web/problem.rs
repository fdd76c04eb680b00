//! Errors that people read.

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::RequestId;
use crate::provider::app::App;
use crate::shortener::problem::Problem;

impl IntoResponse for Problem {
    /// Only the status and the problem itself: [`show_problems`] knows the request's name, and writes the page.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if let Some(after) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Turns every error that is not a page yet into one.
pub async fn show_problems(State(app): State<App>, request: Request, next: Next) -> Response {
    let reference = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let mut response = next.run(request).await;
    let status = response.status();
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !(status.is_client_error() || status.is_server_error()) || is_page {
        return response;
    }
    let problem = response.extensions_mut().remove::<Problem>().unwrap_or_else(|| Problem::of_status(status));
    match problem.page(&app.site, reference) {
        Ok(page) => {
            let page = Html(page).into_response();
            response.headers_mut().remove(CONTENT_LENGTH);
            if let Some(kind) = page.headers().get(CONTENT_TYPE) {
                response.headers_mut().insert(CONTENT_TYPE, kind.clone());
            }
            *response.body_mut() = page.into_body();
            response
        }
        Err(error) => {
            tracing::error!(%error, "the error page failed");
            response
        }
    }
}
