//! The service around a [`TestServer`]: what a host adds to the authorization server, in its plainest form.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::visitor::{Visitor, is_foreign, sign_in, sign_out};
use super::{TestServer, api, pages};
use crate::endpoint::Recall;
use crate::error::AuthorizeError;
use crate::grant::Approval;
use crate::identifier::{Subject, Tenant};
use crate::scope::Scope;
use crate::testkit::Form;
use crate::wire::AuthorizeAnswer;

/// Answers any request.
pub(super) async fn respond(server: &TestServer, parts: &Parts, body: Bytes) -> Response<String> {
    let path = parts.uri.path();
    if path == server.server().configuration().paths.authorize() {
        return authorization_endpoint(server, parts, &body).await;
    }
    if let Some(guard) = api::find(server, &parts.uri) {
        return api::respond_to(server, &guard, parts).await;
    }
    if let Some(response) = api::metadata(server, parts) {
        return response;
    }
    match path {
        "/" | "/signin" | "/signout" => own_page(server, parts, &body).unwrap_or_else(pages::problem),
        _ => {
            let mut request = Request::new(Whole(Some(body)));
            request.method_mut().clone_from(&parts.method);
            request.uri_mut().clone_from(&parts.uri);
            request.headers_mut().clone_from(&parts.headers);
            server.server().handle(request).await
        }
    }
}

/// The pages that have nothing to do with OAuth.
fn own_page(server: &TestServer, parts: &Parts, body: &Bytes) -> Result<Response<String>, StatusCode> {
    let visitor = Visitor::of(server, &parts.headers);
    match (parts.uri.path(), &parts.method) {
        ("/", &Method::GET) => Ok(pages::home(visitor.session().map(|session| &session.subject))),
        ("/signin", &Method::GET) => {
            let query = Form::parse(parts.uri.query().unwrap_or_default());
            Ok(pages::sign_in(way_back(&query)))
        }
        ("/signin", &Method::POST) => {
            let form = read_own(server, &parts.headers, body)?;
            let next = way_back(&form);
            let subject = form.get("username").and_then(|name| Subject::parse(name).ok());
            let subject = subject.ok_or(StatusCode::FORBIDDEN)?;
            let mut response = pages::see_other(next);
            response.headers_mut().insert(SET_COOKIE, sign_in(server, &parts.headers, subject, next));
            Ok(response)
        }
        ("/signout", &Method::POST) => {
            let form = read_own(server, &parts.headers, body)?;
            let mut response = pages::see_other(way_back(&form));
            response.headers_mut().insert(SET_COOKIE, sign_out(server, &parts.headers));
            Ok(response)
        }
        ("/", _) => Ok(pages::method_not_allowed("GET")),
        ("/signout", _) => Ok(pages::method_not_allowed("POST")),
        _ => Ok(pages::method_not_allowed("GET, POST")),
    }
}

/// The authorization endpoint. HEAD is refused: a remembered consent would make a code.
async fn authorization_endpoint(server: &TestServer, parts: &Parts, body: &Bytes) -> Response<String> {
    let visitor = Visitor::of(server, &parts.headers);
    let here = parts.uri.path_and_query().map_or_else(|| parts.uri.path(), PathAndQuery::as_str);
    match parts.method {
        Method::GET => show(server, &visitor, here, None).await,
        Method::POST => decide(server, &visitor, here, &parts.headers, body).await,
        _ => pages::method_not_allowed("GET, POST"),
    }
}

/// What a visitor sees who opens an authorization request: `here` is its path and query.
pub(super) async fn show(
    server: &TestServer,
    visitor: &Visitor,
    here: &str,
    tenant: Option<&Tenant>,
) -> Response<String> {
    ask(server, visitor, here, tenant).await.unwrap_or_else(|failure| failure.answer(visitor))
}

async fn ask(
    server: &TestServer,
    visitor: &Visitor,
    here: &str,
    tenant: Option<&Tenant>,
) -> Result<Response<String>, Failure> {
    let mut pending = server.server().authorize(query(here)).await?;
    if let Some(tenant) = tenant {
        pending = pending.in_tenant(tenant.clone())?;
    }
    let Some(session) = visitor.session() else {
        pending.sign_in_required()?;
        return Ok(pages::see_other(&pages::sign_in_path(here)));
    };
    let asks_again = pending.prompt().asks_for_login() || pending.prompt().asks_for_account();
    if asks_again && !visitor.signed_in_for(here) {
        return Ok(pages::see_other(&pages::sign_in_path(here)));
    }
    match server.server().recall(pending, &session.subject).await? {
        Recall::Ask(pending) => Ok(pages::consent(&pending, &session.secret(), &session.subject, here)),
        Recall::Remembered(confirmed) => Ok(server.server().approve(confirmed, Approval::all()).await?.into_http()),
    }
}

