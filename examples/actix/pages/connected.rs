//! What may use the person's account: apps, and API tokens.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
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
    app: Data<App>,
    signed_in: SignedIn,
    confirmation: Query<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let mut page = connected::page(&app, &signed_in.visitor, &signed_in.user).await?;
    page.revoked = confirmation.revoked.is_some();
    html(&page)
}

/// `POST /connected/revoke`
pub async fn revoke(app: Data<App>, signed_in: SignedIn, form: Result<Form, Problem>) -> Result<HttpResponse, Problem> {
    let form = form?;
    signed_in.visitor.require_own(&form, REVOKE)?;
    connected::revoke(&app, &signed_in.user, &form.fields).await?;
    Ok(see_other("/connected?revoked=1"))
}
