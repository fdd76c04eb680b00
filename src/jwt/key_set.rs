//! The keys of a server, and how they are replaced while it runs.

use std::sync::{Arc, PoisonError, RwLock};

use serde::Deserialize;
use serde_json::Value;

use super::jwk::VerificationKey;
use super::signing_key::SigningKey;

/// The key that signs, and all keys whose tokens are accepted. What is published is their public halves.
///
/// See [the module](super) for how to go from one key to the next.
#[derive(Clone, Debug)]
pub struct KeySet {
    /// `None` only for who checks the tokens of another.
    signing: Option<SigningKey>,
    verification: Vec<VerificationKey>,
}

/// The text is no JWK Set (RFC 7517 §5), or has no key that can check an access token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("there is no JWK Set with a key that can check access tokens")]
pub struct InvalidKeySet;

impl KeySet {
    /// A set of one key, which signs.
    #[must_use]
    pub fn new(signing: SigningKey) -> Self {
        Self { verification: vec![signing.verification_key()], signing: Some(signing) }
    }

    /// Publishes and accepts one more key: the next to sign, or the last that did.
    #[must_use]
    pub fn with_verification_key(mut self, key: VerificationKey) -> Self {
        if !self.verification.contains(&key) {
            self.verification.push(key);
        }
        self
    }

    /// The keys whose tokens are accepted, the signing one first.
    pub fn verification_keys(&self) -> impl Iterator<Item = &VerificationKey> {
        self.verification.iter()
    }

    /// The JWK Set as it is published (RFC 7517 §5).
    #[must_use]
    pub fn to_jwks(&self) -> String {
        let keys: Vec<_> = self.verification.iter().map(VerificationKey::to_jwk).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    pub(super) const fn signing_key(&self) -> Option<&SigningKey> {
        self.signing.as_ref()
    }

    /// Reads a published set; keys of other kinds and for other purposes are passed over (RFC 7517 §5).
    pub(super) fn published(json: &str) -> Result<Self, InvalidKeySet> {
        #[derive(Deserialize)]
        struct Published {
            keys: Vec<Value>,
        }
        let Published { keys } = serde_json::from_str(json).map_err(|_| InvalidKeySet)?;
        let verification: Vec<_> = keys.iter().filter_map(|key| VerificationKey::from_value(key).ok()).collect();
        if verification.is_empty() { Err(InvalidKeySet) } else { Ok(Self { signing: None, verification }) }
    }
}

/// A set that is replaced for all who hold it at once.
#[derive(Clone, Debug)]
pub(super) struct SharedKeys(Arc<RwLock<Arc<KeySet>>>);

impl SharedKeys {
    pub(super) fn new(keys: KeySet) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keys))))
    }

    // A set is put in its place in one step, so that a panic elsewhere leaves a whole one behind.
    pub(super) fn get(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn replace(&self, keys: KeySet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}
