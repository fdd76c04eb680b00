//! Tokens that are not what they say.

use grantor::error::ErrorReason;
use grantor::jwt::{Algorithm, JwtHeader, JwtVerifier, KeySet};
use grantor::{ResourceServer, resource};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{forged, jwks, key, part, signing, signing_with};
use crate::support::{Setup, bearer};

fn api() -> resource::ResourceIndicator {
    "https://api.test/one".parse().unwrap()
}

/// The API beside the server, and one that knows nothing but the published keys.
async fn apis(setup: &Setup, header: JwtHeader) -> [ResourceServer; 2] {
    let verifier = JwtVerifier::from_jwks(setup.server.issuer().clone(), &jwks(setup).await).unwrap();
    let offline = ResourceServer::offline(verifier.with_header(header), api()).with_clock(setup.clock.clone());
    [setup.server.resource_server().clone(), offline]
}

#[track_caller]
fn is(reason: ErrorReason, result: Result<grantor::Access, grantor::error::BearerError>, token: &str) {
    assert_eq!(result.map_err(|error| error.reason()).unwrap_err(), reason, "{token}");
}

async fn refused(setup: &Setup, header: JwtHeader, token: &str) {
    for server in apis(setup, header).await {
        is(ErrorReason::AccessTokenUnknown, server.verify(&bearer(token)).await, token);
    }
}

// RFC 8725 §2.1, §3.1
#[tokio::test]
async fn the_algorithm_is_the_keys_and_not_the_tokens() {
    for (algorithm, header) in [(Algorithm::Rs256, JwtHeader::Plain), (Algorithm::Es256, JwtHeader::Rfc9068)] {
        let setup = signing_with(&key(algorithm), |builder| builder.access_token_header(header)).await;
        let tokens = setup.tokens("pub").await;
        let token = tokens.text("access_token");
        let (_, signature) = token.rsplit_once('.').unwrap();
        for alg in ["none", "None", "NONE", "HS256", "HS512", "PS256", "RS512", "ES256K", "EdDSA", ""] {
            let mut wrong = part(token, 0);
            wrong["alg"] = json!(alg);
            for signature in ["", signature] {
                refused(&setup, header, &forged(&wrong, &part(token, 1), signature)).await;
            }
        }
        // The public key, which everybody has, as the secret of an HMAC.
        let document: Value = serde_json::from_str(&jwks(&setup).await).unwrap();
        for secret in [jwks(&setup).await, document["keys"][0].to_string()] {
            let mut wrong: Header = serde_json::from_value(part(token, 0)).unwrap();
            wrong.alg = jsonwebtoken::Algorithm::HS256;
            let token = encode(&wrong, &part(token, 1), &EncodingKey::from_secret(secret.as_bytes())).unwrap();
            refused(&setup, header, &token).await;
        }
    }
}

#[tokio::test]
async fn the_type_and_the_key_must_be_those_of_access_tokens() {
    let signer = key(Algorithm::EdDsa);
    let pem = signer.to_pem().unwrap();
    let setup = signing(&signer).await;
    let tokens = setup.tokens("pub").await;
    let claims = part(tokens.text("access_token"), 1);
    // What the owner of the key signed for another purpose, or with members that change what it means.
    let private = EncodingKey::from_ed_der(&der(&pem));
    let sign = |header: Value, claims: &Value| {
        let header: Header = serde_json::from_value(header).unwrap();
        encode(&header, claims, &private).unwrap()
    };
    let right = json!({"typ": "at+jwt", "alg": "EdDSA", "kid": signer.kid()});
    let accepted = sign(right.clone(), &claims);
    for server in apis(&setup, JwtHeader::Rfc9068).await {
        assert!(server.verify(&bearer(&accepted)).await.is_ok(), "the forgeries differ from a token in one thing");
    }
    for (member, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("logout+jwt")),
        ("typ", Value::Null),
        ("kid", json!("other")),
        ("kid", Value::Null),
    ] {
        let mut header = right.clone();
        header[member] = value;
        refused(&setup, JwtHeader::Rfc9068, &sign(header, &claims)).await;
    }
    for (claim, value) in [
        ("iss", json!("https://evil.test")),
        ("iss", json!("https://as.test/")),
        ("iss", Value::Null),
        ("jti", json!("A".repeat(64))),
        ("jti", json!("short")),
        ("jti", Value::Null),
    ] {
        let mut wrong = claims.clone();
        wrong[claim] = value;
        let token = sign(right.clone(), &wrong);
        let [own, offline] = apis(&setup, JwtHeader::Rfc9068).await;
        is(ErrorReason::AccessTokenUnknown, own.verify(&bearer(&token)).await, &token);
        // Without a store, whoever holds the key may name a token as it likes.
        if claim == "iss" || wrong[claim] != json!("A".repeat(64)) {
            is(ErrorReason::AccessTokenUnknown, offline.verify(&bearer(&token)).await, &token);
        }
    }
}

