//! The authorization endpoint: the page that asks, and the form that answers.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::{StatusCode, Uri};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use grantor::rate_limit::Peer;
use grantor::{Approval, AuthorizationRequest, Recall, page_headers};

use crate::provider::app::App;
use crate::provider::consent_page::{self, Failure, Person};
use crate::shortener::form::Form;
use crate::shortener::problem::Problem;
use crate::shortener::sign_in;
use crate::shortener::views::ConsentPage;
use crate::shortener::visitor::Visitor;
use crate::web::convert::{self, IntoResponse as _};
use crate::web::methods::page;
use crate::web::{html, see_other};

/// The authorization endpoint. HEAD is refused: it would go through [`show`], and a remembered consent would make a
/// code.
pub fn service(path: &str) -> impl HttpServiceFactory + use<> {
    page(path).get_without_head(show).post(decide)
}

/// `GET`
async fn show(app: Data<App>, visitor: Visitor, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (peer, uri) = (convert::peer(&request), request.uri());
    ask(&app, &visitor, peer, uri).await.or_else(|failure| Ok(failure.answer(&visitor)?.into_http().into_response()))
}

/// `POST`
async fn decide(app: Data<App>, visitor: Visitor, request: HttpRequest, form: Form) -> Result<HttpResponse, Problem> {
    let (peer, uri) = (convert::peer(&request), request.uri());
    settle(&app, &visitor, peer, uri, &form)
        .await
        .or_else(|failure| Ok(failure.answer(&visitor)?.into_http().into_response()))
}

/// Shows the consent page, unless there is nobody to ask or nothing to ask about.
async fn ask(app: &App, visitor: &Visitor, peer: Option<Peer>, uri: &Uri) -> Result<HttpResponse, Failure> {
    let pending = app.server.authorize(request(uri, peer)).await?;
    let Some(person) = Person::of(visitor)? else {
        pending.sign_in_required()?;
        return Ok(see_other(&sign_in::path(app.service.sign_in_path, path_and_query(uri))?));
    };
    let asks_again = pending.prompt().asks_for_login() || pending.prompt().asks_for_account();
    if asks_again && !visitor.signed_in_for(path_and_query(uri)) {
        return Ok(see_other(&sign_in::again_path(app.service.sign_in_path, path_and_query(uri))?));
    }
    match consent_page::recall(app, &person, pending).await? {
        Recall::Ask(pending) => {
            let page = consent_page::page(app, visitor, &person, &pending, path_and_query(uri)).await?;
            Ok(asked(&page)?)
        }
        Recall::Remembered(confirmed) => {
            Ok(app.server.approve(confirmed, Approval::all()).await?.into_http().into_response())
        }
    }
}

/// Carries out the decision. The query is that of the page, so the request is checked again as it was shown.
async fn settle(
    app: &App,
    visitor: &Visitor,
    peer: Option<Peer>,
    uri: &Uri,
    form: &Form,
) -> Result<HttpResponse, Failure> {
    // Not a decision but a request, sent by POST (RFC 6749 §3.1): begin with the page, by a GET that brings the cookies
    // of a visitor who comes from another site.
    if form.fields.get("client_id").is_some() {
        let query = form.as_query().ok_or_else(Problem::bad_request)?;
        return Ok(see_other(&format!("{}?{query}", app.service.paths.authorize())));
    }
    form.require_own()?;
    let pending = app.server.authorize(request(uri, peer)).await?;
    let Some(person) = Person::of(visitor)? else {
        pending.sign_in_required()?;
        return Ok(see_other(&sign_in::path(app.service.sign_in_path, path_and_query(uri))?));
    };
    let here = path_and_query(uri);
    if let Some(page) = consent_page::page_again(app, visitor, &person, &pending, here, &form.fields).await? {
        let mut response = asked(&page)?;
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(response);
    }
    let client = pending.client().clone();
    let confirmed = pending.confirm(&person.session, &person.subject, form.fields.text("consent_token"))?;
    let response = match form.fields.text("decision") {
        "approve" => {
            let approval = consent_page::approval(app, &person, &client, &form.fields).await?;
            app.server.approve(confirmed, approval).await?
        }
        "deny" => app.server.deny(confirmed).await?,
        _ => return Err(Problem::bad_request().into()),
    };
    Ok(response.into_http().into_response())
}

/// What is asked for, and by whom: a client's own document may have to be fetched for it.
fn request(uri: &Uri, peer: Option<Peer>) -> AuthorizationRequest<'_> {
    let request = AuthorizationRequest::new(uri.query().unwrap_or_default());
    peer.into_iter().fold(request, AuthorizationRequest::with_peer)
}

/// The page, with what protects it.
fn asked(page: &ConsentPage) -> Result<HttpResponse, Problem> {
    let mut response = html(page)?;
    convert::append(page_headers(), response.headers_mut());
    Ok(response)
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |both| both.as_str())
}
