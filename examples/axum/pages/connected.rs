//! What may use the person's account: apps, and API tokens.

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::provider::app::App;
use crate::provider::connected::{self, REVOKE};
use crate::shortener::form::Form;
use crate::shortener::problem::Problem;
use crate::web::{SignedIn, html, see_other};

/// What the page may be asked to confirm.
#[derive(Debug, Default, Deserialize)]
pub struct Confirmation {
    revoked: Option<String>,
}

/// `GET /connected`
pub async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(confirmation): Query<Confirmation>,
) -> Result<Response, Problem> {
    let mut page = connected::page(&app, &signed_in.visitor, &signed_in.user).await?;
    page.revoked = confirmation.revoked.is_some();
    html(&page)
}

/// `POST /connected/revoke`
pub async fn revoke(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Problem> {
    signed_in.visitor.require_own(&form, REVOKE)?;
    connected::revoke(&app, &signed_in.user, &form.fields).await?;
    Ok(see_other("/connected?revoked=1"))
}
