//! The `Authorization` header: Basic for clients (RFC 6749 §2.3.1), Bearer for tokens (RFC 6750 §2.1).

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::params::decode;
use crate::client::ClientCredentials;
use crate::client::Proof;
use crate::error::ErrorReason;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The one `Authorization` header; more than one is an attempt to confuse.
pub(crate) fn authorization(headers: &HeaderMap, repeated: ErrorReason) -> Result<Option<&[u8]>, ErrorReason> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() { Err(repeated) } else { Ok(first.map(|value| value.as_bytes())) }
}

/// What follows the scheme, if the header is of this scheme; scheme names have no case (RFC 9110 §11.1).
fn credentials<'a>(header: &'a [u8], scheme: &str) -> Option<&'a [u8]> {
    let (name, rest) = header.split_at_checked(scheme.len())?;
    if !name.eq_ignore_ascii_case(scheme.as_bytes()) {
        return None;
    }
    match rest.first() {
        None | Some(b' ') => Some(rest.trim_ascii()),
        Some(_) => None,
    }
}

/// Reads Basic credentials; `None` if the header is of another scheme.
pub(crate) fn basic(header: &[u8]) -> Option<Result<ClientCredentials<'static>, ErrorReason>> {
    Some(decode_basic(credentials(header, "Basic")?).ok_or(ErrorReason::ClientAuthenticationMalformed))
}

fn decode_basic(encoded: &[u8]) -> Option<ClientCredentials<'static>> {
    let text = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    if text.contains('\0') {
        return None;
    }
    // RFC 6749 §2.3.1: both halves are form-encoded, so the first colon is the one that separates them.
    let (id, secret) = text.split_once(':')?;
    let decoded = |half: &str| decode(half).map(Cow::into_owned);
    let raw = secret.to_owned();
    let secret = decoded(secret);
    // Many clients send the secret as it is; then the decoded form is another text, or none at all.
    let proof = match secret {
        Some(secret) if secret == raw => Proof::Basic { decoded: Cow::Owned(secret), raw: None },
        Some(secret) => Proof::Basic { decoded: Cow::Owned(secret), raw: Some(Cow::Owned(raw)) },
        None => Proof::Basic { decoded: Cow::Owned(raw), raw: None },
    };
    Some(ClientCredentials { id: Cow::Owned(decoded(id).unwrap_or_else(|| id.to_owned())), proof })
}

/// Reads a bearer token, whatever its characters: what is not a token of this server is told apart when it is refused.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, ErrorReason> {
    let header = authorization(headers, ErrorReason::AccessTokenMalformed)?.ok_or(ErrorReason::AccessTokenMissing)?;
    let token = credentials(header, "Bearer").ok_or(ErrorReason::AccessTokenMissing)?;
    if token.is_empty() {
        return Err(ErrorReason::AccessTokenMalformed);
    }
    std::str::from_utf8(token).map_err(|_| ErrorReason::AccessTokenMalformed)
}

/// Why a bearer token that is none of this server's is refused: it has the form of a token, or it has not.
pub(crate) fn refused_bearer(token: &str) -> ErrorReason {
    // RFC 6750 §2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
    let token68 = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.bytes().all(token68) { ErrorReason::AccessTokenUnknown } else { ErrorReason::AccessTokenMalformed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(String, String, Option<String>)> {
        let credentials = basic(value.as_bytes())?.ok()?;
        let Proof::Basic { decoded, raw } = credentials.proof else { return None };
        Some((credentials.id.into_owned(), decoded.into_owned(), raw.map(Cow::into_owned)))
    }

    #[test]
    fn form_encoded_credentials_are_decoded_after_splitting() {
        let header = "Basic MVBwRyUyRlErMTp6JTJGdFo5VndGWnFBcG1JUSUyQlpIMUk1cExrJTJGdUI0dWQlM0FYMiUyRjhiTCUyQndmRlR0MXJGdyUzRA==";
        let (id, secret, _) = read(header).unwrap();
        assert_eq!(id, "1PpG/Q 1");
        assert_eq!(secret, "z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=");
    }

    #[test]
    fn every_common_encoding_of_a_secret_is_understood() {
        let secret = "p%ss w+rd:é";
        for header in [
            "basic YzE6cCUyNXNzK3clMkJyZCUzQSVDMyVBOQ==",
            "BASIC  YzE6cCUyNXNzJTIwdyUyQnJkJTNBJUMzJUE5",
            "Basic YzE6cCVzcyB3K3JkOsOp",
        ] {
            let (id, decoded, raw) = read(header).unwrap();
            assert_eq!(id, "c1");
            assert!(decoded == secret || raw.as_deref() == Some(secret), "{header}");
        }
    }

    #[test]
    fn over_escaped_ids_are_decoded() {
        let header = format!("Basic {}", BASE64.encode("my%2Dclient%5F1%2Ea%7Eb:s"));
        assert_eq!(read(&header).unwrap().0, "my-client_1.a~b");
        assert_eq!(read(&format!("Basic {}", BASE64.encode("a%3Ab:c"))).unwrap().0, "a:b");
    }

    #[test]
    fn undecodable_credentials_are_refused_and_other_schemes_ignored() {
        for header in ["Basic !!!", "Basic Zm9v", "Basic", "Basic //79Og=="] {
            assert!(
                matches!(basic(header.as_bytes()), Some(Err(ErrorReason::ClientAuthenticationMalformed))),
                "{header}"
            );
        }
        assert!(basic(b"Bearer x").is_none() && basic(b"Basically x").is_none());
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_the_scheme() {
        for scheme in ["Bearer", "bearer", "bEaReR"] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, format!("{scheme} abc").parse().unwrap());
            assert_eq!(bearer(&headers), Ok("abc"));
        }
    }

    #[test]
    fn missing_malformed_and_repeated_bearer_headers_are_told_apart() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), Err(ErrorReason::AccessTokenMissing));
        headers.insert(AUTHORIZATION, "Basic abc".parse().unwrap());
        assert_eq!(bearer(&headers), Err(ErrorReason::AccessTokenMissing));
        for malformed in ["Bearer", "Bearer "] {
            headers.insert(AUTHORIZATION, malformed.parse().unwrap());
            assert_eq!(bearer(&headers), Err(ErrorReason::AccessTokenMalformed), "{malformed}");
        }
        assert_eq!(refused_bearer("a b"), ErrorReason::AccessTokenMalformed);
        assert_eq!(refused_bearer("a-b_c.d~e+f/g=="), ErrorReason::AccessTokenUnknown);
        headers.insert(AUTHORIZATION, "Bearer a".parse().unwrap());
        headers.append(AUTHORIZATION, "Bearer a".parse().unwrap());
        assert_eq!(bearer(&headers), Err(ErrorReason::AccessTokenMalformed));
    }
}
