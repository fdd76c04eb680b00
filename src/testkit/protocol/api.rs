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

    /// Whether an access token works: at the API, or else as introspection tells `client`, whose token it is.
    ///
    /// # Errors
    ///
    /// [`Failure`] if neither can tell.
    pub async fn is_live(&self, client: &KnownClient, access_token: &str) -> Result<bool, Failure> {
        if self.profile().has(Feature::Api) {
            let reply = self.call(access_token).await?;
            let known = matches!(reply.status().as_u16(), 200 | 401);
            ensure!(known, "the API answers {}, neither 200 nor 401", reply.status());
            return Ok(reply.status() == 200);
        }
        let members = self.introspect(client, access_token).await?.expect_ok()?;
        Ok(members.get("active") == Some(&serde_json::Value::Bool(true)))
    }

    /// The access token works.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it does not.
    pub async fn expect_live(&self, client: &KnownClient, access_token: &str) -> Result<(), Failure> {
        ensure!(self.is_live(client, access_token).await?, "an access token does not work that should");
        Ok(())
    }

    /// The access token does not work.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it does.
    pub async fn expect_dead(&self, client: &KnownClient, access_token: &str) -> Result<(), Failure> {
        ensure!(!self.is_live(client, access_token).await?, "an access token works that should not");
        Ok(())
    }
}
