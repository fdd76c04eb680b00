//! The request that a client sends a user's browser with.

use std::fmt;
use std::panic::Location;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::changes::{Change, changes};
use super::decide::{Callback, Decide, Decision};
use super::{Reply, Sending, TestClient, fail};
use crate::error::AuthorizeError;
use crate::grant::{Approval, PendingAuthorization, SessionSecret};
use crate::identifier::{Subject, Tenant};
use crate::pkce::{CodeChallenge, CodeVerifier};
use crate::secret::random;
use crate::testkit::Form;
use crate::testkit::fixtures::parsed;
use crate::testkit::server::{Failure, Visitor};

/// An authorization request in a browser in which somebody is signed in.
///
/// Awaited, it gives the consent [`Page`]. [`approve`](Self::approve) and [`deny`](Self::deny) go on from it;
/// [`send`](Self::send) gives what the browser shows, whether that is the page or something else.
#[derive(Clone)]
#[must_use = "nothing is sent until this is awaited"]
pub struct Authorize {
    pub(super) client: TestClient,
    pub(super) browser: Browser,
    base: Form,
    changes: Vec<Change>,
    tenant: Option<Tenant>,
    verifier: String,
}

/// Who is in front of the browser, and by which session.
#[derive(Clone)]
pub(super) struct Browser {
    pub(super) subject: Option<Subject>,
    pub(super) session: [u8; 32],
}

impl Browser {
    pub(super) fn visitor(&self) -> Visitor {
        match &self.subject {
            Some(subject) => Visitor::signed_in(subject.clone(), self.session),
            None => Visitor::anonymous(),
        }
    }

    pub(super) fn secret(&self) -> SessionSecret {
        SessionSecret::new(self.session).expect("32 bytes are enough")
    }
}

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize").field("client", &self.client.id()).finish_non_exhaustive()
    }
}

impl Authorize {
    pub(super) fn new(client: &TestClient) -> Self {
        let verifier = URL_SAFE_NO_PAD.encode(random::<32>());
        let challenge = CodeChallenge::of(&CodeVerifier::parse(&verifier).expect("43 characters of base64url"));
        let state = URL_SAFE_NO_PAD.encode(random::<16>());
        let base = Form::of([
            ("response_type", "code"),
            ("client_id", client.id()),
            ("state", &state),
            ("code_challenge", &String::from(challenge)),
            ("code_challenge_method", "S256"),
        ]);
        let uri = client.client().redirect_uris().first();
        let base = uri.iter().fold(base, |base, uri| base.and("redirect_uri", uri.as_str()));
        let base = client.default_scope().iter().fold(base, |base, scope| base.and("scope", scope));
        let browser = Browser { subject: Some(parsed("alice")), session: client.server.browser_session() };
        Self { client: client.clone(), browser, base, changes: Vec::new(), tenant: None, verifier }
    }

    changes!();

    /// Asks for this scope; without it, for the server's default, and where there is none for all that the client may
    /// have.
    pub fn scope(self, scope: &str) -> Self {
        self.with("scope", scope)
    }

    /// Asks for one resource more.
    pub fn resource(self, resource: &str) -> Self {
        self.and("resource", resource)
    }

    /// Sets who is signed in; it is `alice` otherwise.
    ///
    /// # Panics
    ///
    /// If `subject` cannot be one.
    #[track_caller]
    pub fn subject(mut self, subject: &str) -> Self {
        self.browser.subject = Some(parsed(subject));
        self
    }

    /// Nobody is signed in.
    pub fn anonymous(mut self) -> Self {
        self.browser.subject = None;
        self
    }

    /// Sets the secret of the browser's session; it is the same for all steps otherwise.
    pub const fn session(mut self, secret: [u8; 32]) -> Self {
        self.browser.session = secret;
        self
    }

