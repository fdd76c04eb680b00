//! Secrets: what a client proves itself with, and what stores keep instead. The only randomness of the crate is here.
//!
//! Every code, token and client secret that the server makes has one form:
//!
//! ```text
//! prefix ‖ base64url( grant id (16 bytes) ‖ secret (32 bytes) ‖ CRC-32 (4 bytes) )
//! ```
//!
//! The prefix is the service's, so that secret scanners recognise a leak. The grant's id lets a store keep everything
//! about one grant in one place. The checksum covers prefix and bytes, so that garbage is rejected before a store is
//! asked. Stores get a [`TokenKey`]: the grant's id and a SHA-256, from which the secret cannot be told. A signed access
//! token (feature `jwt`) carries that key instead of the secret.

mod format;
mod imported;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub use format::{InvalidPrefix, Prefix};
pub(crate) use format::{Kind, SuccessorKey, Token, keyed};
pub use imported::{ImportedToken, InvalidImportedToken};
pub(crate) use imported::{Origin, Presented};

use format::TokenText;

/// Fills an array with random bytes from a cryptographically secure generator that the operating system seeds.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, reason = "the one place that makes randomness")]
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// The identifier of a grant: 16 random bytes, written as 22 characters of base64url. Not a secret.
#[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct GrantId([u8; 16]);

/// The text is not the identifier of a grant.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a grant id is 22 characters of base64url")]
pub struct InvalidGrantId;

impl GrantId {
    /// A new identifier.
    #[must_use]
    pub fn random() -> Self {
        Self(random())
    }

    /// The identifier with these bytes, as [`GrantId::as_bytes`] gave them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // On the stack: events that are written name a grant each.
        let mut text = [0; 22];
        URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantId({self})")
    }
}

impl std::str::FromStr for GrantId {
    type Err = InvalidGrantId;

    fn from_str(text: &str) -> Result<Self, InvalidGrantId> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidGrantId)?;
        bytes.try_into().map(Self).map_err(|_| InvalidGrantId)
    }
}

impl TryFrom<String> for GrantId {
    type Error = InvalidGrantId;

    fn try_from(text: String) -> Result<Self, InvalidGrantId> {
        text.parse()
    }
}

impl From<GrantId> for String {
    fn from(id: GrantId) -> Self {
        id.to_string()
    }
}

/// The SHA-256 of a code's or token's kind, grant and secret. Nobody can make a token of it.
#[derive(Clone, Copy, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash with these bytes, as [`TokenHash::as_bytes`] gave them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    /// The first four bytes, enough to tell two tokens apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "TokenHash({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// What a store knows a code or token by: its grant, and its hash.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors build it from their rows")]
pub struct TokenKey {
    /// The grant that the code or token belongs to; stores may shard by it.
    pub grant: GrantId,
    /// The hash of the code or token.
    pub hash: TokenHash,
}

impl TokenKey {
    /// What the token is called where it must not be told (`jti`): 64 characters of base64url, of which nobody can make it.
    pub(crate) fn identifier(&self) -> String {
        let mut bytes = [0; 48];
        let parts = self.grant.as_bytes().iter().chain(self.hash.as_bytes());
        bytes.iter_mut().zip(parts).for_each(|(slot, byte)| *slot = *byte);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key of the token that is called so.
    #[cfg(feature = "jwt")]
    pub(crate) fn from_identifier(text: &str) -> Option<Self> {
        let mut bytes = [0; 48];
        if text.len() != 64 || URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) != Ok(48) {
            return None;
        }
        let (grant, hash) = bytes.split_first_chunk::<16>()?;
        let hash: [u8; 32] = hash.try_into().ok()?;
        Some(Self { grant: GrantId::from_bytes(*grant), hash: TokenHash::from_bytes(hash) })
    }
}

/// The SHA-256 of a client secret or registration access token, which is all that is stored of it.
///
/// A plain hash is right for secrets of 256 random bits, such as [`ClientSecret::generate`] makes; it would be too weak
/// for a password that a person chose.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The hash with these bytes: the SHA-256 of a secret, for a host that has it in a table of its own.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the hash of `secret`; compared in constant time.
    #[must_use]
    pub fn matches(&self, secret: &str) -> bool {
        self.0.ct_eq(&Self::of(secret).0).into()
    }
}

