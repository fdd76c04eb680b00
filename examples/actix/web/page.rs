//! Answers for people.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, LOCATION};
use askama::Template;

use crate::shortener::problem::Problem;

/// A page.
pub fn html(page: &impl Template) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().content_type(ContentType::html()).body(page.render()?))
}

/// A page once more, whose form was not carried out; it says why.
pub fn refused(page: &impl Template) -> Result<HttpResponse, Problem> {
    let mut page = html(page)?;
    *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(page)
}

/// Sends the browser to one of our own paths, always by GET.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}
