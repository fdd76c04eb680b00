//! Signing in and out.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{ConnectInfo, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use url::form_urlencoded;

use crate::app::App;
use crate::oauth::consent;
use crate::shortener::local_path::{self, local_path};
use crate::shortener::users;
use crate::shortener::views::{Section, SignInPage};
use crate::web::{Form, Problem, Visitor, html, see_other};

/// The purpose that the sign-out form's anti-CSRF value is bound to.
pub const SIGN_OUT: &str = "sign out";

/// Where a page sends a visitor who has to sign in before seeing `wanted`.
pub fn path(wanted: &str) -> Result<String, Problem> {
    let next: String = form_urlencoded::byte_serialize(way_back(wanted)?.as_bytes()).collect();
    Ok(format!("/signin?next={next}"))
}

/// Where a page sends a person who is signed in, but has to prove it anew before seeing `wanted`.
pub fn again_path(wanted: &str) -> Result<String, Problem> {
    Ok(format!("{}&again=1", path(wanted)?))
}

/// Where to go after signing in: to `wanted` if that is one of our own pages, otherwise to the front page. What is too long to
/// be carried along is refused, because the person would not know why they end up elsewhere.
fn way_back(wanted: &str) -> Result<&str, Problem> {
    if wanted.len() > local_path::MAX {
        let text =
            "This address is longer than Snip can keep in mind while you sign in. Sign in first, then open it again.";
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "Too long", text).with_way_out("/signin", "Sign in"));
    }
    Ok(local_path(wanted).unwrap_or("/"))
}

/// The sign-in form is bound to where it leads, so that the way back cannot be exchanged under way.
fn purpose(next: &str) -> String {
    format!("sign in, then {next}")
}

/// Where a visitor wants to be after signing in.
#[derive(Debug, Default, Deserialize)]
pub struct WayBack {
    #[serde(default)]
    next: String,
    again: Option<String>,
}

/// `GET /signin`
pub async fn show(mut visitor: Visitor, Query(query): Query<WayBack>) -> Result<Response, Problem> {
    let next = way_back(&query.next)?;
    if visitor.user().is_some() && query.again.is_none() {
        return Ok(see_other(next));
    }
    visitor.ensure_session().await?;
    page(&visitor, next, "", None)
}

fn page(visitor: &Visitor, next: &str, username: &str, problem: Option<&'static str>) -> Result<Response, Problem> {
    html(&SignInPage {
        layout: visitor.layout("Sign in", Section::Elsewhere),
        csrf: visitor.form_token(&purpose(next)),
        next: next.to_owned(),
        app_waits: next.starts_with(consent::PATH),
        username: username.to_owned(),
        problem,
    })
}

/// `POST /signin`
pub async fn submit(
    State(app): State<App>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, Problem> {
    let next = way_back(form.fields.text("next"))?;
    let here = path(next)?;
    visitor.require_own(&form, &purpose(next)).map_err(|problem| problem.with_way_out(here, "Back to signing in"))?;
    let (username, password) = (form.fields.text("username").trim(), form.fields.text("password"));
    app.throttle.check(username, source.ip()).map_err(too_many)?;
    match users::authenticate(&app.database, username, password).await? {
        Some(user) => {
            app.throttle.succeeded(username, source.ip());
            visitor.sign_in(&user, next).await?;
            Ok(see_other(next))
        }
        None => {
            app.throttle.failed(username, source.ip());
            let page = page(&visitor, next, username, Some("Wrong username or password."))?;
            Ok((StatusCode::FORBIDDEN, page).into_response())
        }
    }
}

fn too_many(left: Duration) -> Problem {
    let text = "There were too many wrong passwords for this user name from here. Wait a minute, then try again.";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "Slow down", text).with_retry_after(left)
}

/// `POST /signout`
pub async fn sign_out(visitor: Visitor, form: Form) -> Result<Response, Problem> {
    // Who is not signed in has nothing to prove: the page was left open after another tab signed out.
    if visitor.user().is_some() {
        visitor.require_own(&form, SIGN_OUT)?;
        visitor.sign_out().await?;
    }
    Ok(see_other(local_path(form.fields.text("next")).unwrap_or("/")))
}
