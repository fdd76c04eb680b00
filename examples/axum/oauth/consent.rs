//! The authorization endpoint: the page that asks, and the form that answers.

use axum::Router;
use axum::extract::State;
use axum::http::header::ALLOW;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use grantor::client::Vetting;
use grantor::error::AuthorizeError;
use grantor::redirect_uri::Form as UriForm;
use grantor::{
    Approval, AuthorizeAnswer, ErrorPage, PendingAuthorization, Recall, Scope, SessionSecret, Subject, page_headers,
};

use crate::app::App;
use crate::pages::sign_in;
use crate::shortener::users::User;
use crate::shortener::views::{ConsentPage, Destination, ScopeChoice, Section};
use crate::web::{Form, Problem, Visitor, html, see_other};

/// Where authorization requests arrive.
pub const PATH: &str = "/oauth/authorize";

/// The authorization endpoint. HEAD is refused: it would go through [`show`], and a remembered consent would make a code.
pub fn router() -> Router<App> {
    let refuse = async || ([(ALLOW, "GET, POST")], Problem::of_status(StatusCode::METHOD_NOT_ALLOWED));
    Router::new().route(PATH, get(show).post(decide).head(refuse))
}

/// `GET /oauth/authorize`
async fn show(State(app): State<App>, visitor: Visitor, uri: Uri) -> Result<Response, Problem> {
    ask(&app, &visitor, &uri).await.or_else(|failure| failure.answer(&visitor))
}

/// `POST /oauth/authorize`
async fn decide(State(app): State<App>, visitor: Visitor, uri: Uri, form: Form) -> Result<Response, Problem> {
    settle(&app, &visitor, &uri, &form).await.or_else(|failure| failure.answer(&visitor))
}

/// Shows the consent page, unless there is nobody to ask or nothing to ask about.
async fn ask(app: &App, visitor: &Visitor, uri: &Uri) -> Result<Response, Failure> {
    let pending = app.server.authorize(uri.query().unwrap_or_default()).await?;
    let Some((user, session)) = signed_in(visitor)? else {
        pending.sign_in_required()?;
        return Ok(see_other(&sign_in::path(path_and_query(uri))?));
    };
    let asks_again = pending.prompt().asks_for_login() || pending.prompt().asks_for_account();
    if asks_again && !visitor.signed_in_for(path_and_query(uri)) {
        return Ok(see_other(&sign_in::again_path(path_and_query(uri))?));
    }
    let subject = super::subject(user)?;
    match app.server.recall(pending, &subject).await? {
        Recall::Ask(pending) => page(visitor, user, &session, &subject, &pending, uri),
        Recall::Remembered(confirmed) => {
            Ok(app.server.approve(confirmed, Approval::all()).await?.into_http().into_response())
        }
    }
}

/// Carries out the decision. The query is that of the page, so the request is checked again as it was shown.
async fn settle(app: &App, visitor: &Visitor, uri: &Uri, form: &Form) -> Result<Response, Failure> {
    // Not a decision but a request, sent by POST (RFC 6749 §3.1): begin with the page, by a GET that brings the cookies of a
    // visitor who comes from another site.
    if form.fields.get("client_id").is_some() {
        let query = form.as_query().ok_or_else(|| Problem::of_status(StatusCode::BAD_REQUEST))?;
        return Ok(see_other(&format!("{PATH}?{query}")));
    }
    form.require_own()?;
    let pending = app.server.authorize(uri.query().unwrap_or_default()).await?;
    let Some((user, session)) = signed_in(visitor)? else {
        pending.sign_in_required()?;
        return Ok(see_other(&sign_in::path(path_and_query(uri))?));
    };
    let confirmed = pending.confirm(&session, &super::subject(user)?, form.fields.text("consent_token"))?;
    let response = match form.fields.text("decision") {
        "approve" => {
            let ticked = form.fields.all("scope").collect::<Vec<_>>().join(" ");
            let scope = Scope::parse(&ticked).map_err(|_| Problem::of_status(StatusCode::BAD_REQUEST))?;
            app.server.approve(confirmed, Approval::of(scope)).await?
        }
        "deny" => app.server.deny(confirmed),
        _ => return Err(Problem::of_status(StatusCode::BAD_REQUEST).into()),
    };
    Ok(response.into_http().into_response())
}

fn signed_in(visitor: &Visitor) -> Result<Option<(&User, SessionSecret)>, Problem> {
    let (Some(user), Some(secret)) = (visitor.user(), visitor.secret()) else { return Ok(None) };
    let secret = SessionSecret::new(secret).map_err(|_| Problem::internal())?;
    Ok(Some((user, secret)))
}

fn path_and_query(uri: &Uri) -> &str {
    uri.path_and_query().map_or(PATH, |both| both.as_str())
}

fn page(
    visitor: &Visitor,
    user: &User,
    session: &SessionSecret,
    subject: &Subject,
    pending: &PendingAuthorization,
    uri: &Uri,
) -> Result<Response, Failure> {
    let client = pending.client();
    let destination = pending.redirect_uri().display_host();
    let mut response = html(&ConsentPage {
        layout: visitor.layout("Allow access?", Section::Elsewhere),
        action: path_and_query(uri).to_owned(),
        consent_token: pending.consent_token(session, subject),
        app_name: client.display_name().to_owned(),
        unverified: client.vetting() == Vetting::SelfRegistered,
        destination: match pending.redirect_uri().form() {
            UriForm::Loopback(_) => Destination::ThisComputer(destination),
            UriForm::PrivateUse => Destination::App(destination),
            _ => Destination::Site(destination),
        },
        scopes: pending
            .scopes()
            .map(|(token, words)| ScopeChoice { token: token.to_owned(), words: words.to_owned() })
            .collect(),
        user_name: user.name.clone(),
        username: user.username.clone(),
        sign_out_token: visitor.form_token(sign_in::SIGN_OUT),
    })?;
    response.headers_mut().extend(page_headers());
    Ok(response)
}

/// Why there is no page and no decision.
enum Failure {
    /// The authorization server refused the request.
    Refused(AuthorizeError),
    /// Something of the shortener's own.
    Problem(Problem),
}

impl From<AuthorizeError> for Failure {
    fn from(error: AuthorizeError) -> Self {
        Self::Refused(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Failure {
    /// Tells the client where that is safe, and the person otherwise.
    fn answer(self, visitor: &Visitor) -> Result<Response, Problem> {
        let error = match self {
            Self::Refused(error) => error,
            Self::Problem(problem) => return Err(problem),
        };
        let who = if visitor.user().is_some() { grantor::Visitor::SignedIn } else { grantor::Visitor::Anonymous };
        match error.answer(who) {
            AuthorizeAnswer::Redirect(response) => Ok(response.into_http().into_response()),
            AuthorizeAnswer::Page(page) => Err(explain(&page)),
        }
    }
}

fn explain(page: &ErrorPage) -> Problem {
    let heading = match page.status() {
        StatusCode::FORBIDDEN => "Please start again",
        StatusCode::CONFLICT => "You decided already",
        status if status.is_server_error() => return Problem::unavailable(),
        _ => "This app sent a request that cannot be answered",
    };
    let problem = Problem::new(page.status(), heading, page.description());
    match page.continue_to() {
        Some(target) => {
            let destination = page.destination().unwrap_or("the app");
            problem.with_way_out(target, format!("Continue to {destination}"))
        }
        None => problem,
    }
}
