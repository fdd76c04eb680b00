//! The authorization endpoint without its framework: who decides, what the page shows, and who is told of an error.

use grantor::client::Vetting;
use grantor::error::AuthorizeError;
use grantor::redirect_uri::Form as UriForm;
use grantor::{AuthorizationResponse, AuthorizeAnswer, ErrorPage, PendingAuthorization, SessionSecret, Subject};
use http::StatusCode;

use super::subject;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::{ConsentPage, Destination, ScopeChoice, Section};
use crate::shortener::visitor::{SIGN_OUT, Visitor};

/// Where authorization requests arrive.
pub const PATH: &str = "/oauth/authorize";

/// Who decides.
#[derive(Debug)]
pub struct Person {
    user: User,
    /// What the authorization server calls the person.
    pub subject: Subject,
    /// What only the session knows in which they decide.
    pub session: SessionSecret,
}

impl Person {
    /// Whoever is signed in.
    pub fn of(visitor: &Visitor) -> Result<Option<Self>, Problem> {
        let (Some(user), Some(session)) = (visitor.user(), visitor.session()) else { return Ok(None) };
        let session = SessionSecret::new(session.secret()).map_err(|_| Problem::internal())?;
        Ok(Some(Self { user: user.clone(), subject: subject(user)?, session }))
    }
}

/// The page that asks about `pending`; `action` is its own path and query.
pub fn page(visitor: &Visitor, person: &Person, pending: &PendingAuthorization, action: &str) -> ConsentPage {
    let client = pending.client();
    let destination = pending.redirect_uri().display_host();
    ConsentPage {
        layout: visitor.layout("Allow access?", Section::Elsewhere),
        action: action.to_owned(),
        consent_token: pending.consent_token(&person.session, &person.subject),
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
        user_name: person.user.name.clone(),
        username: person.user.username.clone(),
        sign_out_token: visitor.form_token(SIGN_OUT),
    }
}

/// Why there is no page and no decision.
#[derive(Debug)]
pub enum Failure {
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
    pub fn answer(self, visitor: &Visitor) -> Result<AuthorizationResponse, Problem> {
        let error = match self {
            Self::Refused(error) => error,
            Self::Problem(problem) => return Err(problem),
        };
        let who = if visitor.user().is_some() { grantor::Visitor::SignedIn } else { grantor::Visitor::Anonymous };
        match error.answer(who) {
            AuthorizeAnswer::Redirect(response) => Ok(response),
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
    let problem = Problem::new(page.status(), heading, page.text());
    match page.continue_to() {
        Some(target) => {
            let destination = page.destination().unwrap_or("the app");
            problem.with_way_out(target, format!("Continue to {destination}"))
        }
        None => problem,
    }
}
