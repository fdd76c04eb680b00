//! The style sheet and the icon, for every page.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Path;

use crate::shortener::assets;
use crate::shortener::problem::Problem;

/// `GET /assets/{name}`
pub async fn show(name: Path<String>) -> Result<HttpResponse, Problem> {
    let asset = assets::find(&name).ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, asset.content_type)).insert_header((CACHE_CONTROL, "public, max-age=300"));
    Ok(response.body(asset.body))
}
