//! The demo client's page.

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};

use crate::provider::app::App;
use crate::shortener::form::{Fields, Sender};
use crate::shortener::problem::Problem;
use crate::shortener::views::{DemoPage, Section};
use crate::shortener::visitor::Visitor;
use crate::web::{html, see_other};

/// `GET /demo`
pub async fn show(State(app): State<App>, visitor: Visitor, headers: HeaderMap) -> Result<Response, Problem> {
    html(&DemoPage {
        layout: visitor.layout("Demo", Section::Demo),
        scope: app.demo.scope().to_owned(),
        state: app.demo.state(&headers).await,
    })
}

/// `POST /demo/connect`
pub async fn connect(State(app): State<App>, sender: Sender) -> Result<Response, Problem> {
    sender.require_own()?;
    let (url, cookie) = app.demo.connect();
    Ok(([(SET_COOKIE, cookie)], see_other(&url)).into_response())
}

/// `GET /demo/install`: where the app store sends whoever installs the demo client.
pub async fn install(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    let query = Fields::parse(query.as_deref().unwrap_or_default().as_bytes());
    let (url, cookie) = app.demo.install(query.text("redirect"))?;
    Ok(([(SET_COOKIE, cookie)], see_other(&url)).into_response())
}

/// `GET /demo/callback`, the redirect URI. The code leaves the address bar at once, because the page is shown by
/// `/demo`, or the app store.
pub async fn callback(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    see_other(&app.demo.finish(&headers, query.as_deref().unwrap_or_default()).await)
}

/// `POST /demo/forget`
pub async fn forget(State(app): State<App>, sender: Sender, headers: HeaderMap) -> Result<Response, Problem> {
    sender.require_own()?;
    app.demo.forget(&headers);
    Ok(see_other("/demo"))
}
