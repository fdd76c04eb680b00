//! The identifier of a client.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The identifier of a client: 1 to 255 printable ASCII characters (RFC 6749 appendix A.1). Not a secret.
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(Arc<str>);

/// The text is not a client identifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a client id is 1 to 255 printable ASCII characters")]
pub struct InvalidClientId;

impl ClientId {
    /// Reads a client identifier.
    ///
    /// # Errors
    ///
    /// [`InvalidClientId`] if it is empty, too long, or has a character outside `%x20-7E`.
    pub fn parse(text: &str) -> Result<Self, InvalidClientId> {
        if (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidClientId)
        }
    }

    /// The caller has made `text` of URL-safe characters, at most 255 of them.
    pub(crate) fn generated(text: String) -> Self {
        Self(text.into())
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({:?})", &*self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ClientId {
    type Err = InvalidClientId;

    fn from_str(text: &str) -> Result<Self, InvalidClientId> {
        Self::parse(text)
    }
}

impl TryFrom<String> for ClientId {
    type Error = InvalidClientId;

    fn try_from(text: String) -> Result<Self, InvalidClientId> {
        Self::parse(&text)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.as_str().to_owned()
    }
}
