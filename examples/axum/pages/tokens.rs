//! The API tokens that the person issued.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::provider::app::App;
use crate::provider::refusal::Refusal;
use crate::provider::tokens::{self, ISSUE, RESET, REVOKE};
use crate::provider::{grants, new_token};
use crate::shortener::form::Form;
use crate::shortener::problem::Problem;
use crate::shortener::views::{TokenForm, TokenOrigin};
use crate::web::{SignedIn, html, refused, see_other};

/// What the page may be asked to confirm.
#[derive(Debug, Default, Deserialize)]
pub struct Confirmation {
    revoked: Option<String>,
    app: Option<String>,
}

/// `GET /tokens`
pub async fn list(
    State(app): State<App>,
    SignedIn { visitor, user }: SignedIn,
    Query(confirmation): Query<Confirmation>,
) -> Result<Response, Problem> {
    let form = TokenForm { app: confirmation.app.clone().unwrap_or_default(), ..TokenForm::default() };
    let mut page = tokens::page(&app, &visitor, &user, form).await?;
    page.revoked = confirmation.revoked.is_some();
    html(&page)
}

/// `POST /tokens`
pub async fn issue(
    State(app): State<App>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    SignedIn { visitor, user }: SignedIn,
    form: Form,
) -> Result<Response, Problem> {
    visitor.require_own(&form, ISSUE)?;
    match tokens::issue(&app, &user, &form.fields, source.ip()).await {
        Ok(token) => html(&tokens::issued_page(&app, &visitor, &token, TokenOrigin::Issued)),
        Err(Refusal::Problem(problem)) => Err(problem),
        Err(Refusal::Form(problem)) => {
            refused(&tokens::page(&app, &visitor, &user, new_token::typed(&form.fields, problem)).await?)
        }
    }
}

/// `POST /tokens/revoke`
pub async fn revoke(
    State(app): State<App>,
    SignedIn { visitor, user }: SignedIn,
    form: Form,
) -> Result<Response, Problem> {
    visitor.require_own(&form, REVOKE)?;
    grants::revoke(&app, &user, form.fields.text("grant")).await?;
    Ok(see_other("/tokens?revoked=1"))
}

/// `POST /tokens/reset`
pub async fn reset(
    State(app): State<App>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    SignedIn { visitor, user }: SignedIn,
    form: Form,
) -> Result<Response, Problem> {
    visitor.require_own(&form, RESET)?;
    match tokens::reset(&app, &user, &form.fields, source.ip()).await {
        Ok(token) => html(&tokens::issued_page(&app, &visitor, &token, TokenOrigin::Reset)),
        Err(Refusal::Problem(problem)) => Err(problem),
        Err(Refusal::Form(problem)) => {
            let mut page = tokens::page(&app, &visitor, &user, TokenForm::default()).await?;
            page.problem = Some(problem);
            refused(&page)
        }
    }
}
