//! Who is on the other side: the session, and the person who signed in with it.

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, Session};

use super::{Form, Problem, see_other};
use crate::app::App;
use crate::pages::sign_in;
use crate::shortener::csrf;
use crate::shortener::users::{self, User};
use crate::shortener::views::{Account, Layout, Section};

/// How long a person stays signed in without doing anything that changes the session.
const SIGNED_IN: Expiry = Expiry::OnInactivity(Duration::days(7));
/// How long the sign-in form may be left open.
const ANONYMOUS: Expiry = Expiry::OnInactivity(Duration::minutes(30));

const SECRET: &str = "secret";
const USER: &str = "user";
const SIGNED_IN_FOR: &str = "signed in for";

/// A browser, with its session if it has one.
#[derive(Debug)]
pub struct Visitor {
    session: Session,
    secret: Option<[u8; 32]>,
    user: Option<User>,
    signed_in_for: Option<String>,
}

impl Visitor {
    /// Who is signed in.
    pub const fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// What only this session knows; it changes when somebody signs in or out.
    pub const fn secret(&self) -> Option<&[u8; 32]> {
        self.secret.as_ref()
    }

    /// Whether the person signed in in order to see this very page.
    pub fn signed_in_for(&self, path: &str) -> bool {
        self.signed_in_for.as_deref() == Some(path)
    }

    /// Makes sure that there is a session, so that a form can carry a value that is bound to it.
    pub async fn ensure_session(&mut self) -> Result<(), Problem> {
        if self.secret.is_none() {
            self.secret = Some(renew(&self.session, None).await?);
        }
        Ok(())
    }

    /// Makes `user` the one who is signed in, under a session id and a secret that nobody had before; `next` is where they
    /// are going.
    pub async fn sign_in(&self, user: &User, next: &str) -> Result<(), Problem> {
        renew(&self.session, Some(user)).await?;
        Ok(self.session.insert(SIGNED_IN_FOR, next).await?)
    }

    /// Forgets who was signed in.
    pub async fn sign_out(&self) -> Result<(), Problem> {
        renew(&self.session, None).await.map(|_| ())
    }

    /// The anti-CSRF value of the form for `purpose`.
    pub fn form_token(&self, purpose: &str) -> String {
        self.secret.as_ref().map(|secret| csrf::token(secret, purpose)).unwrap_or_default()
    }

    /// Refuses a form that was not made for `purpose` in this session.
    pub fn require_own(&self, form: &Form, purpose: &str) -> Result<(), Problem> {
        form.require_own()?;
        let genuine =
            self.secret.as_ref().is_some_and(|secret| csrf::verify(secret, purpose, form.fields.text("csrf")));
        if genuine { Ok(()) } else { Err(Problem::out_of_date()) }
    }

    /// The frame of a page for this visitor.
    pub fn layout(&self, title: &str, section: Section) -> Layout {
        let account = self.user.as_ref().map(|user| Account {
            name: user.name.clone(),
            username: user.username.clone(),
            sign_out_token: self.form_token(sign_in::SIGN_OUT),
        });
        Layout { title: title.to_owned(), section, account }
    }
}

/// Empties the session and gives it a new id: what was known of the old one is worth nothing.
async fn renew(session: &Session, user: Option<&User>) -> Result<[u8; 32], Problem> {
    let secret = rand::random::<[u8; 32]>();
    session.clear().await;
    session.insert(SECRET, URL_SAFE_NO_PAD.encode(secret)).await?;
    if let Some(user) = user {
        session.insert(USER, user.id).await?;
    }
    session.set_expiry(Some(if user.is_some() { SIGNED_IN } else { ANONYMOUS }));
    session.cycle_id().await?;
    Ok(secret)
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let session = Session::from_request_parts(parts, app).await.map_err(|_| Problem::internal())?;
        let secret: Option<String> = session.get(SECRET).await?;
        let secret = secret.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok());
        let user = match session.get::<i64>(USER).await? {
            Some(id) if secret.is_some() => users::find(&app.database, id).await?,
            _ => None,
        };
        let signed_in_for = session.get(SIGNED_IN_FOR).await?;
        Ok(Self { session, secret, user, signed_in_for })
    }
}

/// A browser in which somebody is signed in; others are sent to sign in first, and come back.
#[derive(Debug)]
pub struct SignedIn {
    /// The browser.
    pub visitor: Visitor,
    /// Who is signed in.
    pub user: User,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, app).await.map_err(Problem::into_response)?;
        if let Some(user) = visitor.user.clone() {
            return Ok(Self { visitor, user });
        }
        // What a form sent is lost, so the way back leads to the front page.
        let wanted = if parts.method == Method::GET { parts.uri.path_and_query() } else { None };
        let sign_in = sign_in::path(wanted.map_or("/", PathAndQuery::as_str)).map_err(Problem::into_response)?;
        Err(see_other(&sign_in))
    }
}
