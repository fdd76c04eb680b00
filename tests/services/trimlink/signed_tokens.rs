//! Access tokens as a library reads them that knows nothing of this server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::super::harness::Place;
use super::super::support::{ADA, Browser};
use super::{BOUND, SHORT_URLS, YEAR, call, start, tokens};

scenarios! {
    access_tokens_are_signed_as_documented_and_verify_with_the_published_keys
}

async fn access_tokens_are_signed_as_documented_and_verify_with_the_published_keys(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let access = tokens(&trimlink, &mut ada, BOUND, None).await.text("access_token");
    let parts: Vec<&str> = access.split('.').collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(URL_SAFE_NO_PAD.decode(parts[0]).unwrap(), br#"{"typ":"JWT","alg":"RS256"}"#);

    let origin = trimlink.example.origin();
    let metadata = trimlink.get("/.well-known/oauth-authorization-server", &[]).await.expect(200);
    let metadata: Value = serde_json::from_str(&metadata.body).unwrap();
    let jwks_uri = metadata["jwks_uri"].as_str().unwrap().strip_prefix(&origin).unwrap();
    let keys = trimlink.get(jwks_uri, &[("origin", "https://any.example")]).await.expect(200);
    assert_eq!(keys.header("access-control-allow-origin"), Some("*"));
    let published: Value = serde_json::from_str(&keys.body).unwrap();
    for key in published["keys"].as_array().unwrap() {
        assert_eq!((&key["kty"], &key["alg"]), (&json!("RSA"), &json!("RS256")));
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private} is published");
        }
    }

    // A library that knows nothing of this server.
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[&origin]);
    validation.set_audience(&[&origin]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let set: JwkSet = serde_json::from_str(&keys.body).unwrap();
    let verified = |token: &str| {
        let keys = set.keys.iter().map(|key| DecodingKey::from_jwk(key).unwrap());
        keys.into_iter().find_map(|key| decode::<Value>(token, &key, &validation).ok()).map(|data| data.claims)
    };
    let claims = verified(&access).expect("a published key verifies it");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), YEAR);
    // RFC 9068 §2.2, and the workspace.
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["aud", "client_id", "exp", "iat", "iss", "jti", "scope", "sub", "tenant"]);
    assert_eq!((&claims["client_id"], &claims["tenant"]), (&json!(BOUND.id), &json!("ada-personal")));

    // Nothing else is a token: neither another signature, nor none, nor another body.
    let other = tokens(&trimlink, &mut ada, BOUND, None).await.text("access_token");
    let other: Vec<&str> = other.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"none"}"#);
    for forged in [
        format!("{}.{}.{}", parts[0], parts[1], other[2]),
        format!("{}.{}.{}", parts[0], other[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{none}.{}.", parts[1]),
    ] {
        assert!(verified(&forged).is_none());
        call(&trimlink, SHORT_URLS, &forged).await.expect_error(401, "invalid_token");
    }
    call(&trimlink, SHORT_URLS, &access).await.expect(200);
}
