//! The apps that may use the person's account.

use axum::extract::{Query, State};
use axum::response::Response;
use grantor::client::ClientId;
use serde::Deserialize;

use crate::provider::app::App;
use crate::provider::connected::{REVOKE, apps};
use crate::provider::subject;
use crate::shortener::form::Form;
use crate::shortener::problem::Problem;
use crate::shortener::views::{ConnectedPage, Section};
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
    html(&ConnectedPage {
        layout: signed_in.visitor.layout("Connected apps", Section::Connected),
        revoke_token: signed_in.visitor.form_token(REVOKE),
        revoked: confirmation.revoked.is_some(),
        apps: apps(&app, &signed_in.user).await?,
    })
}

/// `POST /connected/revoke`
pub async fn revoke(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Problem> {
    signed_in.visitor.require_own(&form, REVOKE)?;
    let client = ClientId::parse(form.fields.text("client_id")).map_err(|_| Problem::bad_request())?;
    app.server.withdraw(&subject(&signed_in.user)?, &client).await?;
    Ok(see_other("/connected?revoked=1"))
}
