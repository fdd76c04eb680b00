//! Signing in and out.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;

use crate::provider::app::App;
use crate::shortener::form::Form;
use crate::shortener::local_path::local_path;
use crate::shortener::problem::Problem;
pub use crate::shortener::sign_in::PATH;
use crate::shortener::sign_in::{page, path, purpose, way_back};
use crate::shortener::users;
use crate::shortener::visitor::{SIGN_OUT, Visitor};
use crate::web::{html, see_other, with_session};

/// Where a visitor wants to be after signing in.
#[derive(Debug, Default, Deserialize)]
pub struct WayBack {
    #[serde(default)]
    next: String,
    again: Option<String>,
}

/// `GET /signin`
pub async fn show(
    State(app): State<App>,
    visitor: Visitor,
    uri: Uri,
    Query(query): Query<WayBack>,
) -> Result<Response, Problem> {
    let next = way_back(&query.next)?;
    if visitor.user().is_some() && query.again.is_none() {
        return Ok(see_other(next));
    }
    let visitor = visitor.with_session(&app.site.sessions).await?;
    Ok(with_session(html(&page(&visitor, uri.path(), next, app.service.paths.authorize()))?, &app, &visitor))
}

/// `POST /signin`
pub async fn submit(
    State(app): State<App>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    visitor: Visitor,
    uri: Uri,
    form: Form,
) -> Result<Response, Problem> {
    let next = way_back(form.fields.text("next"))?;
    let here = path(uri.path(), next)?;
    visitor.require_own(&form, &purpose(next)).map_err(|problem| problem.with_way_out(here, "Back to signing in"))?;
    let (username, password) = (form.fields.text("username").trim(), form.fields.text("password"));
    app.site.throttle.begin(username, source.ip()).map_err(Problem::too_many)?;
    match users::authenticate(&app.site.database, username, password).await? {
        Some(user) => {
            app.site.throttle.succeeded(username, source.ip());
            let visitor = visitor.sign_in(&app.site.sessions, &user, next).await?;
            Ok(with_session(see_other(next), &app, &visitor))
        }
        None => {
            let page = page(&visitor, uri.path(), next, app.service.paths.authorize());
            let mut page = html(&page.refused(username, "Wrong username or password."))?;
            *page.status_mut() = StatusCode::FORBIDDEN;
            Ok(page)
        }
    }
}

/// `POST /signout`
pub async fn sign_out(State(app): State<App>, visitor: Visitor, form: Form) -> Result<Response, Problem> {
    let next = see_other(local_path(form.fields.text("next")).unwrap_or("/"));
    // Who is not signed in has nothing to prove: the page was left open after another tab signed out.
    if visitor.user().is_none() {
        return Ok(next);
    }
    visitor.require_own(&form, SIGN_OUT)?;
    let visitor = visitor.sign_out(&app.site.sessions).await?;
    Ok(with_session(next, &app, &visitor))
}
