//! What the target says of itself (RFC 8414).

use serde_json::{Map, Value};

use super::{Failure, Feature, Run};

impl Run<'_> {
    /// Whether the target has a feature, for the part of a row that is about it.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.profile().has(feature)
    }

    /// Where the metadata is: between the origin and the path of the issuer (RFC 8414 §3).
    #[must_use]
    pub fn metadata_address(&self) -> String {
        let path = self.profile().issuer.strip_prefix(self.origin()).unwrap_or_default();
        format!("{}/.well-known/oauth-authorization-server{path}", self.origin())
    }

    /// The metadata of the target.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is none.
    pub async fn metadata(&self) -> Result<Map<String, Value>, Failure> {
        let reply = self.get(&self.metadata_address()).await?;
        reply.expect_status(200)?;
        serde_json::from_str(&reply.text()).map_err(|error| Failure::new(format!("the metadata is no object: {error}")))
    }
}
