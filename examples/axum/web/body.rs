//! Bodies as they arrive.

use axum::body::{Bytes, HttpBody as _};
use axum::extract::{FromRequest as _, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;

use crate::provider::app::App;

/// The body of a request, within the limit that the router sets; otherwise the status that says what is wrong with it.
///
/// axum counts what arrives. A body whose declared length is over `limit` is refused before any of it is waited for,
/// and before a client that expects `100 Continue` is told to go on.
pub async fn read(request: Request, app: &App, limit: usize) -> Result<Bytes, StatusCode> {
    if request.body().size_hint().lower() > limit as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    Bytes::from_request(request, app).await.map_err(|rejection| rejection.into_response().status())
}
