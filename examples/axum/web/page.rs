//! Answers for people.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{Html, IntoResponse, Response};

use crate::shortener::problem::Problem;

/// A page.
pub fn html(page: &impl Template) -> Result<Response, Problem> {
    Ok(Html(page.render()?).into_response())
}

/// A page once more, whose form was not carried out; it says why.
pub fn refused(page: &impl Template) -> Result<Response, Problem> {
    let mut page = html(page)?;
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page)
}

/// Sends the browser to one of our own paths, always by GET.
pub fn see_other(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
}