async fn decide(
    server: &TestServer,
    visitor: &Visitor,
    here: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<String> {
    settle(server, visitor, here, headers, body).await.unwrap_or_else(|failure| failure.answer(visitor))
}

/// Carries out the decision. The query is that of the page, so the request is checked again as it was shown.
async fn settle(
    server: &TestServer,
    visitor: &Visitor,
    here: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Response<String>, Failure> {
    // Not a decision but a request, sent by POST (RFC 6749 §3.1): begin with the page, by a GET that brings the cookies
    // of a visitor who comes from another site.
    if read(server, headers, body)?.get("client_id").is_some() {
        let query = std::str::from_utf8(body).map_err(|_| StatusCode::BAD_REQUEST)?;
        // With a `#` the query would end there.
        if !query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(StatusCode::BAD_REQUEST.into());
        }
        return Ok(pages::see_other(&format!("{}?{query}", server.server().configuration().paths.authorize())));
    }
    let form = read_own(server, headers, body)?;
    let pending = server.server().authorize(query(here)).await?;
    let Some(session) = visitor.session() else {
        pending.sign_in_required()?;
        return Ok(pages::see_other(&pages::sign_in_path(here)));
    };
    let confirmed =
        pending.confirm(&session.secret(), &session.subject, form.get("consent_token").unwrap_or_default())?;
    let response = match form.get("decision") {
        Some("approve") => {
            let ticked: Vec<_> = form.iter().filter(|(name, _)| *name == "scope").map(|(_, token)| token).collect();
            let scope = Scope::parse(&ticked.join(" ")).map_err(|_| StatusCode::BAD_REQUEST)?;
            server.server().approve(confirmed, Approval::of(scope)).await?
        }
        Some("deny") => server.server().deny(confirmed).await?,
        _ => return Err(StatusCode::BAD_REQUEST.into()),
    };
    Ok(response.into_http())
}

fn query(path_and_query: &str) -> &str {
    path_and_query.split_once('?').map_or("", |(_, query)| query)
}

/// Where to go after signing in: a page of our own, whatever a browser makes of it.
fn way_back(form: &Form) -> &str {
    let wanted = form.get("next").unwrap_or_default();
    let rest = wanted.strip_prefix('/');
    let local = rest.is_some_and(|rest| !rest.starts_with('/'));
    if local && wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') { wanted } else { "/" }
}

/// Why there is no page and no decision.
pub(in crate::testkit) enum Failure {
    /// The authorization server refused the request.
    Refused(AuthorizeError),
    /// The form is not one of ours.
    Form(StatusCode),
}

impl From<AuthorizeError> for Failure {
    fn from(error: AuthorizeError) -> Self {
        Self::Refused(error)
    }
}

impl From<StatusCode> for Failure {
    fn from(status: StatusCode) -> Self {
        Self::Form(status)
    }
}

impl Failure {
    /// Tells the client where that is safe, and the person otherwise.
    pub(in crate::testkit) fn answer(self, visitor: &Visitor) -> Response<String> {
        match self {
            Self::Form(status) => pages::problem(status),
            Self::Refused(error) => match error.answer(visitor.kind()) {
                AuthorizeAnswer::Redirect(response) => response.into_http(),
                AuthorizeAnswer::Page(page) => pages::refusal(&page),
            },
        }
    }
}

/// Reads a form that a page of this service, or of another, sent.
fn read(server: &TestServer, headers: &HeaderMap, body: &Bytes) -> Result<Form, StatusCode> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    if body.len() > server.server().configuration().body_limit {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    Ok(Form::parse(&String::from_utf8_lossy(body)))
}

/// Reads a form that a page of this service sent, and no other.
fn read_own(server: &TestServer, headers: &HeaderMap, body: &Bytes) -> Result<Form, StatusCode> {
    let form = read(server, headers, body)?;
    if is_foreign(server, headers) { Err(StatusCode::FORBIDDEN) } else { Ok(form) }
}

/// A body that is there as a whole.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|body| Ok(Frame::data(body))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |body| body.len() as u64))
    }
}

#[cfg(test)]
mod tests;
