//! One row at work: what it sends, and what it keeps for the report.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded::byte_serialize;

use super::browser::Cookies;
use super::report::Exchange;
use super::{Browser, Decision, Failure, Feature, KnownClient, Profile, Reply, Suite, User};
use crate::testkit::Form;

/// The media type of a form.
pub(super) const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// A verifier and its challenge (RFC 7636 appendix B).
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of [`VERIFIER`].
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// One row at work at one target: the requests of the catalogue's notation, each to be changed by the row.
#[derive(Debug)]
pub struct Run<'a> {
    pub(super) suite: &'a Suite,
    pub(super) exchanges: Mutex<Vec<Exchange>>,
}

impl<'a> Run<'a> {
    pub(super) const fn new(suite: &'a Suite) -> Self {
        Self { suite, exchanges: Mutex::new(Vec::new()) }
    }

    /// Another row at the same target.
    pub(super) const fn fork(&self) -> Self {
        Self::new(self.suite)
    }

    pub(super) fn into_exchanges(self) -> Vec<Exchange> {
        self.exchanges.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the target is.
    #[must_use]
    pub(crate) fn profile(&self) -> &'a Profile {
        self.suite.profile()
    }

    /// Scheme, host and port of the issuer.
    #[must_use]
    pub(crate) fn origin(&self) -> &'a str {
        super::origin_of(&self.profile().issuer)
    }

    /// Leaves a row that has nothing to ask of a target without `feature`.
    ///
    /// # Errors
    ///
    /// A [`Failure`] that the report counts as not applicable.
    pub(crate) fn requires(&self, feature: Feature) -> Result<(), Failure> {
        if self.profile().without.contains(&feature) { Err(Failure::missing(feature)) } else { Ok(()) }
    }

    /// Lets time pass for the server.
    ///
    /// # Errors
    ///
    /// As [`requires`](Self::requires) for [`Feature::Clock`].
    pub(crate) fn pass(&self, time: Duration) -> Result<(), Failure> {
        self.requires(Feature::Clock)?;
        self.suite.host().pass(time);
        Ok(())
    }

    /// The path and query of an address that belongs to the target.
    pub(super) fn local<'b>(&self, address: &'b str) -> Option<&'b str> {
        let path = address.strip_prefix(self.origin()).unwrap_or(address);
        (path.starts_with('/') && !path.starts_with("//")).then_some(path)
    }

    /// The origin, path and query of an address. The API may be at an origin of its own, where the target answers too.
    fn located<'b>(&self, address: &'b str) -> (&'a str, &'b str) {
        let api = super::origin_of(&self.profile().api.resource);
        let at = |origin: &'a str| {
            let rest = address.strip_prefix(origin)?;
            (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((origin, rest))
        };
        at(self.origin()).or_else(|| at(api)).unwrap_or_else(|| (self.origin(), address))
    }

    /// Sends any request to an address of the target or its API: a path with its query, or a URL.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub(crate) async fn send(
        &self,
        method: Method,
        address: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Reply, Failure> {
        let (origin, path) = self.located(address);
        let body = body.into();
        let mut request = Request::builder().method(method).uri(path);
        let (_, authority) = origin.split_once("://").unwrap_or_default();
        if !headers.contains_key(HOST) {
            request = request.header(HOST, authority);
        }
        let mut request =
            request.body(body).map_err(|error| Failure::new(format!("{path:?} cannot be sent: {error}")))?;
        request.headers_mut().extend(headers);
        let shown = Exchange::request_text(&request);
        let answer = self.suite.service().call(request).await;
        let exchange = Exchange::new(shown, &answer);
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        let response = answer.map_err(|error| Failure::new(format!("no answer came: {error}")))?;
        Ok(Reply::new(response, self.suite.shared_profile()))
    }

    /// GET of an address, without cookies.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub(crate) async fn get(&self, address: &str) -> Result<Reply, Failure> {
        self.send(Method::GET, address, HeaderMap::new(), Bytes::new()).await
    }

    /// Posts a form to an endpoint for clients, with `headers` beside the content type.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub(crate) async fn post(&self, address: &str, form: &Form, mut headers: HeaderMap) -> Result<Reply, Failure> {
        headers.entry(CONTENT_TYPE).or_insert(FORM);
        self.send(Method::POST, address, headers, form.encode()).await
    }

    /// A browser that nobody has signed in with.
    #[must_use]
    pub(crate) fn anonymous(&self) -> Browser<'_> {
        Browser::with_cookies(self, Cookies::default())
    }

    /// A browser in which `user` is signed in, in a session that other rows use too: do not end it.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the sign-in fails.
    pub(crate) async fn signed_in(&self, user: User) -> Result<Browser<'_>, Failure> {
        if let Some(cookies) = self.suite.session(user) {
            return Ok(Browser::with_cookies(self, cookies));
        }
        let browser = self.newly_signed_in(user).await?;
        self.suite.keep_session(user, browser.clone().into_cookies());
        Ok(browser)
    }

    /// A browser in which `user` has just signed in, in a session of its own.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the sign-in fails.
    pub(crate) async fn newly_signed_in(&self, user: User) -> Result<Browser<'_>, Failure> {
        let mut browser = self.anonymous();
        self.suite.host().sign_in(&mut browser, user).await?;
        Ok(browser)
    }

    /// Ends the session of a browser.
    ///
    /// # Errors
    ///
    /// [`Failure`] if that fails.
    pub(crate) async fn sign_out(&self, browser: &mut Browser<'_>) -> Result<(), Failure> {
        self.suite.host().sign_out(browser).await
    }

    /// The baseline authorization request of a client: default scope, a random `state`, PKCE with [`CHALLENGE`].
    #[must_use]
    pub(crate) fn request(&self, client: &KnownClient) -> Form {
        let state = random();
        Form::of([
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", &client.redirect_uri),
            ("scope", &self.profile().scopes.default),
            ("state", &state),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
    }

    /// The address of an authorization request.
    #[must_use]
    pub(crate) fn address(&self, request: &Form) -> String {
        format!("{}?{}", self.profile().endpoints.authorization, request.encode())
    }

    /// `A(…)`: what alice's browser gets that opens the request; the page, if she is asked.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub(crate) async fn authorize(&self, request: &Form) -> Result<Reply, Failure> {
        self.signed_in(User::Alice).await?.get(&self.address(request)).await
    }

    /// `A(…)` by POST: the request in the body of a form.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub(crate) async fn authorize_by_post(&self, request: &Form) -> Result<Reply, Failure> {
        let action = self.profile().endpoints.authorization.clone();
        let form = super::Submission { action, fields: request.clone() };
        let mut browser = self.signed_in(User::Alice).await?;
        let reply = browser.submit_from("https://app.test", "cross-site", &form).await?;
        browser.follow(reply).await
    }

    /// `A(…)` and the person's approval of everything: the redirect to the client, if it comes to that.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the page cannot be filled in.
    pub(crate) async fn approve(&self, request: &Form) -> Result<Reply, Failure> {
        self.decide(request, &Decision::Approve).await
    }

    /// `A(…)` and alice's decision, unless she is not asked.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the page cannot be filled in.
    pub(crate) async fn decide(&self, request: &Form, decision: &Decision) -> Result<Reply, Failure> {
        let mut browser = self.signed_in(User::Alice).await?;
        self.decide_in(&mut browser, request, decision).await
    }

    /// `A(…)` and the decision of whoever is signed in with `browser`, unless they are not asked.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the page cannot be filled in.
    pub(crate) async fn decide_in(
        &self,
        browser: &mut Browser<'_>,
        request: &Form,
        decision: &Decision,
    ) -> Result<Reply, Failure> {
        let page = browser.get(&self.address(request)).await?;
        if page.status() != 200 {
            return Ok(page);
        }
        let form = self.fill_in(&page, decision)?;
        browser.submit(&form).await
    }

    /// Fills in the form of a consent page.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is no such page.
    pub(crate) fn fill_in(&self, page: &Reply, decision: &Decision) -> Result<super::Submission, Failure> {
        self.suite.host().decide(page, decision)
    }

    /// A fresh code of a client, for alice.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is none.
    pub(crate) async fn code(&self, client: &KnownClient) -> Result<String, Failure> {
        self.code_for(&self.request(client)).await
    }

    /// The code that a request leads to, for alice.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is none.
    pub(crate) async fn code_for(&self, request: &Form) -> Result<String, Failure> {
        self.approve(request).await?.expect_code(request)
    }

    /// Asks about a token as `client`, which authenticates itself by Basic.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target cannot be asked.
    pub(crate) async fn introspect(&self, client: &KnownClient, token: &str) -> Result<Reply, Failure> {
        self.requires(Feature::Introspection)?;
        let form = Form::of([("token", token)]);
        self.post(&self.profile().endpoints.introspection, &form, basic(client)).await
    }

    /// Revokes a token as `client`, with its identity and secret in the body.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target cannot be asked.
    pub(crate) async fn revoke(&self, client: &KnownClient, token: &str) -> Result<Reply, Failure> {
        self.requires(Feature::Revocation)?;
        let form = identified(client, Form::of([("token", token)]));
        self.post(&self.profile().endpoints.revocation, &form, HeaderMap::new()).await
    }

    /// Registers a client (RFC 7591).
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or the target cannot be asked.
    pub(crate) async fn register(&self, metadata: &Value) -> Result<Reply, Failure> {
        self.requires(Feature::Registration)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(Method::POST, &self.profile().endpoints.registration, headers, metadata.to_string()).await
    }

    /// Reads from the API with an access token.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or there is no API.
    pub(crate) async fn call(&self, access_token: &str) -> Result<Reply, Failure> {
        self.call_with(authorization(&format!("Bearer {access_token}"))?).await
    }

    /// Reads from the API with headers of choice.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or there is no API.
    pub(crate) async fn call_with(&self, headers: HeaderMap) -> Result<Reply, Failure> {
        self.requires(Feature::Api)?;
        self.send(Method::GET, &self.profile().api.read, headers, Bytes::new()).await
    }
}

/// Adds a client's identity to a form, and its secret if it has one.
#[must_use]
pub(crate) fn identified(client: &KnownClient, form: Form) -> Form {
    let form = form.and("client_id", &client.id);
    match &client.secret {
        Some(secret) => form.and("client_secret", secret),
        None => form,
    }
}

/// An `Authorization` header for Basic, form-encoded as RFC 6749 §2.3.1 wants it.
#[must_use]
pub(crate) fn basic(client: &KnownClient) -> HeaderMap {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encode(&client.id), encode(client.secret.as_deref().unwrap_or_default()));
    authorization(&format!("Basic {}", STANDARD.encode(credentials))).unwrap_or_default()
}

/// Headers with this value of `Authorization`.
///
/// # Errors
///
/// [`Failure`] if it cannot be a header's value.
pub(crate) fn authorization(value: &str) -> Result<HeaderMap, Failure> {
    let value = value.parse().map_err(|_| Failure::new(format!("{value:?} cannot be sent as a header")))?;
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

/// The `S256` challenge of a verifier.
#[must_use]
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// An unguessable text of 22 characters that need no encoding.
#[must_use]
pub(crate) fn random() -> String {
    URL_SAFE_NO_PAD.encode(crate::secret::random::<16>())
}
