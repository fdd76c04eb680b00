//! The header of a token (RFC 7515 §4, RFC 9068 §2.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::algorithm::Algorithm;

/// Which header tokens have. Only tokens with this one are accepted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum JwtHeader {
    /// `{"typ":"at+jwt","alg":…,"kid":…}`, by which no other kind of JWT passes for an access token (RFC 9068 §2.1).
    #[default]
    Rfc9068,
    /// `{"typ":"JWT","alg":…}` and nothing else, for clients and APIs that expect just this. Whoever signs other JWTs with
    /// the same keys must see to it that none of them can be taken for an access token.
    Plain,
}

#[derive(Serialize)]
struct Written<'a> {
    typ: &'static str,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

#[derive(Deserialize)]
struct Read {
    typ: String,
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// What the header of a token claims; it says which key to try, never how to check.
#[derive(Debug)]
pub(super) struct ClaimedKey {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
}

impl JwtHeader {
    /// The header of what a key signs, encoded.
    pub(super) fn encode(self, algorithm: Algorithm, kid: &str) -> String {
        let alg = algorithm.as_str();
        let written = match self {
            Self::Rfc9068 => Written { typ: "at+jwt", alg, kid: Some(kid) },
            Self::Plain => Written { typ: "JWT", alg, kid: None },
        };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&written).unwrap_or_default())
    }

    /// Reads an encoded header; `None` if it is not of this kind.
    pub(super) fn read(self, encoded: &str) -> Option<ClaimedKey> {
        let Read { typ, alg, kid, crit } = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
        // RFC 7515 §4.1.9: a media type without its `application/`, in any case.
        let typ = typ.to_ascii_lowercase();
        let right = match self {
            Self::Rfc9068 => typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt" && kid.is_some(),
            Self::Plain => typ == "jwt" && kid.is_none(),
        };
        // RFC 7515 §4.1.11: what is critical is not understood here.
        if !right || crit.is_some() {
            return None;
        }
        Some(ClaimedKey { algorithm: Algorithm::parse(&alg)?, kid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: JwtHeader, json: &str) -> bool {
        header.read(&URL_SAFE_NO_PAD.encode(json)).is_some()
    }

    #[test]
    fn the_plain_header_is_the_one_that_trimlink_documents() {
        assert_eq!(JwtHeader::Plain.encode(Algorithm::Rs256, "x"), "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9");
    }

    #[test]
    fn typ_and_alg_come_first_and_then_kid() {
        let text = URL_SAFE_NO_PAD.decode(JwtHeader::Rfc9068.encode(Algorithm::EdDsa, "k1")).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k1"}"#);
    }

    #[test]
    fn each_kind_accepts_its_own_header_only() {
        let rfc9068 = r#"{"kid":"k","alg":"ES256","typ":"application/at+JWT"}"#;
        let plain = r#"{"typ":"JWT","alg":"ES256"}"#;
        assert!(read(JwtHeader::Rfc9068, rfc9068) && !read(JwtHeader::Rfc9068, plain));
        assert!(read(JwtHeader::Plain, plain) && !read(JwtHeader::Plain, rfc9068));
    }

    #[test]
    fn what_no_key_of_ours_does_is_refused() {
        for alg in ["none", "None", "HS256", "RS512", "PS256", "es256", ""] {
            assert!(!read(JwtHeader::Plain, &format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#)), "{alg}");
        }
        for json in [
            r#"{"typ":"at+jwt","alg":"ES256"}"#,
            r#"{"typ":"at+jwt","alg":"ES256","kid":"k","crit":["exp"]}"#,
            r#"{"typ":"at+jwt","alg":"ES256","alg":"ES256","kid":"k"}"#,
            r#"{"alg":"ES256","kid":"k"}"#,
            r#"{"typ":"JWT","alg":"ES256","kid":"k"}"#,
            "[]",
            "",
        ] {
            assert!(!read(JwtHeader::Rfc9068, json) && !read(JwtHeader::Plain, json), "{json}");
        }
    }
}
