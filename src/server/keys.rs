//! The keys of signed access tokens, while the server runs.

use super::AuthorizationServer;
use crate::configuration::ConfigurationError;
use crate::jwt::KeySet;

impl AuthorizationServer {
    /// Replaces the keys of signed access tokens, for every clone of the server at once: what is published, what signs from
    /// now on, and what is accepted. Tokens of a key that is not in the set are refused from now on, so keep the last key
    /// until its last token has expired; [`jwt`](crate::jwt#changing-keys) tells the steps. Every process of a service
    /// needs the same keys.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError::NoAccessTokenKeys`] if the server was built without keys.
    pub fn rotate_keys(&self, keys: KeySet) -> Result<(), ConfigurationError> {
        let signer = self.configuration().signer.as_ref().ok_or(ConfigurationError::NoAccessTokenKeys)?;
        signer.replace_keys(keys);
        Ok(())
    }
}
