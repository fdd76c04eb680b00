//! The one form of codes and tokens: made, derived, read and hashed.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{GrantId, TokenHash, TokenKey, random};

const GRANT: usize = 16;
const SECRET: usize = 32;
const CHECKSUM: usize = 4;
const BYTES: usize = GRANT + SECRET + CHECKSUM;
/// 52 bytes are 70 characters of unpadded base64url.
const CHARACTERS: usize = 70;
const MAX_PREFIX: usize = 32;

/// What a code or token is for. It is hashed along, so that no secret of one kind is ever found as another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    AuthorizationCode = 1,
    AccessToken = 2,
    RefreshToken = 3,
    ClientSecret = 4,
    RegistrationToken = 5,
}

/// What every token of one kind begins with, so that a secret scanner recognises it.
///
/// At most 32 ASCII letters, digits and underscores; by custom it ends with an underscore.
///
/// ```
/// use grantor::secret::Prefix;
///
/// assert!(Prefix::parse("clyk_live_").is_ok());
/// assert!(Prefix::parse("no spaces").is_err());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Prefix(Arc<str>);

/// The text is not a prefix.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a token prefix is at most 32 ASCII letters, digits and underscores")]
pub struct InvalidPrefix;

impl Prefix {
    /// Reads a prefix.
    ///
    /// # Errors
    ///
    /// [`InvalidPrefix`] if it is too long, or if a character is no ASCII letter, digit or underscore.
    pub fn parse(text: &str) -> Result<Self, InvalidPrefix> {
        if text.len() <= MAX_PREFIX && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPrefix)
        }
    }

    /// A prefix of the crate's own, which is short and made of letters and underscores.
    pub(crate) fn of_letters(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        Self::parse(text)
    }
}

/// A token's text. One that the server made at random is kept in place: making an answer allocates nothing for it.
pub(super) enum TokenText {
    InPlace { bytes: [u8; MAX_PREFIX + CHARACTERS], length: usize },
    Signed(String),
}

impl TokenText {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::InPlace { bytes, length } => {
                bytes.get(..*length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
            }
            Self::Signed(text) => text,
        }
    }
}

/// A code or token as the server handles it between reading and writing.
pub(crate) struct Token {
    kind: Kind,
    grant: GrantId,
    secret: [u8; SECRET],
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, {:?}, ..)", self.kind, self.grant)
    }
}

impl Token {
    /// A new token of `grant`, with 256 random bits.
    pub(crate) fn random(kind: Kind, grant: GrantId) -> Self {
        Self { kind, grant, secret: random() }
    }

    /// A token with a secret that is known already.
    pub(super) const fn with_secret(kind: Kind, grant: GrantId, secret: [u8; SECRET]) -> Self {
        Self { kind, grant, secret }
    }

    /// Reads what a client presents: `None` if the prefix, the length, the alphabet or the checksum is not right.
    pub(crate) fn parse(kind: Kind, prefix: &Prefix, text: &str) -> Option<Self> {
        let body = text.strip_prefix(prefix.as_str())?;
        if body.len() != CHARACTERS {
            return None;
        }
        // The decoder refuses non-zero trailing bits: every token has one spelling.
        let mut bytes = [0; BYTES + 2];
        if URL_SAFE_NO_PAD.decode_slice_unchecked(body, &mut bytes) != Ok(BYTES) {
            return None;
        }
        let (grant, rest) = bytes.split_first_chunk::<GRANT>()?;
        let (secret, rest) = rest.split_first_chunk::<SECRET>()?;
        let (checksum, _) = rest.split_first_chunk::<CHECKSUM>()?;
        let token = Self { kind, grant: GrantId::from_bytes(*grant), secret: *secret };
        (token.checksum(prefix) == *checksum).then_some(token)
    }

    /// What stores know it by.
    pub(crate) fn key(&self) -> TokenKey {
        let mut message = [0; 1 + GRANT + SECRET];
        if let Some((kind, rest)) = message.split_first_mut()
            && let Some((grant, secret)) = rest.split_first_chunk_mut::<GRANT>()
        {
            *kind = self.kind as u8;
            *grant = *self.grant.as_bytes();
            secret.copy_from_slice(&self.secret);
        }
        TokenKey { grant: self.grant, hash: TokenHash::from_bytes(Sha256::digest(message).into()) }
    }

    pub(super) fn encode(&self, prefix: &Prefix) -> TokenText {
        let mut body = [0; BYTES];
        if let Some((grant, rest)) = body.split_first_chunk_mut::<GRANT>()
            && let Some((secret, checksum)) = rest.split_first_chunk_mut::<SECRET>()
        {
            *grant = *self.grant.as_bytes();
            *secret = self.secret;
            checksum.copy_from_slice(&self.checksum(prefix));
        }
        let mut bytes = [0; MAX_PREFIX + CHARACTERS];
        let mut length = 0;
        let prefix = prefix.as_str().as_bytes();
        if let Some((head, tail)) = bytes.split_at_mut_checked(prefix.len()) {
            head.copy_from_slice(prefix);
            let written = URL_SAFE_NO_PAD.encode_slice(body, tail).unwrap_or_default();
            length = prefix.len() + written;
        }
        TokenText::InPlace { bytes, length }
    }