/// A short name of a client secret, to tell it from the client's others in lists and logs; from the secret that the server
/// made it tells nothing.
///
/// It is the first 48 bits of the hash, written as 8 characters of base64url.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct SecretId([u8; 6]);

/// The text is not the short name of a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a secret id is 8 characters of base64url")]
pub struct InvalidSecretId;

impl SecretHash {
    /// The short name of the secret.
    #[must_use]
    pub const fn id(&self) -> SecretId {
        let [a, b, c, d, e, f, ..] = self.0;
        SecretId([a, b, c, d, e, f])
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretId({self})")
    }
}

impl std::str::FromStr for SecretId {
    type Err = InvalidSecretId;

    fn from_str(text: &str) -> Result<Self, InvalidSecretId> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSecretId)?;
        bytes.try_into().map(Self).map_err(|_| InvalidSecretId)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl TryFrom<String> for SecretHash {
    type Error = InvalidSecretHash;

    fn try_from(text: String) -> Result<Self, InvalidSecretHash> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSecretHash)?;
        bytes.try_into().map(Self).map_err(|_| InvalidSecretHash)
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        URL_SAFE_NO_PAD.encode(hash.0)
    }
}

/// The text is not 32 bytes in base64url.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a secret hash is 43 characters of base64url")]
pub struct InvalidSecretHash;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Neither printed by `Debug` nor cloned nor compared; [`expose`](Self::expose) is the only way to its text.
        pub struct $name(TokenText);

        impl $name {
            pub(crate) fn new(token: &Token, prefix: &Prefix) -> Self {
                Self(token.encode(prefix))
            }

            /// The secret itself: hand it to whom it belongs, and neither log nor store it.
            #[must_use]
            pub fn expose(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

secret! {
    /// An authorization code (RFC 6749 §1.3.1).
    AuthorizationCode
}
secret! {
    /// An access token (RFC 6749 §1.4).
    AccessToken
}
secret! {
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken
}
secret! {
    /// A client secret that the server made (RFC 6749 §2.3.1).
    ClientSecret
}
secret! {
    /// A registration access token, with which a client manages its own registration (RFC 7592 §3).
    RegistrationToken
}

impl AccessToken {
    /// A token that was signed instead of made at random.
    pub(crate) fn signed(text: String) -> Self {
        Self(TokenText::Signed(text))
    }
}

impl ClientSecret {
    /// Makes a client secret of 256 random bits that begins with `prefix`.
    #[must_use]
    pub fn generate(prefix: &Prefix) -> Self {
        Self::new(&Token::random(Kind::ClientSecret, GrantId::random()), prefix)
    }

    /// What to store of it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.expose())
    }
}

impl RegistrationToken {
    pub(crate) fn generate(prefix: &Prefix) -> Self {
        Self::new(&Token::random(Kind::RegistrationToken, GrantId::random()), prefix)
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(self.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let secret = ClientSecret::generate(&Prefix::parse("acme_").unwrap());
        assert!(secret.expose().starts_with("acme_"));
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "ClientSecret(..) SecretHash(..)");
        assert!(secret.hash().matches(secret.expose()));
        assert!(!secret.hash().matches("acme_"));
    }

    #[test]
    fn a_secret_is_named_by_the_beginning_of_its_hash() {
        let hash = SecretHash::from_bytes([0xFF; 32]);
        assert_eq!(hash.id().to_string(), "________");
        assert_eq!(hash.id().to_string().parse(), Ok(hash.id()));
        assert_eq!("_______".parse::<SecretId>(), Err(InvalidSecretId));
        assert_eq!(String::from(hash).len(), 43, "the rest of it is not in the name");
    }

    #[test]
    fn a_grant_id_round_trips_as_text() {
        let id = GrantId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("".parse::<GrantId>(), Err(InvalidGrantId));
    }
}