// RFC 7519 §4.1.5, RFC 7800 §3: what says when it begins is not good before, and what is bound to a key is not good without it.
#[tokio::test]
async fn a_token_that_is_not_good_yet_or_is_bound_to_a_key_is_refused_by_who_asks_nobody() {
    let signer = key(Algorithm::EdDsa);
    let setup = signing(&signer).await;
    let tokens = setup.tokens("pub").await;
    let [header, claims] = [0, 1].map(|at| part(tokens.text("access_token"), at));
    let private = EncodingKey::from_ed_der(&der(&signer.to_pem().unwrap()));
    let [_, offline] = apis(&setup, JwtHeader::Rfc9068).await;
    let verify = async |claim: &str, value: Value| {
        let mut claims = claims.clone();
        claims[claim] = value;
        let header: Header = serde_json::from_value(header.clone()).unwrap();
        let token = encode(&header, &claims, &private).unwrap();
        offline.verify(&bearer(&token)).await.map(drop).map_err(|error| error.reason())
    };
    let now = setup.now().unix_seconds();
    for begun in [json!(now), json!(now - 60)] {
        assert_eq!(verify("nbf", begun).await, Ok(()));
    }
    for (claim, value) in [
        ("nbf", json!(now + 1)),
        ("nbf", json!("soon")),
        ("cnf", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})),
        ("cnf", Value::Null),
    ] {
        assert_eq!(verify(claim, value.clone()).await, Err(ErrorReason::AccessTokenUnknown), "{claim} {value}");
    }
}

// RFC 9068 §5: whose `sub` is the client's own identifier acts for itself.
#[tokio::test]
async fn a_user_who_is_called_like_a_client_gets_no_token_that_passes_for_the_clients_own() {
    let mut setup = signing(&key(Algorithm::EdDsa)).await;
    setup.alice = "web".parse().unwrap();
    let code = setup.code("web").await;
    let refused = setup.token(&setup.exchange("web", &code)).await.expect_error(500, "server_error");
    assert!(!refused.body.contains("access_token"), "{refused:?}");
    // Another client's is not to be mistaken.
    let tokens = setup.tokens("other").await;
    let [_, offline] = apis(&setup, JwtHeader::Rfc9068).await;
    let access = offline.verify(&bearer(tokens.text("access_token"))).await.unwrap();
    assert_eq!(access.subject(), Some(&setup.alice));
}

/// The bytes of a private key in PEM.
fn der(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

#[tokio::test]
async fn a_token_of_another_key_is_refused_though_it_says_the_same() {
    let (own, foreign) = (key(Algorithm::Es256).with_kid("k").unwrap(), key(Algorithm::Es256).with_kid("k").unwrap());
    let (setup, other) = (signing(&own).await, signing(&foreign).await);
    let token = other.tokens("pub").await;
    refused(&setup, JwtHeader::Rfc9068, token.text("access_token")).await;
    // A token whose key was right, of which the store knows nothing: it is as good as revoked.
    other.server.rotate_keys(KeySet::new(own.clone())).unwrap();
    let token = other.tokens("pub").await;
    let answer = setup.server.resource_server().verify(&bearer(token.text("access_token"))).await;
    is(ErrorReason::AccessTokenUnknown, answer, token.text("access_token"));
}

#[tokio::test]
async fn no_changed_token_is_accepted_and_none_brings_the_server_down() {
    let setup = signing(&key(Algorithm::EdDsa)).await;
    let tokens = setup.tokens("pub").await;
    let token = tokens.text("access_token").to_owned();
    let servers = apis(&setup, JwtHeader::Rfc9068).await;
    let mut changed: Vec<String> = Vec::new();
    for at in 0..token.len() {
        changed.push(token[..at].to_owned());
        for replacement in ["A", ".", "_", "=", ""] {
            let text = format!("{}{replacement}{}", &token[..at], &token[at + 1..]);
            if text != token {
                changed.push(text);
            }
        }
    }
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    changed.extend([
        format!("{token}."),
        format!(".{token}"),
        format!("{token}="),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        "..".to_owned(),
        "...".to_owned(),
        format!("{header}.{}.{signature}", claims.repeat(200)),
        format!("{}.{claims}.{signature}", "W1tb".repeat(3_000)),
        "a.".repeat(100_000),
    ]);
    assert!(changed.len() > 2_000);
    for text in changed.iter().filter(|text| !text.is_empty()) {
        for server in &servers {
            is(ErrorReason::AccessTokenUnknown, server.verify(&bearer(text)).await, text);
        }
    }
    for server in &servers {
        assert!(server.verify(&bearer(&token)).await.is_ok());
    }
}
