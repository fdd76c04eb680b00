//! The API, and whether it takes a token.

use http::HeaderMap;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::{ApiCall, Failure, Feature, KnownClient, Reply, Run, authorization};

impl Run<'_> {
    /// Writes to the API with an access token.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or there is no API.
    pub async fn write(&self, access_token: &str) -> Result<Reply, Failure> {
        self.write_with(authorization(&format!("Bearer {access_token}"))?).await
    }

    /// Writes to the API with headers of choice.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no answer comes, or there is no API.
    pub async fn write_with(&self, mut headers: HeaderMap) -> Result<Reply, Failure> {
        self.requires(Feature::Api)?;
        let ApiCall { method, path, body } = &self.profile().api.write;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        self.send(method.clone(), path, headers, body.clone()).await
    }

    /// The access token works.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it does not.
    pub async fn expect_access_live(&self, client: &KnownClient, access_token: &str) -> Result<(), Failure> {
        ensure!(self.is_live(client, access_token).await?, "an access token does not work that should");
        Ok(())
    }

    /// The access token does not work.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it does.
    pub async fn expect_access_dead(&self, client: &KnownClient, access_token: &str) -> Result<(), Failure> {
        ensure!(!self.is_live(client, access_token).await?, "an access token works that should not");
        Ok(())
    }
}
