//! Public keys, and how they are published (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::algorithm::Algorithm;
use super::header::JwtHeader;

/// 2,048 bits, in bytes.
const SHORTEST_MODULUS: usize = 256;

/// The public half of a key: it checks what its [`SigningKey`](super::SigningKey) signed.
///
/// Cloning shares it.
#[derive(Clone)]
pub struct VerificationKey(Arc<Inner>);

struct Inner {
    parameters: Parameters,
    kid: String,
    parsed: ParsedPublicKey,
    /// The encoded headers of [`JwtHeader::Rfc9068`] and [`JwtHeader::Plain`].
    headers: [String; 2],
}

impl Inner {
    fn new(parameters: Parameters, kid: String, parsed: ParsedPublicKey) -> Self {
        let headers = [JwtHeader::Rfc9068, JwtHeader::Plain].map(|header| header.encode(parameters.algorithm(), &kid));
        Self { parameters, kid, parsed, headers }
    }
}

/// The parameters of a public key, in base64url.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Parameters {
    Rsa { n: String, e: String },
    P256 { x: String, y: String },
    Ed25519 { x: String },
}

/// The text is no JSON Web Key, or one of a kind that cannot check an access token here.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a verification key is a JWK of an RSA key of at least 2,048 bits, or of one on P-256 or Ed25519, for signatures"
)]
pub struct InvalidJwk;

#[derive(Deserialize, Serialize)]
struct Jwk<'a> {
    kty: &'a str,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    #[serde(skip_serializing)]
    key_ops: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<&'a str>,
}

impl VerificationKey {
    /// Reads a JSON Web Key; private members are not looked at. One without `kid` gets its thumbprint (RFC 7638).
    ///
    /// # Errors
    ///
    /// [`InvalidJwk`] if it is none, or of a kind that is not supported.
    pub fn from_jwk(json: &str) -> Result<Self, InvalidJwk> {
        Self::from_value(&serde_json::from_str(json).map_err(|_| InvalidJwk)?)
    }

    pub(super) fn from_value(value: &Value) -> Result<Self, InvalidJwk> {
        let jwk = Jwk::deserialize(value).map_err(|_| InvalidJwk)?;
        let signs = jwk.purpose.is_none_or(|purpose| purpose == "sig")
            && jwk.key_ops.as_ref().is_none_or(|operations| operations.contains(&"verify"));
        let text = |value: Option<&str>| value.map(str::to_owned).ok_or(InvalidJwk);
        let parameters = match (jwk.kty, jwk.crv) {
            ("RSA", _) => Parameters::Rsa { n: text(jwk.n)?, e: text(jwk.e)? },
            ("EC", Some("P-256")) => Parameters::P256 { x: text(jwk.x)?, y: text(jwk.y)? },
            ("OKP", Some("Ed25519")) => Parameters::Ed25519 { x: text(jwk.x)? },
            _ => return Err(InvalidJwk),
        };
        if !signs || jwk.alg.is_some_and(|alg| alg != parameters.algorithm().as_str()) {
            return Err(InvalidJwk);
        }
        let key = Self::new(parameters)?;
        Ok(match jwk.kid {
            Some(kid) => key.with_kid(kid),
            None => key,
        })
    }

    pub(super) fn new(parameters: Parameters) -> Result<Self, InvalidJwk> {
        let parsed = parameters.parse().ok_or(InvalidJwk)?;
        let kid = parameters.thumbprint();
        Ok(Self(Arc::new(Inner::new(parameters, kid, parsed))))
    }

    pub(super) fn with_kid(self, kid: &str) -> Self {
        let Inner { parameters, parsed, .. } = &*self.0;
        Self(Arc::new(Inner::new(parameters.clone(), kid.to_owned(), parsed.clone())))
    }

