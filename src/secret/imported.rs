//! Tokens that another server issued before, and how they are found among the crate's own.
//!
//! Their text has no grant's id in it, and the old table may hold nothing but a hash of it. So the key is derived from
//! the SHA-256 of the text, by whoever has either:
//!
//! ```text
//! h     = SHA-256(text)
//! grant = SHA-256("grantor imported grant" ‖ kind ‖ h), the first 16 bytes
//! hash  = SHA-256("grantor imported token" ‖ kind ‖ h)
//! ```
//!
//! What replaces an imported refresh token is derived from `SHA-256("grantor imported secret" ‖ text)` and not from h:
//! who has the old table has h, and shall have no token for it.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::format::{Kind, Prefix, Token};
use super::{GrantId, TokenHash, TokenKey};
use crate::configuration::ImportedTokens;

/// A token that another server issued, on its way into the store: its SHA-256.
///
/// Only texts of 256, or at least 128, random bits belong here: as in the table that they come from, a short or
/// guessable one can be found from its hash by trying.
///
/// ```
/// use grantor::secret::ImportedToken;
///
/// let from_the_text = ImportedToken::plain("2YotnFZFEjr1zCsicMWpAA")?;
/// let from_its_hash = "6c96130f130ab0d6d158397e24d2bcc1c9a5e73ae081f6e983f1c7b545d24a4c";
/// let from_its_hash = ImportedToken::sha256_hex(from_its_hash)?;
/// # Ok::<(), grantor::secret::InvalidImportedToken>(())
/// ```
#[derive(Clone, Copy)]
pub struct ImportedToken([u8; 32]);

/// Why a token cannot be imported.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidImportedToken {
    /// The text is too short, too long, or has a character that no client could send in a header.
    #[error("an imported token is 16 to 4,096 visible ASCII characters")]
    Text,
    /// The hash is not a SHA-256 in hexadecimal digits.
    #[error("a SHA-256 is 64 hexadecimal digits")]
    Hash,
}

impl ImportedToken {
    /// The shortest text that is looked for, in characters.
    pub const MIN_LENGTH: usize = 16;
    /// The longest text that is looked for, in characters.
    pub const MAX_LENGTH: usize = 4_096;

    /// A token whose text is known: exactly what its client sends.
    ///
    /// # Errors
    ///
    /// [`InvalidImportedToken::Text`] unless it has [`MIN_LENGTH`](Self::MIN_LENGTH) to [`MAX_LENGTH`](Self::MAX_LENGTH)
    /// characters, all of them visible ASCII.
    pub fn plain(text: &str) -> Result<Self, InvalidImportedToken> {
        let lengths = Self::MIN_LENGTH..=Self::MAX_LENGTH;
        if lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(Sha256::digest(text).into()))
        } else {
            Err(InvalidImportedToken::Text)
        }
    }

    /// A token of which the old table has the SHA-256 of exactly what its client sends, without salt.
    #[must_use]
    pub const fn sha256(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The same, for a table that has the hash as hexadecimal digits, large or small.
    ///
    /// # Errors
    ///
    /// [`InvalidImportedToken::Hash`] unless it is 64 hexadecimal digits.
    pub fn sha256_hex(text: &str) -> Result<Self, InvalidImportedToken> {
        let mut hash = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != hash.len() || !rest.is_empty() {
            return Err(InvalidImportedToken::Hash);
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(hash))
    }

    /// What stores know it by.
    pub(crate) fn key(&self, kind: Kind) -> TokenKey {
        let derive = |purpose: &str| -> [u8; 32] {
            let hasher = Sha256::new_with_prefix(purpose).chain_update([kind as u8]).chain_update(self.0);
            hasher.finalize().into()
        };
        let mut grant = [0; 16];
        for (byte, derived) in grant.iter_mut().zip(derive("grantor imported grant")) {
            *byte = derived;
        }
        TokenKey { grant: GrantId::from_bytes(grant), hash: TokenHash::from_bytes(derive("grantor imported token")) }
    }
}

fn digit(character: u8) -> Result<u8, InvalidImportedToken> {
    let digit = char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digit.ok_or(InvalidImportedToken::Hash)
}

impl fmt::Debug for ImportedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportedToken(..)")
    }
}

/// A token as a client presents it, of either form.
#[derive(Debug)]
pub(crate) struct Presented {
    /// What stores know it by; of an imported token it does not follow from `token`.
    pub(crate) key: TokenKey,
    /// What its successors are derived from.
    pub(crate) token: Token,
    pub(crate) origin: Origin,
}

/// Who issued a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// This server.
    Own,
    /// Another one, before.
    Imported,
}

impl Presented {
    /// Reads what a client presents: `None` if it can be no token of this server, whatever its store holds.
    pub(crate) fn read(kind: Kind, prefix: &Prefix, imported: ImportedTokens, text: &str) -> Option<Self> {
        match (Token::parse(kind, prefix, text), imported) {
            (Some(token), _) => Some(Self { key: token.key(), token, origin: Origin::Own }),
            (None, ImportedTokens::Accepted) => Self::imported(kind, text),
            (None, ImportedTokens::Refused) => None,
        }
    }

