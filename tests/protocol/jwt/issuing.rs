//! What is issued, and that it lives and dies like an opaque token.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantor::configuration::ConfigurationError;
use grantor::identifier::Extra;
use grantor::jwt::{Algorithm, JwtHeader, KeySet};
use grantor::policy::{AccessTokenFormat, ClientPolicies, Lifetimes};
use grantor::store::MemoryStore;
use grantor::{Approval, AuthorizationServer, Issuer};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::{jwks, key, part, signing, signing_with};
use crate::support::{Setup, bearer, like_web};

const NOW: i64 = 1_800_000_000;

/// What a library that knows nothing of this server makes of a token, with the published keys.
async fn decoded(setup: &Setup, token: &str, audience: &str) -> Value {
    let set: JwkSet = serde_json::from_str(&jwks(setup).await).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let jwk = set.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&["https://as.test"]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The clock of the test stands still, and not at the present.
    validation.validate_exp = false;
    decode::<Value>(token, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims
}

// RFC 9068 §2.2
#[tokio::test]
async fn the_claims_are_those_of_rfc_9068_for_every_grant_type_and_algorithm() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let setup = signing(&key(algorithm)).await;
        let first = setup.tokens("pub").await;
        let again = setup.refreshed("pub", first.text("refresh_token")).await.expect_ok();
        for tokens in [&first, &again] {
            let claims = decoded(&setup, tokens.text("access_token"), "https://api.test/one").await;
            let jti = claims["jti"].as_str().unwrap();
            assert_eq!(jti.len(), 64, "{algorithm}");
            assert_eq!(
                claims,
                json!({
                    "iss": "https://as.test", "exp": NOW + 3_600, "aud": "https://api.test/one", "sub": "alice",
                    "client_id": "pub", "iat": NOW, "jti": jti, "scope": "read",
                }),
                "{algorithm}"
            );
        }
        let own = setup.own_token("svc").await;
        let claims = decoded(&setup, own.text("access_token"), "https://api.test/one").await;
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("svc"), &json!("svc")), "{algorithm}");
        for token in [&first, &again, &own] {
            assert!(setup.is_accepted(token.text("access_token")).await, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn several_resources_are_an_array() {
    let setup = signing(&key(Algorithm::EdDsa)).await;
    let both = ["https://api.test/one", "https://api.test/two"];
    let tokens = setup.tokens_for("pub", "read", &both).await;
    assert_eq!(part(tokens.text("access_token"), 1)["aud"], json!(both));
}

#[tokio::test]
async fn the_tenant_and_the_chosen_members_of_the_host_are_claims_and_no_others() {
    let setup = signing_with(&key(Algorithm::Es256), |builder| builder.access_token_claim("plan")).await;
    let members = json!({"plan": {"name": "bulk"}, "internal": 7});
    let approval = Approval::all().with_tenant("acme".parse().unwrap()).with_extra(Extra::of(&members).unwrap());
    let answer = setup.approve_with(&setup.request("pub"), approval).await;
    let location = answer.expect_redirect("https://app.test/cb");
    let code = &location.iter().find(|(name, _)| name == "code").unwrap().1;
    let tokens = setup.token(&setup.exchange("pub", code)).await.expect_ok();
    let claims = part(tokens.text("access_token"), 1);
    assert_eq!((&claims["tenant"], &claims["plan"]), (&json!("acme"), &json!({"name": "bulk"})));
    assert_eq!(claims.get("internal"), None);
    // The API beside the server has all of it from the store.
    let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
    assert_eq!(access.extra().get("internal"), Some(&json!(7)));
}

#[tokio::test]
async fn the_header_is_that_of_rfc_9068_or_the_plain_one_byte_for_byte() {
    let rsa = key(Algorithm::Rs256).with_kid("2027-01").unwrap();
    let setup = signing(&rsa).await;
    let token = setup.tokens("pub").await;
    let (header, _) = token.text("access_token").split_once('.').unwrap();
    let header = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!(header, r#"{"typ":"at+jwt","alg":"RS256","kid":"2027-01"}"#);

    let setup = signing_with(&rsa, |builder| builder.access_token_header(JwtHeader::Plain)).await;
    let token = setup.tokens("pub").await;
    assert!(token.text("access_token").starts_with("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9."));
    assert!(setup.is_accepted(token.text("access_token")).await);
}

#[tokio::test]
async fn a_retried_refresh_yields_a_token_of_the_same_name_and_life() {
    let setup = signing(&key(Algorithm::Es256)).await;
    let tokens = setup.tokens("pub").await;
    let first = setup.refreshed("pub", tokens.text("refresh_token")).await.expect_ok();
    setup.clock.advance(Duration::from_secs(5));
    let again = setup.refreshed("pub", tokens.text("refresh_token")).await.expect_ok();
    assert_eq!(part(first.text("access_token"), 1), part(again.text("access_token"), 1));
    assert_eq!(first.text("refresh_token"), again.text("refresh_token"));
    assert!(setup.is_accepted(first.text("access_token")).await && setup.is_accepted(again.text("access_token")).await);
}

#[tokio::test]
async fn revocation_and_withdrawal_are_seen_at_once() {
    let setup = signing(&key(Algorithm::EdDsa)).await;
    let (one, other) = (setup.tokens("web").await, setup.tokens("web").await);
    assert_eq!(setup.revoke("web", one.text("access_token")).await.status, 200);
    assert!(!setup.is_accepted(one.text("access_token")).await);
    assert!(setup.is_accepted(other.text("access_token")).await);
    assert!(setup.can_refresh("web", one.text("refresh_token")).await, "an access token goes alone");
    setup.server.withdraw(&setup.alice, &"web".parse().unwrap()).await.unwrap();
    assert!(!setup.is_accepted(other.text("access_token")).await);
}

#[tokio::test]
async fn a_client_learns_of_a_token_by_its_signed_text() {
    let setup = signing(&key(Algorithm::EdDsa)).await;
    let tokens = setup.tokens("web").await;
    let told = setup.introspect("web", tokens.text("access_token")).await;
    assert_eq!(
        (&told.json["active"], &told.json["sub"], &told.json["exp"]),
        (&json!(true), &json!("alice"), &json!(NOW + 3_600))
    );
    assert_eq!(told.json["jti"], decoded(&setup, tokens.text("access_token"), "https://api.test/one").await["jti"]);
    assert_eq!(setup.introspect("other", tokens.text("access_token")).await.json, json!({"active": false}));
    let (rest, _) = tokens.text("access_token").rsplit_once('.').unwrap();
    assert_eq!(setup.introspect("web", &format!("{rest}.AAAA")).await.json, json!({"active": false}));
    setup.clock.advance(Duration::from_secs(3_600));
    assert_eq!(setup.introspect("web", tokens.text("access_token")).await.json, json!({"active": false}));
}

#[tokio::test]
async fn one_client_may_have_another_format_than_the_rest() {
    let setup = signing(&key(Algorithm::EdDsa)).await;
    let opaque = ClientPolicies::new().with_access_token_format(AccessTokenFormat::Opaque);
    setup.add(like_web("old").with_policies(opaque)).await;
    let token = setup.tokens("old").await;
    assert!(token.text("access_token").starts_with("gr_at_"));
    assert!(setup.is_accepted(token.text("access_token")).await);
}

#[tokio::test]
async fn a_client_whose_tokens_cannot_be_signed_gets_none_and_spends_nothing() {
    let signed = ClientPolicies::new().with_access_token_format(AccessTokenFormat::Jwt);
    let endless = signed.clone().with_lifetimes(Lifetimes::new().with_access_token(None));
    for (setup, policies) in [(Setup::memory().await, signed), (signing(&key(Algorithm::EdDsa)).await, endless)] {
        setup.add(like_web("new").with_policies(policies)).await;
        let code = setup.code("new").await;
        for _ in 0..2 {
            setup.token(&setup.exchange("new", &code)).await.expect_error(500, "server_error");
        }
    }
}

#[test]
fn a_server_that_cannot_sign_what_it_is_to_issue_is_not_built() {
    let issuer = || Issuer::parse("https://as.test").unwrap();
    let builder = || {
        AuthorizationServer::builder(issuer(), Arc::new(MemoryStore::new())).access_token_format(AccessTokenFormat::Jwt)
    };
    assert_eq!(builder().build().unwrap_err(), ConfigurationError::NoAccessTokenKeys);
    let keyed = || builder().access_token_keys(KeySet::new(key(Algorithm::EdDsa)));
    let endless = keyed().lifetimes(Lifetimes::new().with_access_token(None));
    assert_eq!(endless.build().unwrap_err(), ConfigurationError::EndlessJwt);
    let endless_once_refreshed = keyed().lifetimes(Lifetimes::new().with_refreshed_access_token(None));
    assert_eq!(endless_once_refreshed.build().unwrap_err(), ConfigurationError::EndlessJwt);
    for name in ["iss", "sub", "aud", "exp", "jti", "scope", "client_id", "tenant", "cnf"] {
        let refused = keyed().access_token_claim(name).build().unwrap_err();
        assert_eq!(refused, ConfigurationError::AccessTokenClaim(name.to_owned()));
    }
    assert!(keyed().access_token_claim("roles").build().is_ok());
}