    /// The key as a JSON Web Key.
    #[must_use]
    pub fn to_jwk(&self) -> String {
        let parameters = &self.0.parameters;
        let mut jwk = Jwk {
            kty: parameters.kind(),
            purpose: Some("sig"),
            key_ops: None,
            alg: Some(self.algorithm().as_str()),
            kid: Some(self.kid()),
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
        };
        match parameters {
            Parameters::Rsa { n, e } => (jwk.n, jwk.e) = (Some(n.as_str()), Some(e.as_str())),
            Parameters::P256 { x, y } => {
                (jwk.crv, jwk.x, jwk.y) = (Some("P-256"), Some(x.as_str()), Some(y.as_str()));
            }
            Parameters::Ed25519 { x } => (jwk.crv, jwk.x) = (Some("Ed25519"), Some(x.as_str())),
        }
        serde_json::to_string(&jwk).unwrap_or_default()
    }

    /// How the key signs.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.parameters.algorithm()
    }

    /// What tokens name the key by.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The encoded header of what the key signed.
    pub(super) fn header(&self, header: JwtHeader) -> &str {
        let [rfc9068, plain] = &self.0.headers;
        match header {
            JwtHeader::Rfc9068 => rfc9068,
            JwtHeader::Plain => plain,
        }
    }

    /// Whether the signature of this message is the key's.
    pub(super) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.parsed.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for VerificationKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.kid == other.0.kid && self.0.parameters == other.0.parameters
    }
}

impl Eq for VerificationKey {}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({}, {:?})", self.algorithm(), self.kid())
    }
}

impl Parameters {
    const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::P256 { .. } => "EC",
            Self::Ed25519 { .. } => "OKP",
        }
    }

    fn parse(&self) -> Option<ParsedPublicKey> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        match self {
            Self::Rsa { n, e } => {
                let (n, e) = (bytes(n)?, bytes(e)?);
                if n.len() < SHORTEST_MODULUS {
                    return None;
                }
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()
            }
            Self::P256 { x, y } => {
                let (x, y): ([u8; 32], [u8; 32]) = (bytes(x)?.try_into().ok()?, bytes(y)?.try_into().ok()?);
                // SEC 1 §2.3.3: a point that is not compressed begins with 4.
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4][..], &x, &y].concat()).ok()
            }
            Self::Ed25519 { x } => {
                let x: [u8; 32] = bytes(x)?.try_into().ok()?;
                ParsedPublicKey::new(&ED25519, x).ok()
            }
        }
    }

    /// RFC 7638 §3: the required members in the order of their names. Their values need no escaping.
    fn thumbprint(&self) -> String {
        let json = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Self::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        };
        URL_SAFE_NO_PAD.encode(Sha256::digest(json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7638 §3.1
    const RSA: &str = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256"}"#;
    // RFC 8037 appendix A.2
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn a_key_without_a_name_is_called_by_its_thumbprint() {
        assert_eq!(VerificationKey::from_jwk(RSA).unwrap().kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(VerificationKey::from_jwk(ED25519).unwrap().kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        for json in [RSA, ED25519] {
            let key = VerificationKey::from_jwk(json).unwrap().with_kid("one");
            assert_eq!(VerificationKey::from_jwk(&key.to_jwk()), Ok(key.clone()));
            assert!(key.to_jwk().contains(r#""use":"sig""#) && key.kid() == "one");
        }
    }

    #[test]
    fn the_signature_of_rfc_8037_is_accepted() {
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let key = VerificationKey::from_jwk(ED25519).unwrap();
        assert!(key.accepts(message, &signature));
        assert!(!key.accepts(b"another", &signature) && !key.accepts(message, &[]));
    }

    #[test]
    fn keys_that_cannot_check_a_token_are_refused() {
        for json in [
            "",
            "[]",
            r#"{"kty":"oct","k":"AAAA"}"#,
            r#"{"kty":"RSA","n":"0vx7","e":"AQAB"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#,
            r#"{"kty":"EC","crv":"P-384","x":"AAAA","y":"AAAA"}"#,
            r#"{"kty":"OKP","crv":"Ed25519"}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            &RSA.replace("RS256", "HS256"),
            &ED25519.replace(r#""kty""#, r#""use":"enc","kty""#),
            &ED25519.replace(r#""kty""#, r#""key_ops":["sign"],"kty""#),
        ] {
            assert_eq!(VerificationKey::from_jwk(json), Err(InvalidJwk), "{json}");
        }
    }
}
