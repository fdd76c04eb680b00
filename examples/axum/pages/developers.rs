//! The apps that the person registered.

use axum::extract::{Path, Query, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Deserialize;

use crate::provider::app::App;
use crate::provider::developers::{self, Action, MANAGE, Managed, Outcome, REGISTER};
use crate::shortener::form::{Fields, Form};
use crate::shortener::problem::Problem;
use crate::web::{Peer, SignedIn, html, refused, see_other};

/// What the page may be asked to confirm.
#[derive(Debug, Default, Deserialize)]
pub struct Confirmation {
    deleted: Option<String>,
}

/// `GET /developers`
pub async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(confirmation): Query<Confirmation>,
) -> Result<Response, Problem> {
    let mut page = developers::page(&app, &signed_in.visitor, &signed_in.user, None).await?;
    page.deleted = confirmation.deleted.is_some();
    html(&page)
}

/// `POST /developers`
pub async fn register(
    State(app): State<App>,
    peer: Peer,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Problem> {
    let SignedIn { visitor, user } = &signed_in;
    visitor.require_own(&form, REGISTER)?;
    match developers::register(&app, user, peer.0.address(), &form.fields).await? {
        Outcome::Registered(registered) => html(&developers::registered_page(&app, visitor, user, &registered).await?),
        Outcome::Refused(form) => refused(&developers::page(&app, visitor, user, Some(form)).await?),
    }
}

/// `GET /developers/app`
pub async fn one(State(app): State<App>, signed_in: SignedIn, uri: Uri) -> Result<Response, Problem> {
    let fields = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    html(&developers::one_app_page(&app, &signed_in.visitor, &signed_in.user, &fields, None).await?)
}

/// `POST /developers/{action}`
pub async fn manage(
    State(app): State<App>,
    Path(action): Path<String>,
    peer: Peer,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Problem> {
    let (SignedIn { visitor, user }, fields) = (&signed_in, &form.fields);
    let action = Action::parse(&action).ok_or_else(Problem::not_found)?;
    visitor.require_own(&form, MANAGE)?;
    match developers::manage(&app, user, peer.0.address(), action, fields).await? {
        Managed::Done(path) => Ok(see_other(&path)),
        Managed::Deleted => Ok(see_other("/developers?deleted=1")),
        Managed::Secret(secret, before) => {
            html(&developers::secret_page(&app, visitor, user, fields, &secret, before).await?)
        }
        Managed::Refused(typed) => refused(&developers::one_app_page(&app, visitor, user, fields, Some(*typed)).await?),
        Managed::Impossible(problem) => {
            let mut page = developers::one_app_page(&app, visitor, user, fields, None).await?;
            page.impossible = Some(problem);
            refused(&page)
        }
    }
}
