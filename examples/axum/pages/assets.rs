//! The style sheet and the icon, for every page.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use crate::shortener::assets;
use crate::shortener::problem::Problem;

/// `GET /assets/{name}`
pub async fn show(Path(name): Path<String>) -> Result<Response, Problem> {
    let asset = assets::find(&name).ok_or_else(Problem::not_found)?;
    Ok(([(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, "public, max-age=300")], asset.body).into_response())
}
