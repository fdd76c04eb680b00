//! The app store.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::provider::app::App;
use crate::provider::app_store::{self, INSTALL};
use crate::shortener::form::{Fields, Form};
use crate::shortener::problem::Problem;
use crate::web::{SignedIn, html, see_other};

/// `GET /apps`
pub async fn list(State(app): State<App>, signed_in: SignedIn, uri: Uri) -> Result<Response, Problem> {
    let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    html(&app_store::page(&app, &signed_in.visitor, &signed_in.user, &query).await?)
}

/// `POST /apps/install`
pub async fn install(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Problem> {
    signed_in.visitor.require_own(&form, INSTALL)?;
    Ok(see_other(&app_store::install(&app, &signed_in.user, &form.fields).await?))
}
