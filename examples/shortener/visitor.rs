//! Who is on the other side: a browser, and the person who signed in with it.

use http::HeaderMap;

use super::csrf;
use super::form::Form;
use super::problem::Problem;
use super::sessions::{Holder, Session, Sessions};
use super::site::Site;
use super::users::User;
use super::views::{Account, Layout, Section};

/// The purpose that the sign-out form's anti-CSRF value is bound to.
pub const SIGN_OUT: &str = "sign out";

/// A browser, with its session if it has one.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// What the pages call the service.
    service: &'static str,
    has_app_store: bool,
    session: Option<Session>,
}

impl Visitor {
    /// The browser that sent these headers.
    pub async fn of(site: &Site, headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self { service: site.name, has_app_store: site.has_app_store, session: site.sessions.find(headers).await? })
    }

    /// Who is signed in.
    pub const fn user(&self) -> Option<&User> {
        match &self.session {
            Some(session) => session.user.as_ref(),
            None => None,
        }
    }

    /// The session, to be told to the browser if it is new.
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The workspace that the person chose to see; none is all of theirs. They may have left it meanwhile.
    pub fn workspace(&self) -> Option<&str> {
        self.session.as_ref()?.workspace.as_deref()
    }

    /// Whether the person signed in in order to see this very page.
    pub fn signed_in_for(&self, path: &str) -> bool {
        self.session.as_ref().and_then(|session| session.signed_in_for.as_deref()) == Some(path)
    }

    /// The same browser with a session, so that a form can carry a value that is bound to it.
    pub async fn with_session(self, sessions: &Sessions) -> Result<Self, Problem> {
        if self.session.is_some() { Ok(self) } else { self.renew(sessions, Holder::Anonymous).await }
    }

    /// The same browser with `user` signed in, under a session that nobody had before; `next` is where they are going.
    pub async fn sign_in(self, sessions: &Sessions, user: &User, next: &str) -> Result<Self, Problem> {
        self.renew(sessions, Holder::SignedIn(user, next)).await
    }

    /// The same browser with nobody signed in.
    pub async fn sign_out(self, sessions: &Sessions) -> Result<Self, Problem> {
        self.renew(sessions, Holder::Anonymous).await
    }

    async fn renew(self, sessions: &Sessions, holder: Holder<'_>) -> Result<Self, Problem> {
        Ok(Self { session: Some(sessions.begin(self.session.as_ref(), holder).await?), ..self })
    }

    /// The anti-CSRF value of the form for `purpose`.
    pub fn form_token(&self, purpose: &str) -> String {
        self.session.as_ref().map(|session| csrf::token(&session.secret(), purpose)).unwrap_or_default()
    }

    /// Refuses a form that was not made for `purpose` in this session.
    pub fn require_own(&self, form: &Form, purpose: &str) -> Result<(), Problem> {
        form.require_own()?;
        let submitted = form.fields.text("csrf");
        let genuine = self.session.as_ref().is_some_and(|session| csrf::verify(&session.secret(), purpose, submitted));
        if genuine { Ok(()) } else { Err(Problem::out_of_date()) }
    }

    /// The frame of a page for this visitor.
    pub fn layout(&self, title: &str, section: Section) -> Layout {
        let account = self.user().map(|user| Account {
            name: user.name.clone(),
            username: user.username.clone(),
            sign_out_token: self.form_token(SIGN_OUT),
        });
        Layout { service: self.service, has_app_store: self.has_app_store, title: title.to_owned(), section, account }
    }
}
