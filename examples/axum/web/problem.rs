//! Errors that people read.

use std::time::Duration;

use askama::Template;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::RequestId;
use crate::shortener::views::{ErrorPage, Layout, Section};

/// What is wrong, and what the person can do.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    heading: String,
    text: String,
    way_out: Option<(String, String)>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem in words.
    pub fn new(status: StatusCode, heading: &str, text: impl Into<String>) -> Self {
        Self { status, heading: heading.to_owned(), text: text.into(), way_out: None, retry_after: None }
    }

    /// Adds a button that leads to `target`.
    pub fn with_way_out(mut self, target: impl Into<String>, words: impl Into<String>) -> Self {
        self.way_out = Some((target.into(), words.into()));
        self
    }

    /// Says when another attempt makes sense.
    pub const fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The form is not one that this session was given.
    pub fn out_of_date() -> Self {
        let text = "This form is out of date, or did not come from this page. Go back, reload the page and try again.";
        Self::new(StatusCode::FORBIDDEN, "Please try that again", text)
    }

    /// The database does not answer.
    pub fn unavailable() -> Self {
        let text = "Snip cannot reach its data at the moment. Nothing was changed.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Back in a moment", text).with_retry_after(Duration::from_secs(5))
    }

    /// Something that must not happen did; the log has the cause.
    pub fn internal() -> Self {
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What a status means to a person.
    pub fn of_status(status: StatusCode) -> Self {
        let (heading, text) = match status {
            StatusCode::NOT_FOUND => {
                ("Nothing here", "There is no such page or short link. It may have been mistyped.")
            }
            StatusCode::METHOD_NOT_ALLOWED => ("Not like that", "This address does not answer that kind of request."),
            StatusCode::PAYLOAD_TOO_LARGE => ("Too much at once", "The form was larger than Snip accepts."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("Not a form", "This address expects a form."),
            status if status.is_server_error() => {
                ("That went wrong", "The fault is on our side. Please try again later.")
            }
            _ => ("That did not work", "The request was not one that Snip understands."),
        };
        Self::new(status, heading, text)
    }

    fn render(self, reference: String) -> Result<String, askama::Error> {
        ErrorPage {
            layout: Layout { title: self.heading.clone(), section: Section::Elsewhere, account: None },
            status: self.status.as_u16(),
            heading: self.heading,
            text: self.text,
            way_out: self.way_out,
            reference,
        }
        .render()
    }
}

impl IntoResponse for Problem {
    /// Only the status and the problem itself: [`show_problems`] knows the request's name, and writes the page.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(after) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::unavailable()
    }
}

impl From<tower_sessions::session::Error> for Problem {
    fn from(error: tower_sessions::session::Error) -> Self {
        tracing::error!(%error, "the session could not be read or written");
        Self::unavailable()
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a template failed");
        Self::internal()
    }
}

/// Turns every error that is not a page yet into one.
pub async fn show_problems(request: Request, next: Next) -> Response {
    let reference = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let mut response = next.run(request).await;
    let status = response.status();
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !(status.is_client_error() || status.is_server_error()) || is_page {
        return response;
    }
    let problem = response.extensions_mut().remove::<Problem>().unwrap_or_else(|| Problem::of_status(status));
    match problem.render(reference) {
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
