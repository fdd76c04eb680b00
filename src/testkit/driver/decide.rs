//! What a user decides, and what the client hears of it.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use http::header::LOCATION;

use super::authorize::{Authorize, Browser};
use super::changes::{Change, changes};
use super::{Reply, Sending, Step, TestClient, Tokens, fail};
use crate::error::AuthorizeError;
use crate::grant::Approval;
use crate::identifier::Subject;
use crate::testkit::Form;
use crate::testkit::fixtures::parsed;
use crate::testkit::server::Failure;
use crate::wire::AuthorizationResponse;

/// A user who decides on the consent page, and sends its form.
///
/// The form is that of the page before, unless it is changed: another session, another user, a forged consent token, or
/// another request than was shown.
#[derive(Clone)]
#[must_use = "nothing is sent until this is awaited"]
pub struct Decide {
    authorize: Authorize,
    decision: Decision,
    browser: Browser,
    consent_token: Option<String>,
    after: Duration,
    changes: Vec<Change>,
}

#[derive(Clone)]
pub(super) enum Decision {
    Approve(Approval),
    Deny,
    Remembered,
}

impl fmt::Debug for Decide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decide").field("step", &self.name()).finish_non_exhaustive()
    }
}

impl Decide {
    pub(super) fn new(authorize: Authorize, decision: Decision) -> Self {
        let browser = authorize.browser.clone();
        Self { authorize, decision, browser, consent_token: None, after: Duration::ZERO, changes: Vec::new() }
    }

    changes!();

    /// The user approves this of it, and no more.
    ///
    /// # Panics
    ///
    /// If `scope` is malformed.
    #[track_caller]
    pub fn only(self, scope: &str) -> Self {
        self.approval(Approval::of(parsed(scope)))
    }

    /// The user approves it like this.
    pub fn approval(mut self, approval: Approval) -> Self {
        self.decision = Decision::Approve(approval);
        self
    }

    /// Sets who is signed in when the form arrives.
    ///
    /// # Panics
    ///
    /// If `subject` cannot be one.
    #[track_caller]
    pub fn subject(mut self, subject: &str) -> Self {
        self.browser.subject = Some(parsed(subject));
        self
    }

    /// Sets the secret of the session by which the form arrives.
    pub const fn session(mut self, secret: [u8; 32]) -> Self {
        self.browser.session = secret;
        self
    }

    /// Sets the consent token that the form carries.
    pub fn consent_token(mut self, token: &str) -> Self {
        self.consent_token = Some(token.to_owned());
        self
    }

    /// Moves the clock on between the page and the decision.
    pub const fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }

    /// The client exchanges the code.
    pub fn exchange(self) -> Step<Tokens> {
        Step::after(self)
    }

    /// Sends the form, and gives what comes back: a redirect to the client, or a page.
    ///
    /// # Panics
    ///
    /// If there is no consent page for the request.
    #[must_use = "nothing is sent until this is awaited"]
    #[track_caller]
    pub fn send(self) -> Sending<Reply> {
        let place = Location::caller();
        Box::pin(async move { self.carry_out(place).await })
    }

    pub(super) const fn client(&self) -> &TestClient {
        &self.authorize.client
    }

    const fn name(&self) -> &'static str {
        match self.decision {
            Decision::Approve(_) => "the approval",
            Decision::Deny => "the denial",
            Decision::Remembered => "the remembered consent",
        }
    }

    async fn carry_out(&self, place: &Location<'_>) -> Reply {
        let Self { decision, browser, .. } = self;
        let (Some(subject), Decision::Approve(_) | Decision::Deny) = (&browser.subject, decision) else {
            return self.opened().send().await.named(self.name());
        };
        let consent_token = match &self.consent_token {
            Some(token) => token.clone(),
            None => {
                let page = self.authorize.open().await.unwrap_or_else(|reply| fail(place, &reply, ""));
                page.consent_token().to_owned()
            }
        };
        self.client().server.clock().advance(self.after);
        let response = match self.settle(subject, &consent_token).await {
            Ok(response) => response.into_http(),
            Err(error) => Failure::from(error).answer(&browser.visitor()),
        };
        Reply::new(self.name(), response)
    }

    /// The request that the form is posted back to.
    fn opened(&self) -> Authorize {
        self.authorize.clone().changed(&self.changes)
    }

    async fn settle(&self, subject: &Subject, consent_token: &str) -> Result<AuthorizationResponse, AuthorizeError> {
        let server = self.client().server.server();
        let pending = self.opened().pending().await?;
        let confirmed = pending.confirm(&self.browser.secret(), subject, consent_token)?;
        match &self.decision {
            Decision::Approve(approval) => server.approve(confirmed, approval.clone()).await,
            Decision::Deny | Decision::Remembered => server.deny(confirmed).await,
        }
    }

    /// What the client hears, if that is what the user decided.
    pub(super) async fn callback(&self, place: &Location<'_>) -> Callback {
        let reply = self.carry_out(place).await;
        let Some(location) = reply.header(LOCATION.as_str()) else { fail(place, &reply, "") };
        let callback = self.opened().heard(location);
        let expected = match self.decision {
            Decision::Deny => callback.parameter("error") == Some("access_denied"),
            Decision::Approve(_) | Decision::Remembered => callback.parameter("code").is_some(),
        };
        let wrong = if expected { callback.wrong() } else { Some("") };
        if let Some(why) = wrong {
            fail(place, &reply, why);
        }
        callback
    }
}

