//! An API that asks nobody.

use std::sync::Arc;
use std::time::Duration;

use grantor::error::ErrorReason;
use grantor::identifier::Extra;
use grantor::jwt::{Algorithm, InvalidKeySet, JwtVerifier, KeySet};
use grantor::secret::Prefix;
use grantor::store::TokenStore;
use grantor::{Approval, ResourceServer};
use serde_json::json;

use super::{jwks, key, part, signing, signing_with};
use crate::support::{Setup, bearer};

async fn verifier(setup: &Setup) -> JwtVerifier {
    JwtVerifier::from_jwks(setup.server.issuer().clone(), &jwks(setup).await).unwrap()
}

async fn offline(setup: &Setup, resource: &str) -> ResourceServer {
    ResourceServer::offline(verifier(setup).await, resource.parse().unwrap()).with_clock(setup.clock.clone())
}

async fn refusal(server: &ResourceServer, token: &str) -> ErrorReason {
    server.verify(&bearer(token)).await.unwrap_err().reason()
}

#[tokio::test]
async fn access_is_what_the_token_says() {
    let setup = signing_with(&key(Algorithm::EdDsa), |builder| builder.access_token_claim("plan")).await;
    let members = json!({"plan": "bulk", "internal": 7});
    let approval = Approval::all()
        .with_tenant("acme".parse().unwrap())
        .with_extra(Extra::new(members.as_object().unwrap().clone()));
    let answer = setup.approve_with(&setup.request("pub"), approval).await;
    let location = answer.expect_redirect("https://app.test/cb");
    let code = &location.iter().find(|(name, _)| name == "code").unwrap().1;
    let tokens = setup.token(&setup.exchange("pub", code)).await.expect_ok();
    let headers = bearer(tokens.text("access_token"));

    let known = setup.server.resource_server().verify(&headers).await.unwrap();
    let said = offline(&setup, "https://api.test/one").await.verify_scope(&headers, "read").await.unwrap();
    assert_eq!((said.subject(), said.client_id()), (known.subject(), known.client_id()));
    assert_eq!((said.scope(), said.resource(), said.tenant()), (known.scope(), known.resource(), known.tenant()));
    assert_eq!((said.grant_id(), said.expires_at()), (known.grant_id(), known.expires_at()));
    assert_eq!((said.extra().get("plan"), said.extra().get("internal")), (Some(&json!("bulk")), None));
    assert_eq!(said.require("write").unwrap_err().reason(), ErrorReason::ScopeInsufficient);

    let own = setup.own_token("svc").await;
    let said = offline(&setup, "https://api.test/one").await.verify(&bearer(own.text("access_token"))).await.unwrap();
    assert_eq!((said.subject(), said.client_id().map(|id| id.as_str())), (None, Some("svc")));
}

#[tokio::test]
async fn life_audience_and_form_are_checked_and_revocation_cannot_be() {
    let setup = signing(&key(Algorithm::Es256)).await;
    let tokens = setup.tokens("web").await;
    let token = tokens.text("access_token");
    let (one, two) = (offline(&setup, "https://api.test/one").await, offline(&setup, "https://api.test/two").await);
    assert_eq!(refusal(&two, token).await, ErrorReason::AudienceMismatch);
    assert_eq!(refusal(&one, "gr_at_something").await, ErrorReason::AccessTokenUnknown);
    setup.revoke("web", token).await;
    assert!(!setup.is_accepted(token).await);
    assert!(one.verify(&bearer(token)).await.is_ok());
    setup.clock.advance(Duration::from_millis(3_599_999));
    assert!(one.verify(&bearer(token)).await.is_ok());
    setup.clock.advance(Duration::from_millis(1));
    assert_eq!(refusal(&one, token).await, ErrorReason::AccessTokenExpired);
}

#[tokio::test]
async fn an_api_elsewhere_with_the_store_sees_revocation_and_takes_opaque_tokens_too() {
    let setup = signing(&key(Algorithm::EdDsa)).await;
    let tokens: Arc<dyn TokenStore> = setup.grants.clone();
    let prefix = Prefix::parse("gr_at_").unwrap();
    let server = ResourceServer::new(tokens, prefix, "https://api.test/one".parse().unwrap())
        .with_jwt(verifier(&setup).await)
        .with_clock(setup.clock.clone());
    let signed = setup.tokens("web").await;
    assert!(server.verify(&bearer(signed.text("access_token"))).await.is_ok());
    setup.revoke("web", signed.text("access_token")).await;
    assert_eq!(refusal(&server, signed.text("access_token")).await, ErrorReason::AccessTokenUnknown);
    let opaque = grantor::testkit::issue_access(&server, "read").await;
    assert!(server.verify(&opaque.headers()).await.is_ok());
}

#[tokio::test]
async fn keys_are_fetched_again_while_the_api_runs() {
    let setup = signing(&key(Algorithm::EdDsa)).await;
    let verifier = verifier(&setup).await;
    let server = ResourceServer::offline(verifier.clone(), "https://api.test/one".parse().unwrap())
        .with_clock(setup.clock.clone());
    let next = key(Algorithm::Rs256);
    setup.server.rotate_keys(KeySet::new(next)).unwrap();
    let token = setup.tokens("pub").await;
    assert_eq!(refusal(&server, token.text("access_token")).await, ErrorReason::AccessTokenUnknown);
    for broken in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
        assert_eq!(verifier.replace_jwks(broken), Err(InvalidKeySet));
    }
    verifier.replace_jwks(&jwks(&setup).await).unwrap();
    assert!(server.verify(&bearer(token.text("access_token"))).await.is_ok());
}

#[tokio::test]
async fn keys_of_other_kinds_and_for_other_purposes_are_passed_over() {
    let setup = signing(&key(Algorithm::EdDsa)).await;
    let mut document: serde_json::Value = serde_json::from_str(&jwks(&setup).await).unwrap();
    let mut encrypting = document["keys"][0].clone();
    encrypting["use"] = json!("enc");
    document["keys"].as_array_mut().unwrap().splice(0..0, [json!({"kty": "oct", "k": "AAAA"}), json!(7), encrypting]);
    let verifier = JwtVerifier::from_jwks(setup.server.issuer().clone(), &document.to_string()).unwrap();
    let server =
        ResourceServer::offline(verifier, "https://api.test/one".parse().unwrap()).with_clock(setup.clock.clone());
    let token = setup.tokens("pub").await;
    assert!(server.verify(&bearer(token.text("access_token"))).await.is_ok());
    assert_eq!(part(token.text("access_token"), 1)["aud"], "https://api.test/one");
}
