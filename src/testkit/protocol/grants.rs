//! From a request to what it granted: what rows about people and their decisions share.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::report::Exchange;
use super::{Browser, Decision, Failure, Feature, KnownClient, Reply, Run, Tokens, User};
use crate::testkit::Form;

impl<'a> Run<'a> {
    /// What was sent and received so far.
    #[must_use]
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signs `user` in with a browser that has no session of anybody.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the sign-in fails.
    pub(crate) async fn sign_in(&self, browser: &mut Browser<'_>, user: User) -> Result<(), Failure> {
        self.suite.host().sign_in(browser, user).await
    }

    /// The baseline request of a client, which the person is asked about whatever they said before.
    #[must_use]
    pub(crate) fn asking(&self, client: &KnownClient) -> Form {
        self.request(client).and("prompt", "consent")
    }

    /// The page that asks about a request; see [`asking`](Self::asking).
    ///
    /// # Errors
    ///
    /// [`Failure`] if nobody is asked.
    pub(crate) async fn ask(&self, browser: &mut Browser<'_>, request: &Form) -> Result<Reply, Failure> {
        let page = browser.get(&self.address(request)).await?;
        ensure!(page.status() == 200, "nobody is asked: the status is {}", page.status());
        Ok(page)
    }

    /// The exchange of a code that `request` led to.
    #[must_use]
    pub(crate) fn exchange_of(&self, client: &KnownClient, request: &Form, code: &str) -> Form {
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
    pub(crate) async fn granted(
        &self,
        client: &KnownClient,
        request: &Form,
        decision: &Decision,
    ) -> Result<Tokens, Failure> {
        let code = self.decide(request, decision).await?.expect_code(request)?;
        self.tokens_for(&self.exchange_of(client, request, &code)).await
    }

    /// A client that has just registered itself with these redirect URIs; `changes` are further members of its
    /// metadata, which take precedence. Without `token_endpoint_auth_method` it is public.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is refused.
    pub(crate) async fn self_registered(&self, redirect_uris: &[&str], changes: Value) -> Result<KnownClient, Failure> {
        let client = self.self_registered_if_accepted(redirect_uris, changes).await?;
        client.ok_or_else(|| Failure::new(format!("the registration of {redirect_uris:?} is refused")))
    }

    /// The same, if the server accepts it; `None` if it refuses with 400.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it does neither, or nobody can register.
    pub(crate) async fn self_registered_if_accepted(
        &self,
        redirect_uris: &[&str],
        changes: Value,
    ) -> Result<Option<KnownClient>, Failure> {
        let mut metadata = json!({ "redirect_uris": redirect_uris, "token_endpoint_auth_method": "none" });
        for (name, value) in changes.as_object().into_iter().flatten() {
            metadata[name.as_str()] = value.clone();
        }
        let reply = self.register(&metadata).await?;
        if reply.status() == 400 {
            return Ok(None);
        }
        Ok(Some(reply.expect_registered()?.client))
    }

    /// None of these redirect URIs is good for a request of `client`: each is refused on a page that does not lead
    /// there, and the client's own request works as ever.
    ///
    /// # Errors
    ///
    /// [`Failure`] names the one that is accepted.
    pub(crate) async fn expect_shown(
        &self,
        client: &KnownClient,
        redirect_uris: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Failure> {
        for uri in redirect_uris {
            let uri = uri.as_ref();
            let page = self.authorize(&self.request(client).with("redirect_uri", uri)).await?;
            let shown = page.expect_page(400);
            shown.map_err(|failure| Failure::new(format!("the redirect URI {uri:?} is not refused: {failure}")))?;
            let linked = page.elements().iter().any(|element| element.attribute("href") == Some(uri));
            ensure!(!linked, "the page that refuses {uri:?} links to it");
        }
        self.code(client).await.map(drop)
    }

    /// None of these can be registered as a redirect URI, alone or beside one that can. There is nothing to ask if
    /// nobody can register.
    ///
    /// # Errors
    ///
    /// [`Failure`] names the one that is accepted.
    pub(crate) async fn expect_unregistrable(
        &self,
        redirect_uris: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Failure> {
        if !self.has(Feature::Registration) {
            return Ok(());
        }
        let good = "https://newcomer.test/cb";
        self.self_registered(&[good], Value::Null).await?;
        for uri in redirect_uris {
            let uri = uri.as_ref();
            for together in [json!([uri]), json!([good, uri])] {
                let metadata = json!({ "redirect_uris": together, "token_endpoint_auth_method": "none" });
                let refused = self.register(&metadata).await?.expect_error(400, "invalid_redirect_uri").map(drop);
                let accepted = |failure| Failure::new(format!("the registration of {uri:?} is not refused: {failure}"));
                refused.map_err(accepted)?;
            }
        }
        Ok(())
    }
}
