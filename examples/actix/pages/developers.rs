//! The apps that the person registered.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use grantor::client::ClientId;
use grantor::store::Deletion;
use serde::Deserialize;

use crate::provider::app::App;
use crate::provider::developers::{self, DELETE, Outcome, REGISTER};
use crate::provider::subject;
use crate::shortener::form::Form;
use crate::shortener::problem::Problem;
use crate::shortener::views::AppForm;
use crate::web::{SignedIn, html, see_other};

/// What the page may be asked to confirm.
#[derive(Debug, Default, Deserialize)]
pub struct Confirmation {
    deleted: Option<String>,
}

/// `GET /developers`
pub async fn list(
    app: Data<App>,
    signed_in: SignedIn,
    confirmation: Query<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let owner = subject(&signed_in.user)?;
    let mut page = developers::page(&app, &signed_in.visitor, &owner, AppForm::default()).await?;
    page.deleted = confirmation.deleted.is_some();
    html(&page)
}

/// `POST /developers`
pub async fn register(
    app: Data<App>,
    signed_in: SignedIn,
    form: Result<Form, Problem>,
) -> Result<HttpResponse, Problem> {
    let form = form?;
    signed_in.visitor.require_own(&form, REGISTER)?;
    let owner = subject(&signed_in.user)?;
    match developers::register(&app, &owner, &form.fields).await? {
        Outcome::Registered(registered) => html(&developers::registered_page(&app, &signed_in.visitor, &registered)),
        Outcome::Refused(form) => {
            let mut page = html(&developers::page(&app, &signed_in.visitor, &owner, form).await?)?;
            *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(page)
        }
    }
}

/// `POST /developers/delete`
pub async fn delete(app: Data<App>, signed_in: SignedIn, form: Result<Form, Problem>) -> Result<HttpResponse, Problem> {
    let form = form?;
    signed_in.visitor.require_own(&form, DELETE)?;
    let id = ClientId::parse(form.fields.text("client_id")).map_err(|_| Problem::not_found())?;
    match app.server.delete_own_client(&subject(&signed_in.user)?, &id).await? {
        Deletion::Deleted => Ok(see_other("/developers?deleted=1")),
        Deletion::Unknown => Err(Problem::not_found()),
    }
}
