//! From a request to what it granted: what rows about people and their decisions share.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::report::Exchange;
use super::{Browser, Decision, Failure, KnownClient, Reply, Run, Tokens, User};
use crate::testkit::Form;

impl<'a> Run<'a> {
    /// What was sent and received so far.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signs `user` in with a browser that has no session of anybody.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the sign-in fails.
    pub async fn sign_in(&self, browser: &mut Browser<'_>, user: User) -> Result<(), Failure> {
        self.suite.host().sign_in(browser, user).await
    }

    /// The baseline request of a client, which the person is asked about whatever they said before.
    #[must_use]
    pub fn asking(&self, client: &KnownClient) -> Form {
        self.request(client).and("prompt", "consent")
    }

    /// The page that asks about a request; see [`asking`](Self::asking).
    ///
    /// # Errors
    ///
    /// [`Failure`] if nobody is asked.
    pub async fn ask(&self, browser: &mut Browser<'_>, request: &Form) -> Result<Reply, Failure> {
        let page = browser.get(&self.address(request)).await?;
        ensure!(page.status() == 200, "nobody is asked: the status is {}", page.status());
        Ok(page)
    }

    /// The exchange of a code that `request` led to.
    #[must_use]
    pub fn exchange_of(&self, client: &KnownClient, request: &Form, code: &str) -> Form {
        let form = self.exchange(client, code);
        match request.get("redirect_uri") {
            Some(uri) => form.with("redirect_uri", uri),
            None => form.without("redirect_uri"),
        }
    }

    /// The tokens that a request of `client` leads to if alice decides so.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there are none.
    pub async fn granted(&self, client: &KnownClient, request: &Form, decision: &Decision) -> Result<Tokens, Failure> {
        let code = self.decide(request, decision).await?.expect_code(request)?;
        self.tokens_for(&self.exchange_of(client, request, &code)).await
    }

    /// A client that has just registered itself with these redirect URIs; `changes` are further members of its metadata, which
    /// take precedence. Without `token_endpoint_auth_method` it is public.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is refused.
    pub async fn self_registered(&self, redirect_uris: &[&str], changes: Value) -> Result<KnownClient, Failure> {
        let mut metadata = json!({ "redirect_uris": redirect_uris, "token_endpoint_auth_method": "none" });
        for (name, value) in changes.as_object().into_iter().flatten() {
            metadata[name.as_str()] = value.clone();
        }
        let reply = self.register(&metadata).await?;
        ensure!(reply.status() == 201, "the registration of {metadata} was answered with {}", reply.status());
        let registered = reply.expect_json()?;
        let text = |name: &str| registered.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let uris = redirect_uris.iter().map(|&uri| uri.to_owned());
        Ok(KnownClient {
            id: text("client_id").ok_or_else(|| Failure::new("the registration has no client_id"))?,
            secret: text("client_secret"),
            redirect_uris: uris.collect(),
            redirect_uri: redirect_uris.first().copied().unwrap_or_default().to_owned(),
            grant_types: vec!["authorization_code", "refresh_token"],
            scope: text("scope"),
        })
    }
}
