//! The published keys, and how one follows the other.

use grantor::configuration::{ConfigurationError, EndpointPaths};
use grantor::jwt::{Algorithm, KeySet, SigningKey};
use http::{Method, Request};
use serde_json::{Value, json};

use super::super::metadata::{document, get};
use super::{JWKS, jwks, key, part, signing, signing_with};
use crate::support::{Answer, Setup};

fn kids(document: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(document).unwrap();
    document["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

// RFC 7517 §4, §5; RFC 8414 §2
#[tokio::test]
async fn the_keys_are_published_where_the_metadata_says_and_only_their_public_parts() {
    for (algorithm, kind, members) in [
        (Algorithm::Rs256, "RSA", ["n", "e"].as_slice()),
        (Algorithm::Es256, "EC", &["crv", "x", "y"]),
        (Algorithm::EdDsa, "OKP", &["crv", "x"]),
    ] {
        let setup = signing(&key(algorithm)).await;
        assert_eq!(document(&setup).await["jwks_uri"], "https://as.test/.well-known/jwks.json");
        let keys: Value = serde_json::from_str(&jwks(&setup).await).unwrap();
        let published = keys["keys"][0].as_object().unwrap();
        assert_eq!((&published["kty"], &published["use"]), (&json!(kind), &json!("sig")));
        assert_eq!(published["alg"], algorithm.as_str());
        let mut expected: Vec<_> = ["kty", "use", "alg", "kid"].iter().chain(members).copied().collect();
        expected.sort_unstable();
        let mut told: Vec<_> = published.keys().map(String::as_str).collect();
        told.sort_unstable();
        assert_eq!(told, expected);
    }
}

#[tokio::test]
async fn the_document_is_served_like_the_others() {
    let setup = signing(&key(Algorithm::Es256)).await;
    let answer = get(&setup.server, JWKS).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let tag = answer.header("etag").unwrap().to_owned();
    let request = |method: Method| Request::builder().method(method).uri(JWKS);
    let same = request(Method::GET).header("if-none-match", &tag).body(String::new()).unwrap();
    assert_eq!(setup.send(same).await.status, 304);
    let head = setup.send(request(Method::HEAD).body(String::new()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    let post = setup.send(request(Method::POST).body(String::new()).unwrap()).await;
    assert_eq!((post.status.as_u16(), post.header("allow")), (405, Some("GET, HEAD")));
    assert!(setup.server.endpoints().iter().any(|route| route.matches(JWKS)));

    setup.server.rotate_keys(KeySet::new(key(Algorithm::Es256))).unwrap();
    let changed = request(Method::GET).header("if-none-match", &tag).body(String::new()).unwrap();
    let changed: Answer = setup.send(changed).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
}

#[tokio::test]
async fn a_server_without_keys_publishes_none() {
    let setup = Setup::memory().await;
    assert_eq!(get(&setup.server, JWKS).await.status, 404);
    assert_eq!(document(&setup).await.get("jwks_uri"), None);
    assert!(!setup.server.endpoints().iter().any(|route| route.matches(JWKS)));
    let keys = KeySet::new(key(Algorithm::EdDsa));
    assert_eq!(setup.server.rotate_keys(keys), Err(ConfigurationError::NoAccessTokenKeys));
}

#[tokio::test]
async fn the_operator_says_where_the_keys_are() {
    let paths = EndpointPaths::under("/oauth").with_jwks("/oauth/keys");
    let setup = signing_with(&key(Algorithm::EdDsa), |builder| builder.paths(paths)).await;
    assert_eq!(document(&setup).await["jwks_uri"], "https://as.test/oauth/keys");
    assert_eq!(get(&setup.server, "/oauth/keys").await.status, 200);
    assert_eq!(get(&setup.server, JWKS).await.status, 404);
}

#[tokio::test]
async fn one_key_follows_another_and_every_token_works_to_its_end() {
    let (old, new) = (key(Algorithm::Rs256), key(Algorithm::EdDsa));
    let setup = signing(&old).await;
    let first = setup.tokens("pub").await;

    // The next key is known before it signs.
    let published = KeySet::new(old.clone()).with_verification_key(new.verification_key());
    setup.server.rotate_keys(published).unwrap();
    assert_eq!(kids(&jwks(&setup).await), [old.kid(), new.kid()]);
    let second = setup.tokens("pub").await;
    assert_eq!(part(second.text("access_token"), 0)["kid"], old.kid());

    // It signs, and the last one is still known; the server's clones have the same keys.
    let clone = setup.server.clone();
    clone.rotate_keys(KeySet::new(new.clone()).with_verification_key(old.verification_key())).unwrap();
    let third = setup.tokens("pub").await;
    assert_eq!(part(third.text("access_token"), 0)["kid"], new.kid());
    for token in [&first, &second, &third] {
        assert!(setup.is_accepted(token.text("access_token")).await);
    }

    setup.server.rotate_keys(KeySet::new(new.clone())).unwrap();
    assert_eq!(kids(&jwks(&setup).await), [new.kid()]);
    assert!(
        !setup.is_accepted(first.text("access_token")).await && !setup.is_accepted(second.text("access_token")).await
    );
    assert!(setup.is_accepted(third.text("access_token")).await);
}

#[tokio::test]
async fn a_key_that_was_kept_signs_after_a_restart() {
    let made = key(Algorithm::Es256);
    let read = SigningKey::from_pem(&made.to_pem().unwrap()).unwrap();
    let setup = signing(&made).await;
    let token = setup.tokens("pub").await;
    setup.server.rotate_keys(KeySet::new(read)).unwrap();
    assert!(setup.is_accepted(token.text("access_token")).await);
}
