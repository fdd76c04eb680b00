//! The demo client: stands for another company's web site that uses the shortener's API.
//!
//! It shares nothing with the shortener but the process: it has its own cookie and its own memory, and talks to the
//! shortener over HTTP only.

mod client;
mod connections;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::response::{IntoResponse as _, Response};
use tower_sessions::cookie::{Cookie, SameSite};

pub use client::{Client, ID, REDIRECT_PATH};
pub use connections::Connections;

use crate::app::App;
use crate::shortener::random;
use crate::shortener::views::{DemoPage, DemoState, Section};
use crate::web::form::is_foreign;
use crate::web::{Problem, Visitor, html, see_other};
use connections::Connection;

const COOKIE_NAME: &str = "link_board";

/// The demo client's side of the process.
#[derive(Debug)]
pub struct Demo {
    /// How it talks to the shortener.
    pub client: Client,
    /// What it knows of each browser.
    pub connections: Connections,
}

/// `GET /demo`
pub async fn show(State(app): State<App>, visitor: Visitor, headers: HeaderMap) -> Result<Response, Problem> {
    let state = match browser(&headers).and_then(|browser| app.demo.connections.get(&browser)) {
        None | Some(Connection::Waiting(_)) => DemoState::Start,
        Some(Connection::Denied) => DemoState::Denied,
        Some(Connection::Failed(why)) => DemoState::Failed(why),
        Some(Connection::Connected(tokens)) => {
            let calls = app.demo.client.call_api(&tokens).await;
            DemoState::Connected {
                token_start: tokens.access_token.chars().take(12).collect(),
                scope: tokens.scope,
                alive: calls.first().is_some_and(|call| call.ok),
                calls,
            }
        }
    };
    html(&DemoPage { layout: visitor.layout("Demo", Section::Demo), state })
}

/// `POST /demo/connect`
pub async fn connect(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    if is_foreign(&headers, &app) {
        return Err(Problem::out_of_date());
    }
    let browser = random::token();
    let (url, request) = app.demo.client.authorization_request();
    app.demo.connections.put(browser.clone(), Connection::Waiting(request));
    let cookie = Cookie::build((COOKIE_NAME, browser))
        .path("/demo")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(app.origin.starts_with("https:"))
        .build();
    Ok(([(SET_COOKIE, cookie.to_string())], see_other(&url)).into_response())
}

/// `GET /demo/callback`, the redirect URI. The code leaves the address bar at once, because the page is shown by `/demo`.
pub async fn callback(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    if let Some(browser) = browser(&headers)
        && let Some(Connection::Waiting(request)) = app.demo.connections.take(&browser)
    {
        let connection = app.demo.client.finish(request, query.as_deref().unwrap_or_default()).await;
        app.demo.connections.put(browser, connection);
    }
    see_other("/demo")
}

/// `POST /demo/forget`
pub async fn forget(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    if is_foreign(&headers, &app) {
        return Err(Problem::out_of_date());
    }
    if let Some(browser) = browser(&headers) {
        app.demo.connections.take(&browser);
    }
    Ok(see_other("/demo"))
}

fn browser(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == COOKIE_NAME)
        .map(|cookie| cookie.value().to_owned())
}
