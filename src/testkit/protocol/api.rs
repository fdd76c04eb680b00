//! The API, and whether it takes a token.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::{ApiCall, Failure, Feature, KnownClient, Reply, Run, authorization};

impl Run<'_> {
    /// Writes to the API with an access token.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or there is no API.
    pub(crate) async fn write(&self, access_token: &str) -> Result<Reply, Failure> {
        self.write_with(authorization(&format!("Bearer {access_token}"))?).await
    }

    /// Writes to the API with headers of choice.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or there is no API.
    pub(crate) async fn write_with(&self, mut headers: HeaderMap) -> Result<Reply, Failure> {
        self.requires(Feature::Api)?;
        let ApiCall { method, path, body } = &self.profile().api.write;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        self.send(method.clone(), path, headers, body.clone()).await
    }

    /// Whether an access token of `client` is accepted: by the API or, if there is none, by introspection.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the target cannot be asked, or says neither yes nor no.
    pub(crate) async fn is_live(&self, client: &KnownClient, access_token: &str) -> Result<bool, Failure> {
        if !self.has(Feature::Api) && client.secret.is_some() {
            let members = self.introspect(client, access_token).await?.expect_ok()?;
            return Ok(members.get("active") == Some(&Value::Bool(true)));
        }
        match self.call(access_token).await?.status() {
            // A token without the scope that the call needs is a token.
            StatusCode::OK | StatusCode::FORBIDDEN => Ok(true),
            StatusCode::UNAUTHORIZED => Ok(false),
            other => Err(Failure::new(format!("the API answered an access token with {other}"))),
        }
    }

    /// The access token works.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it does not.
    pub(crate) async fn expect_access_live(&self, client: &KnownClient, access_token: &str) -> Result<(), Failure> {
        ensure!(self.is_live(client, access_token).await?, "an access token does not work that should");
        Ok(())
    }

    /// The access token does not work.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it does.
    pub(crate) async fn expect_access_dead(&self, client: &KnownClient, access_token: &str) -> Result<(), Failure> {
        ensure!(!self.is_live(client, access_token).await?, "an access token works that should not");
        Ok(())
    }
}
