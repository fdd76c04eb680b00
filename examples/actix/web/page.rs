//! Answers for people.

use actix_web::HttpResponse;
use actix_web::http::header::{ContentType, LOCATION};
use askama::Template;

use crate::shortener::problem::Problem;

/// A page.
pub fn html(page: &impl Template) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().content_type(ContentType::html()).body(page.render()?))
}

/// Sends the browser to one of our own paths, always by GET.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, path)).finish()
}