    fn checksum(&self, prefix: &Prefix) -> [u8; CHECKSUM] {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(prefix.as_str().as_bytes());
        hasher.update(self.grant.as_bytes());
        hasher.update(&self.secret);
        hasher.finalize().to_be_bytes()
    }
}

/// Derives the successors of one refresh token: whoever has the token and the stored nonce gets the same answer again,
/// whoever has only one of them gets nothing.
pub(crate) struct SuccessorKey {
    grant: GrantId,
    mac: Hmac<Sha256>,
}

impl SuccessorKey {
    /// Keys the derivation with `presented`, bound to `nonce`.
    pub(crate) fn new(presented: &Token, nonce: &[u8; 16]) -> Self {
        let mut mac = keyed(&presented.secret);
        mac.update(nonce);
        Self { grant: presented.grant, mac }
    }

    /// The one successor of `kind`.
    pub(crate) fn derive(&self, kind: Kind) -> Token {
        let mut mac = self.mac.clone();
        mac.update(&[kind as u8]);
        Token { kind, grant: self.grant, secret: mac.finalize().into_bytes().into() }
    }
}

/// HMAC-SHA256 under a key of 32 bytes, padded to one block as HMAC does itself (RFC 2104 §2): its length needs no
/// check.
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = hmac::digest::common::Key::<Hmac<Sha256>>::default();
    for (padded, byte) in block.iter_mut().zip(key) {
        *padded = *byte;
    }
    Hmac::<Sha256>::new(&block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix() -> Prefix {
        Prefix::parse("acme_at_").unwrap()
    }

    #[test]
    fn a_token_round_trips_through_its_text() {
        let token = Token::random(Kind::AccessToken, GrantId::random());
        let text = token.encode(&prefix());
        assert_eq!(text.as_str().len(), "acme_at_".len() + CHARACTERS);
        let read = Token::parse(Kind::AccessToken, &prefix(), text.as_str()).unwrap();
        assert_eq!(read.key(), token.key());
    }

    #[test]
    fn changing_any_character_is_noticed_without_a_store() {
        let token = Token::random(Kind::AccessToken, GrantId::random());
        let text = token.encode(&prefix()).as_str().to_owned();
        for at in 0..text.len() {
            for replacement in ["A", "b", "0", "-", "=", "é"] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, replacement);
                if changed != text {
                    assert!(Token::parse(Kind::AccessToken, &prefix(), &changed).is_none(), "{at} {replacement}");
                }
            }
        }
    }

    #[test]
    fn garbage_is_not_a_token() {
        for text in ["", "acme_at_", "xyz", &"a".repeat(10_000)] {
            assert!(Token::parse(Kind::AccessToken, &prefix(), text).is_none());
        }
    }

    #[test]
    fn the_same_secret_has_another_hash_for_another_kind() {
        let token = Token::random(Kind::AccessToken, GrantId::random());
        let other = Token { kind: Kind::RefreshToken, ..token };
        let again = Token { kind: Kind::AccessToken, grant: other.grant, secret: other.secret };
        assert_ne!(other.key(), again.key());
    }

    #[test]
    fn a_successor_is_the_same_for_the_same_token_and_nonce_only() {
        let one = Token::random(Kind::RefreshToken, GrantId::random());
        let two = Token::random(Kind::RefreshToken, one.grant);
        let key = |token: &Token, nonce: u8, kind| SuccessorKey::new(token, &[nonce; 16]).derive(kind).key();
        assert_eq!(key(&one, 1, Kind::AccessToken), key(&one, 1, Kind::AccessToken));
        assert_ne!(key(&one, 1, Kind::AccessToken), key(&one, 2, Kind::AccessToken));
        assert_ne!(key(&one, 1, Kind::AccessToken), key(&two, 1, Kind::AccessToken));
        let secret = |kind| SuccessorKey::new(&one, &[1; 16]).derive(kind).secret;
        assert_ne!(secret(Kind::AccessToken), secret(Kind::RefreshToken));
    }

    #[test]
    fn a_successor_is_the_hmac_of_nonce_and_purpose() {
        // Computed with Python's hmac module: key 32 × 0x07, message 16 × 0x09 ‖ 0x02.
        let presented = Token { kind: Kind::RefreshToken, grant: GrantId::from_bytes([0; 16]), secret: [7; 32] };
        let derived = SuccessorKey::new(&presented, &[9; 16]).derive(Kind::AccessToken);
        let hex: String = derived.secret.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3f82e5976a9f4a65fe4bfb11ba9235a46fc3cda3e09c5ed4e7b199e55e00ad9a");
    }

    #[test]
    fn ten_thousand_tokens_share_nothing() {
        let secrets: std::collections::HashSet<_> =
            (0..10_000).map(|_| Token::random(Kind::AccessToken, GrantId::random()).secret).collect();
        assert_eq!(secrets.len(), 10_000);
    }
}