    fn imported(kind: Kind, text: &str) -> Option<Self> {
        let key = ImportedToken::plain(text).ok()?.key(kind);
        let secret = Sha256::new_with_prefix("grantor imported secret").chain_update(text).finalize().into();
        Some(Self { key, token: Token::with_secret(kind, key.grant, secret), origin: Origin::Imported })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SuccessorKey;

    const TEXT: &str = "2YotnFZFEjr1zCsicMWpAA";

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn prefix() -> Prefix {
        Prefix::parse("acme_at_").unwrap()
    }

    #[test]
    fn text_and_hash_of_a_token_give_the_same_key() {
        let hash: [u8; 32] = Sha256::digest(TEXT).into();
        let keys = [
            ImportedToken::plain(TEXT).unwrap(),
            ImportedToken::sha256(hash),
            ImportedToken::sha256_hex(&hex(&hash)).unwrap(),
            ImportedToken::sha256_hex(&hex(&hash).to_uppercase()).unwrap(),
        ]
        .map(|token| token.key(Kind::AccessToken));
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn grant_and_hash_are_derived_as_documented() {
        // Computed with Python's hashlib over b"grantor imported grant" + b"\x02" + sha256(text) and the like.
        let key = ImportedToken::plain(TEXT).unwrap().key(Kind::AccessToken);
        assert_eq!(hex(key.grant.as_bytes()), "019b07bad0b7e40b02fae8f69ab43d60");
        assert_eq!(hex(key.hash.as_bytes()), "47174056963dabf718ce5d34d60bd38ca3a1b4b403bafa64675bfc4aa80aa17e");
    }

    #[test]
    fn another_kind_or_another_text_has_another_grant_and_another_hash() {
        let key = |text, kind| ImportedToken::plain(text).unwrap().key(kind);
        let one = key(TEXT, Kind::AccessToken);
        for other in [key(TEXT, Kind::RefreshToken), key("3YotnFZFEjr1zCsicMWpAA", Kind::AccessToken)] {
            assert_ne!(one.grant, other.grant);
            assert_ne!(one.hash, other.hash);
        }
    }

    #[test]
    fn what_no_client_can_send_is_no_token() {
        for text in [
            "",
            "fifteen-letters",
            &"x".repeat(4_097),
            "with spaces in it, 16",
            "ümläute-sind-auch-nichts",
            "a\0aaaaaaaaaaaaaaa",
        ] {
            assert_eq!(ImportedToken::plain(text).err(), Some(InvalidImportedToken::Text), "{text}");
        }
        for text in [&"x".repeat(16)[..], &"x".repeat(4_096), "1|abcdefghijklmnop"] {
            assert!(ImportedToken::plain(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let digits = "0".repeat(63);
        for text in
            ["", &digits, &format!("{digits}00"), &format!("{digits}g"), &format!("{digits}é"), &format!("+{digits}")]
        {
            assert_eq!(ImportedToken::sha256_hex(text).err(), Some(InvalidImportedToken::Hash), "{text}");
        }
    }

    #[test]
    fn an_imported_token_is_read_only_where_it_is_accepted() {
        let read = |imported| Presented::read(Kind::AccessToken, &prefix(), imported, TEXT);
        assert!(read(ImportedTokens::Refused).is_none());
        let presented = read(ImportedTokens::Accepted).unwrap();
        assert_eq!(presented.key, ImportedToken::plain(TEXT).unwrap().key(Kind::AccessToken));
        assert_eq!(presented.origin, Origin::Imported);
    }

    #[test]
    fn a_token_of_the_crates_own_form_is_never_taken_for_an_imported_one() {
        let token = Token::random(Kind::AccessToken, GrantId::random());
        let text = token.encode(&prefix());
        let presented = Presented::read(Kind::AccessToken, &prefix(), ImportedTokens::Accepted, text.as_str()).unwrap();
        assert_eq!((presented.key, presented.origin), (token.key(), Origin::Own));
    }

    #[test]
    fn the_hash_of_an_imported_token_derives_no_successor() {
        let derive = |token: &Token| SuccessorKey::new(token, &[9; 16]).derive(Kind::AccessToken).key();
        let presented = Presented::read(Kind::RefreshToken, &prefix(), ImportedTokens::Accepted, TEXT).unwrap();
        let hash: [u8; 32] = Sha256::digest(TEXT).into();
        let guess = |secret| derive(&Token::with_secret(Kind::RefreshToken, presented.key.grant, secret));
        let by_text = Sha256::digest([b"grantor imported secret", TEXT.as_bytes()].concat());
        assert_eq!(derive(&presented.token), guess(by_text.into()));
        assert_ne!(derive(&presented.token), guess(hash));
        assert_ne!(derive(&presented.token), guess(*presented.key.hash.as_bytes()));
    }

    #[test]
    fn an_imported_token_is_not_printed() {
        assert_eq!(format!("{:?}", ImportedToken::plain(TEXT).unwrap()), "ImportedToken(..)");
    }
}
