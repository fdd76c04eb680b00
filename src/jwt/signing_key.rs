//! Private keys.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::Algorithm;
use super::header::JwtHeader;
use super::jwk::{Parameters, VerificationKey};
use super::pem;

/// A private key that signs access tokens, and says by itself how.
///
/// Not printed by `Debug`; [`to_pem`](Self::to_pem) is the only way to its text. Cloning shares it.
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Pair>,
    public: VerificationKey,
}

enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why there is no such key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text holds no private key in PEM (RFC 7468), or one that is encrypted.
    #[error("there is no unencrypted private key in PEM")]
    Pem,
    /// The key is neither RSA of 2,048 to 8,192 bits nor on P-256 nor Ed25519, or it contradicts itself.
    #[error("a signing key is an RSA key of at least 2,048 bits, or one on P-256 or Ed25519")]
    Unsupported,
    /// A key's name is not 1 to 255 printable ASCII characters.
    #[error("a kid is 1 to 255 printable ASCII characters")]
    Kid,
    /// The operating system gave no randomness.
    #[error("no key can be generated")]
    Generation,
}

impl SigningKey {
    /// Reads a private key in PEM: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
    ///
    /// It is called by its thumbprint (RFC 7638) unless [`with_kid`](Self::with_kid) names it.
    ///
    /// # Errors
    ///
    /// [`KeyError`] tells what is wrong with it.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let pem::Block { label, der } = pem::private_key(pem).ok_or(KeyError::Pem)?;
        let ecdsa = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = match label {
            "PRIVATE KEY" => Ed25519KeyPair::from_pkcs8(&der)
                .map(Pair::Ed25519)
                .or_else(|_| EcdsaKeyPair::from_pkcs8(ecdsa, &der).map(Pair::P256))
                .or_else(|_| RsaKeyPair::from_pkcs8(&der).map(Pair::Rsa)),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).map(Pair::Rsa),
            "EC PRIVATE KEY" => EcdsaKeyPair::from_private_key_der(ecdsa, &der).map(Pair::P256),
            _ => return Err(KeyError::Pem),
        };
        Self::new(pair.map_err(|_| KeyError::Unsupported)?)
    }

    /// Makes a new key; one for RS256 has 2,048 bits and takes a moment. Keep it with [`to_pem`](Self::to_pem): whoever
    /// makes a new one at every start invalidates the tokens of the last run.
    ///
    /// # Errors
    ///
    /// [`KeyError::Generation`] if there is no randomness.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let pair = match algorithm {
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::P256),
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        Self::new(pair.map_err(|_| KeyError::Generation)?)
    }

    fn new(pair: Pair) -> Result<Self, KeyError> {
        let public = VerificationKey::new(pair.parameters()?).map_err(|_| KeyError::Unsupported)?;
        Ok(Self { pair: Arc::new(pair), public })
    }

    /// Names the key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Kid`] if the name is empty, too long, or has other than printable ASCII characters.
    pub fn with_kid(self, kid: &str) -> Result<Self, KeyError> {
        if kid.is_empty() || kid.len() > 255 || !kid.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) {
            return Err(KeyError::Kid);
        }
        Ok(Self { public: self.public.with_kid(kid), ..self })
    }

    /// The private key in PEM (PKCS#8), to be kept where secrets are.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unsupported`] if the library cannot write what it read.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        let written = match &*self.pair {
            Pair::Rsa(pair) => pair.as_der().map(|der| pem::write_private_key(der.as_ref())),
            Pair::P256(pair) => pair.to_pkcs8v1().map(|der| pem::write_private_key(der.as_ref())),
            // The first version of PKCS#8 is the one that OpenSSL reads.
            Pair::Ed25519(pair) => pair.to_pkcs8v1().map(|der| pem::write_private_key(der.as_ref())),
        };
        written.map_err(|_| KeyError::Unsupported)
    }

    /// The public half: for the sets of other servers, and for this one's before and after the key signs.
    #[must_use]
    pub fn verification_key(&self) -> VerificationKey {
        self.public.clone()
    }

    /// How the key signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// What tokens name the key by.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The encoded header of what the key signs.
    pub(super) fn header(&self, header: JwtHeader) -> &str {
        self.public.header(header)
    }

    /// The signature in the form of RFC 7518 §3; `None` if the library fails.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &*self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
            Pair::P256(pair) => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
        }
    }
}

impl Pair {
    fn parameters(&self) -> Result<Parameters, KeyError> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(match self {
            Self::Rsa(pair) => {
                let public = pair.public_key();
                let (n, e) = (public.modulus(), public.exponent());
                let (n, e) = (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                Parameters::Rsa { n: encode(n), e: encode(e) }
            }
            Self::P256(pair) => {
                // SEC 1 §2.3.3: 4, x, y.
                let point = pair.public_key().as_ref().split_first().map(|(_, point)| point.split_at_checked(32));
                let (x, y) = point.flatten().ok_or(KeyError::Unsupported)?;
                Parameters::P256 { x: encode(x), y: encode(y) }
            }
            Self::Ed25519(pair) => Parameters::Ed25519 { x: encode(pair.public_key().as_ref()) },
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {:?}, ..)", self.algorithm(), self.kid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

    #[test]
    fn a_generated_key_comes_back_from_its_pem_and_signs_what_its_public_half_accepts() {
        for algorithm in ALL {
            let key = SigningKey::generate(algorithm).unwrap();
            let again = SigningKey::from_pem(&key.to_pem().unwrap()).unwrap();
            assert_eq!((again.algorithm(), again.verification_key()), (algorithm, key.verification_key()));
            let signature = again.sign(b"message").unwrap();
            assert!(key.public.accepts(b"message", &signature), "{algorithm}");
            assert!(!key.public.accepts(b"Message", &signature), "{algorithm}");
        }
    }

    #[test]
    fn neither_debug_nor_the_jwk_shows_anything_private() {
        for algorithm in ALL {
            let key = SigningKey::generate(algorithm).unwrap().with_kid("k").unwrap();
            assert_eq!(format!("{key:?}"), format!("SigningKey({algorithm}, \"k\", ..)"));
            let jwk: serde_json::Map<_, _> = serde_json::from_str(&key.public.to_jwk()).unwrap();
            let public = ["kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"];
            assert!(jwk.keys().all(|member| public.contains(&member.as_str())), "{jwk:?}");
        }
    }

    #[test]
    fn what_is_no_signing_key_is_refused_with_its_cause() {
        assert_eq!(SigningKey::from_pem("").unwrap_err(), KeyError::Pem);
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQI=\n-----END ENCRYPTED PRIVATE KEY-----";
        assert_eq!(SigningKey::from_pem(encrypted).unwrap_err(), KeyError::Pem);
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            let pem = format!("-----BEGIN {label}-----\nAQI=\n-----END {label}-----");
            assert_eq!(SigningKey::from_pem(&pem).unwrap_err(), KeyError::Unsupported, "{label}");
        }
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        for kid in ["", "ä", "a\nb", &"k".repeat(256)] {
            assert_eq!(key.clone().with_kid(kid).unwrap_err(), KeyError::Kid, "{kid}");
        }
    }
}
