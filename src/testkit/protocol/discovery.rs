//! What the target says of itself (RFC 8414).

use serde_json::{Map, Value};

use super::rows::metadata::{SERVER, document, path_of};
use super::{Failure, Feature, Run};

impl Run<'_> {
    /// Whether the target has a feature, for the part of a row that is about it.
    #[must_use]
    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.profile().has(feature)
    }

    /// Where the metadata is: the well-known part goes before the path of the issuer (RFC 8414 §3.1).
    #[must_use]
    pub(crate) fn metadata_address(&self) -> String {
        format!("{SERVER}{}", path_of(&self.profile().issuer))
    }

    /// The metadata of the target.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is none.
    pub(crate) async fn metadata(&self) -> Result<Map<String, Value>, Failure> {
        document(&self.get(&self.metadata_address()).await?)
    }
}
