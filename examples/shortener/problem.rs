//! Errors that people read.

use std::fmt;
use std::time::Duration;

use askama::Template as _;
use http::StatusCode;

use super::site::Site;
use super::views::{ErrorPage, Layout, Section};

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

    /// The request makes no sense.
    pub fn bad_request() -> Self {
        Self::of_status(StatusCode::BAD_REQUEST)
    }

    /// There is no such thing.
    pub fn not_found() -> Self {
        Self::of_status(StatusCode::NOT_FOUND)
    }

    /// The address does not answer the method.
    pub fn method_not_allowed() -> Self {
        Self::of_status(StatusCode::METHOD_NOT_ALLOWED)
    }

    /// The form is not one that this session was given.
    pub fn out_of_date() -> Self {
        let text = "This form is out of date, or did not come from this page. Go back, reload the page and try again.";
        Self::new(StatusCode::FORBIDDEN, "Please try that again", text)
    }

    /// Too many passwords were wrong; another may be tried after `left`.
    pub fn too_many(left: Duration) -> Self {
        let text = "There were too many wrong passwords for this user name from here. Wait a minute, then try again.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Slow down", text).with_retry_after(left)
    }

    /// The database does not answer.
    pub fn unavailable() -> Self {
        let text = "The data cannot be reached at the moment. Nothing was changed.";
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
            StatusCode::PAYLOAD_TOO_LARGE => ("Too much at once", "The form was larger than is accepted here."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("Not a form", "This address expects a form."),
            status if status.is_server_error() => {
                ("That went wrong", "The fault is on our side. Please try again later.")
            }
            _ => ("That did not work", "The request was not one that is understood here."),
        };
        Self::new(status, heading, text)
    }

    /// The HTTP status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// When another attempt makes sense, in whole seconds, rounded up.
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after.map(|after| after.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX))
    }

    /// The page of `site` that says it; `reference` is what the log calls the request.
    pub fn page(self, site: &Site, reference: String) -> Result<String, askama::Error> {
        let title = self.heading.clone();
        let page = ErrorPage {
            layout: Layout {
                service: site.name,
                has_app_store: site.has_app_store,
                title,
                section: Section::Elsewhere,
                account: None,
            },
            status: self.status.as_u16(),
            heading: self.heading,
            text: self.text,
            way_out: self.way_out,
            reference,
        };
        page.render()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.heading, self.text)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::unavailable()
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a template failed");
        Self::internal()
    }
}
