//! The demo client's page.

use actix_web::http::header::SET_COOKIE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};

use crate::provider::app::App;
use crate::shortener::form::{Fields, Sender};
use crate::shortener::problem::Problem;
use crate::shortener::views::{DemoPage, Section};
use crate::shortener::visitor::Visitor;
use crate::web::{convert, html, see_other};

/// `GET /demo`
pub async fn show(app: Data<App>, visitor: Visitor, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let headers = convert::headers(request.headers());
    html(&DemoPage {
        layout: visitor.layout("Demo", Section::Demo),
        scope: app.demo.scope().to_owned(),
        state: app.demo.state(&headers).await,
    })
}

/// `POST /demo/connect`
pub async fn connect(app: Data<App>, sender: Sender) -> Result<impl Responder, Problem> {
    sender.require_own()?;
    let (url, cookie) = app.demo.connect();
    Ok(see_other(&url).customize().insert_header((SET_COOKIE, cookie)))
}

/// `GET /demo/install`: where the app store sends whoever installs the demo client.
pub async fn install(app: Data<App>, request: HttpRequest) -> Result<impl Responder, Problem> {
    let query = Fields::parse(request.query_string().as_bytes());
    let (url, cookie) = app.demo.install(query.text("redirect"))?;
    Ok(see_other(&url).customize().insert_header((SET_COOKIE, cookie)))
}

/// `GET /demo/callback`, the redirect URI. The code leaves the address bar at once, because the page is shown by
/// `/demo`, or the app store.
pub async fn callback(app: Data<App>, request: HttpRequest) -> HttpResponse {
    see_other(&app.demo.finish(&convert::headers(request.headers()), request.query_string()).await)
}

/// `POST /demo/forget`
pub async fn forget(app: Data<App>, sender: Sender, request: HttpRequest) -> Result<HttpResponse, Problem> {
    sender.require_own()?;
    app.demo.forget(&convert::headers(request.headers()));
    Ok(see_other("/demo"))
}