    /// Confines the request to a tenant, on the page and at the decision.
    ///
    /// # Panics
    ///
    /// If `tenant` cannot be one.
    #[track_caller]
    pub fn tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(parsed(tenant));
        self
    }

    /// The user approves all of it.
    pub fn approve(self) -> Decide {
        Decide::new(self, Decision::Approve(Approval::all()))
    }

    /// The user denies it.
    pub fn deny(self) -> Decide {
        Decide::new(self, Decision::Deny)
    }

    /// The user consented to it before, and is not asked.
    pub fn remembered(self) -> Decide {
        Decide::new(self, Decision::Remembered)
    }

    /// Path and query of the request, for a page of your own; the client is registered with that.
    pub async fn path_and_query(&self) -> String {
        self.client.register().await;
        format!("{}?{}", self.client.server.server().configuration().paths.authorize(), self.parameters().encode())
    }

    /// Takes up what your own page answered: the address that it redirected the browser to.
    ///
    /// # Panics
    ///
    /// If it is none of this server's answers to this very request.
    #[track_caller]
    pub fn callback(&self, location: &str) -> Callback {
        let callback = self.heard(location);
        if let Some(why) = callback.wrong() {
            panic!("the authorization response is refused: {why}");
        }
        callback
    }

    pub(super) fn heard(&self, location: &str) -> Callback {
        Callback::new(&self.client, self.parameters(), &self.verifier, location)
    }

    /// Opens the request, and gives what the browser shows: a consent page, a redirect or an error page.
    #[must_use = "nothing is sent until this is awaited"]
    pub fn send(self) -> Sending<Reply> {
        Box::pin(async move {
            let here = self.path_and_query().await;
            let response = self.client.server.show(&self.browser.visitor(), &here, self.tenant.as_ref()).await;
            Reply::new("the authorization request", response)
        })
    }

    pub(super) fn changed(mut self, changes: &[Change]) -> Self {
        self.changes.extend_from_slice(changes);
        self
    }

    fn parameters(&self) -> Form {
        Change::all(&self.changes, self.base.clone())
    }

    pub(super) async fn pending(&self) -> Result<PendingAuthorization, AuthorizeError> {
        self.client.register().await;
        let pending = self.client.server.server().authorize(&self.parameters().encode()).await?;
        match &self.tenant {
            Some(tenant) => pending.in_tenant(tenant.clone()),
            None => Ok(pending),
        }
    }

    /// The page, or what there is instead.
    pub(super) async fn open(&self) -> Result<Page, Reply> {
        let Some(subject) = &self.browser.subject else { return Err(self.clone().send().await) };
        let pending = self.pending().await.map_err(|error| {
            let response = Failure::from(error).answer(&self.browser.visitor());
            Reply::new("the authorization request", response)
        })?;
        let consent_token = pending.consent_token(&self.browser.secret(), subject);
        Ok(Page { authorize: self.clone(), pending, consent_token })
    }
}

impl IntoFuture for Authorize {
    type Output = Page;
    type IntoFuture = Sending<Page>;

    #[track_caller]
    fn into_future(self) -> Sending<Page> {
        let place = Location::caller();
        Box::pin(async move { self.open().await.unwrap_or_else(|reply| fail(place, &reply, "")) })
    }
}

/// A consent page that is open in a browser. It can be decided on more than once, as a user does who presses twice.
#[must_use = "the user waits"]
pub struct Page {
    authorize: Authorize,
    pending: PendingAuthorization,
    consent_token: String,
}

impl fmt::Debug for Page {
    /// The request; not the consent token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("request", &self.pending).finish_non_exhaustive()
    }
}

impl Page {
    /// The request as the server understood it.
    pub const fn request(&self) -> &PendingAuthorization {
        &self.pending
    }

    /// What its form carries.
    #[must_use]
    pub fn consent_token(&self) -> &str {
        &self.consent_token
    }

    /// The user approves all of it.
    pub fn approve(&self) -> Decide {
        self.authorize.clone().approve().consent_token(&self.consent_token)
    }

    /// The user denies it.
    pub fn deny(&self) -> Decide {
        self.authorize.clone().deny().consent_token(&self.consent_token)
    }
}
