//! Signed access tokens (RFC 9068; feature `jwt`).

mod attacks;
mod issuing;
mod keys;
mod offline;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::AuthorizationServerBuilder;
use grantor::jwt::{Algorithm, KeySet, SigningKey};
use grantor::policy::AccessTokenFormat;
use serde_json::Value;

use super::metadata::get;
use crate::support::Setup;

pub const JWKS: &str = "/.well-known/jwks.json";

pub fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).unwrap()
}

/// A server whose access tokens are signed with `key`.
pub async fn signing(key: &SigningKey) -> Setup {
    signing_with(key, |builder| builder).await
}

pub async fn signing_with(
    key: &SigningKey,
    configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
) -> Setup {
    let keys = KeySet::new(key.clone());
    Setup::memory_with(|builder| configure(builder.access_token_format(AccessTokenFormat::Jwt).access_token_keys(keys)))
        .await
}

/// The published keys.
pub async fn jwks(setup: &Setup) -> String {
    let answer = get(&setup.server, JWKS).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// One part of a token, in JSON: 0 is the header, 1 the claims.
#[track_caller]
pub fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

/// A token with this header and these claims under the signature of another.
pub fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", encode(header), encode(claims))
}
