//! What a client has in the end.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::{Call, Outcome, Reply, Step, TestClient};

/// A token response, and the client that got it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// The refresh token, if there is one.
    pub refresh_token: Option<String>,
    /// What the access token allows.
    pub scope: String,
    /// How long the access token is valid; `None` until it is revoked.
    pub expires_in: Option<Duration>,
    client: TestClient,
}

impl fmt::Debug for Tokens {
    /// Whose they are and what they allow; not the tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("client", &self.client.id())
            .field("scope", &self.scope)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Uses the refresh token.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[track_caller]
    pub fn refresh(&self) -> Step<Self> {
        self.client.refresh(self.refresh_token.as_deref().expect("there is no refresh token"))
    }

    /// Revokes the refresh token, and so the whole grant; the access token, if there is no other.
    pub fn revoke(&self) -> Step<()> {
        self.client.revoke(self.refresh_token.as_ref().unwrap_or(&self.access_token))
    }

    /// Asks what there is to tell about the access token; only a confidential client is answered.
    pub fn introspect(&self) -> Step<Value> {
        self.client.introspect(&self.access_token)
    }

    /// Calls the API with the access token.
    pub fn call(&self) -> Call {
        self.client.server.call(&self.access_token)
    }
}

impl Outcome for Tokens {
    fn read(reply: &Reply, client: &TestClient) -> Result<Self, &'static str> {
        if reply.status() != 200 {
            return Err("");
        }
        let text = |member: &str| reply.json().get(member).and_then(Value::as_str).map(str::to_owned);
        let is_bearer = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !is_bearer {
            return Err("it is no bearer token");
        }
        Ok(Self {
            access_token: text("access_token").ok_or("there is no access token in it")?,
            refresh_token: text("refresh_token"),
            scope: text("scope").unwrap_or_default(),
            expires_in: reply.json().get("expires_in").and_then(Value::as_u64).map(Duration::from_secs),
            client: client.clone(),
        })
    }
}