impl IntoFuture for Decide {
    type Output = Callback;
    type IntoFuture = Sending<Callback>;

    #[track_caller]
    fn into_future(self) -> Sending<Callback> {
        let place = Location::caller();
        Box::pin(async move { self.callback(place).await })
    }
}

/// The authorization response, as it reached the client (RFC 6749 §4.1.2).
#[derive(Clone)]
#[must_use = "the client waits for it"]
pub struct Callback {
    client: TestClient,
    request: Form,
    response: Form,
    verifier: String,
    location: String,
}

impl fmt::Debug for Callback {
    /// Whose it is; the address carries the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("client", &self.client.id()).finish_non_exhaustive()
    }
}

impl Callback {
    pub(super) fn new(client: &TestClient, request: Form, verifier: &str, location: &str) -> Self {
        let response = Form::parse(location.split_once('?').map_or("", |(_, query)| query));
        let (verifier, location) = (verifier.to_owned(), location.to_owned());
        Self { client: client.clone(), request, response, verifier, location }
    }

    /// The address that the browser was sent to.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// A parameter of that address.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.response.get(name)
    }

    /// The code.
    ///
    /// # Panics
    ///
    /// If there is none, because the user denied it.
    #[must_use]
    #[track_caller]
    pub fn code(&self) -> &str {
        self.parameter("code").expect("there is a code, unless the user denied it")
    }

    /// The client exchanges the code.
    ///
    /// # Panics
    ///
    /// If there is none, because the user denied it.
    #[track_caller]
    pub fn exchange(&self) -> Step<Tokens> {
        Step::token("the exchange", &self.client, self.form())
    }

    /// What a client must not put up with: an answer to another request, or of another server (RFC 9700 §4.4, §4.7).
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let target = self.request.get("redirect_uri").unwrap_or_default();
        let issuer = self.client.server.server().configuration().issuer.as_str();
        if !self.location.starts_with(target) {
            Some("it leads elsewhere")
        } else if self.parameter("state") != self.request.get("state") {
            Some("the state is another")
        } else if self.parameter("iss") != Some(issuer) {
            Some("the issuer is another")
        } else {
            None
        }
    }

    #[track_caller]
    pub(super) fn form(&self) -> Form {
        let form = Form::of([("grant_type", "authorization_code"), ("code", self.code())]);
        let form = self.request.get("redirect_uri").iter().fold(form, |form, uri| form.and("redirect_uri", uri));
        match self.request.get("code_challenge") {
            Some(_) => form.and("code_verifier", &self.verifier),
            None => form,
        }
    }
}
