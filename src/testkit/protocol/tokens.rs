//! Requests for tokens, and what they bring.

use http::HeaderMap;
use serde_json::{Map, Value};

use super::{Failure, KnownClient, Reply, Run, VERIFIER, identified};
use crate::testkit::Form;

/// What a token response hands over.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    /// The access token.
    pub(crate) access: String,
    /// The refresh token, if there is one.
    pub(crate) refresh: String,
    /// The scope that was granted.
    pub(crate) scope: String,
}

impl Tokens {
    /// The tokens of a token response.
    #[must_use]
    pub(crate) fn of(members: &Map<String, Value>) -> Self {
        let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }

    /// These tokens after a refresh with `before`: its refresh token stays if no other came.
    #[must_use]
    pub(crate) fn kept(self, before: Self) -> Self {
        if self.refresh.is_empty() { Self { refresh: before.refresh, ..self } } else { self }
    }
}

impl Run<'_> {
    /// The baseline exchange of a code, with the client's identity and secret in the body.
    #[must_use]
    pub(crate) fn exchange(&self, client: &KnownClient, code: &str) -> Form {
        let form = Form::of([("grant_type", "authorization_code"), ("code", code)]);
        let form = form.and("redirect_uri", &client.redirect_uri).and("code_verifier", VERIFIER);
        identified(client, form)
    }

    /// The baseline refresh, with the client's identity and secret in the body.
    #[must_use]
    pub(crate) fn refresh(&self, client: &KnownClient, refresh_token: &str) -> Form {
        identified(client, Form::of([("grant_type", "refresh_token"), ("refresh_token", refresh_token)]))
    }

    /// `T(…)` and `R(…)`: posts a form to the token endpoint.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes.
    pub(crate) async fn token(&self, form: &Form) -> Result<Reply, Failure> {
        self.post(&self.profile().endpoints.token, form, HeaderMap::new()).await
    }

    /// The tokens that a form buys at the token endpoint.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it is refused.
    pub(crate) async fn tokens_for(&self, form: &Form) -> Result<Tokens, Failure> {
        let members = self.token(form).await?.expect_ok()?;
        let tokens = Tokens::of(&members);
        ensure!(!tokens.access.is_empty(), "there is no access token");
        Ok(tokens)
    }

    /// Tokens of a client for alice, with the default scope.
    ///
    /// # Errors
    ///
    /// [`Failure`] if they are refused.
    pub(crate) async fn tokens(&self, client: &KnownClient) -> Result<Tokens, Failure> {
        let code = self.code(client).await?;
        self.tokens_for(&self.exchange(client, &code)).await
    }
}
