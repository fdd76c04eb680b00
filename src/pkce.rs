//! Proof Key for Code Exchange, `S256` only (RFC 7636).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The SHA-256 of a code verifier, as a client sends it with an authorization request (RFC 7636 §4.2).
///
/// On the wire it is 43 characters of unpadded base64url. The method `plain` does not exist here.
///
/// ```
/// use grantor::pkce::{CodeChallenge, CodeVerifier};
///
/// // RFC 7636, appendix B
/// let challenge: CodeChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".parse()?;
/// let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")?;
/// assert!(challenge.matches(&verifier));
/// # Ok::<(), grantor::pkce::InvalidPkce>(())
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge([u8; 32]);

/// The text is not a code challenge or code verifier.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a code challenge is 43 base64url characters, a code verifier 43 to 128 unreserved characters")]
pub struct InvalidPkce;

impl CodeChallenge {
    /// The challenge that belongs to `verifier`.
    #[must_use]
    pub fn of(verifier: &CodeVerifier<'_>) -> Self {
        Self(Sha256::digest(verifier.0).into())
    }

    /// Whether `verifier` is the one that this challenge was made of; compared in constant time.
    #[must_use]
    pub fn matches(&self, verifier: &CodeVerifier<'_>) -> bool {
        self.0.ct_eq(&Self::of(verifier).0).into()
    }

    /// The 32 bytes of the SHA-256.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The challenge whose SHA-256 is `bytes`, as [`CodeChallenge::as_bytes`] gave them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::str::FromStr for CodeChallenge {
    type Err = InvalidPkce;

    fn from_str(text: &str) -> Result<Self, InvalidPkce> {
        let mut bytes = [0; 32];
        // The decoder refuses padding and non-zero trailing bits, so equal bytes mean equal text (RFC 7636 appendix A).
        match URL_SAFE_NO_PAD.decode_slice_unchecked(text.as_bytes().get(..43).ok_or(InvalidPkce)?, &mut bytes) {
            Ok(32) if text.len() == 43 => Ok(Self(bytes)),
            _ => Err(InvalidPkce),
        }
    }
}

impl TryFrom<String> for CodeChallenge {
    type Error = InvalidPkce;

    fn try_from(text: String) -> Result<Self, InvalidPkce> {
        text.parse()
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        URL_SAFE_NO_PAD.encode(challenge.0)
    }
}

/// The secret that a client proves itself with at the token endpoint (RFC 7636 §4.1).
///
/// 43 to 128 characters of `A-Z a-z 0-9 - . _ ~`. Not printed by `Debug`.
pub struct CodeVerifier<'a>(&'a str);

impl<'a> CodeVerifier<'a> {
    /// Reads a verifier.
    ///
    /// # Errors
    ///
    /// [`InvalidPkce`] if the length or a character is outside RFC 7636 §4.1.
    pub fn parse(text: &'a str) -> Result<Self, InvalidPkce> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) { Ok(Self(text)) } else { Err(InvalidPkce) }
    }
}

impl fmt::Debug for CodeVerifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeVerifier(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_7636_and_of_constant_verifiers_match() {
        for (verifier, challenge) in [
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("a".repeat(43), "ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA"),
            ("a".repeat(128), "aDbPE7rEAOkQUHHNavRwhN-srU5eMCyUv-0k4BOvtz4"),
        ] {
            let verifier = CodeVerifier::parse(&verifier).unwrap();
            assert_eq!(String::from(CodeChallenge::of(&verifier)), challenge);
            assert!(challenge.parse::<CodeChallenge>().unwrap().matches(&verifier));
        }
    }

    #[test]
    fn a_malformed_challenge_is_refused() {
        let good = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let bad = [
            good.get(..42).unwrap().to_owned(),
            format!("{good}="),
            format!("{good}A"),
            good.replace('-', "+"),
            good.replace('E', "é"),
            // The last character's two spare bits must be zero.
            format!("{}N", good.get(..42).unwrap()),
        ];
        for text in bad {
            assert_eq!(text.parse::<CodeChallenge>(), Err(InvalidPkce), "{text}");
        }
    }

    #[test]
    fn a_malformed_verifier_is_refused() {
        let a = "a".repeat(42);
        for text in
            [a.clone(), "a".repeat(129), a.clone() + "=", a.clone() + "+", a.clone() + "%", a.clone() + " ", a + "é"]
        {
            assert!(CodeVerifier::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_verifier_is_not_printed() {
        let text = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(!format!("{:?}", CodeVerifier::parse(text).unwrap()).contains("dBjft"));
    }
}
