//! Parameters of authorization requests that a service has of its own, such as Kit's `tenant_name`.

use std::sync::Arc;

use grantor::configuration::ConfigurationError;
use grantor::error::ErrorReason;
use grantor::identifier::Extra;
use grantor::store::MemoryStore;
use grantor::{Approval, AuthorizationServer, AuthorizationServerBuilder, Issuer, Recall, Visitor};
use serde_json::{Value, json};

use crate::browser::{expect_code, expect_rejection};
use crate::support::{Form, Setup, bearer, redirect_uri};

fn kit(builder: AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    builder.authorization_parameter("tenant_name").authorization_parameter("ref")
}

/// What the API reads of a grant that alice gave.
async fn kept(setup: &Setup, client: &str, request: &Form, approval: Approval) -> Extra {
    let answer = setup.approve_with(request, approval).await;
    let code = expect_code(&answer, redirect_uri(client), request);
    let tokens = setup.token(&setup.exchange(client, &code)).await.expect_ok();
    let access = setup.server.resource_server().verify(&bearer(tokens.text("access_token"))).await.unwrap();
    access.extra().clone()
}

async fn asks(setup: &Setup, request: &Form) -> bool {
    let pending = setup.pending(request).await.unwrap();
    matches!(setup.server.recall(pending, &setup.alice).await.unwrap(), Recall::Ask(_))
}

async fn refused(setup: &Setup, request: &Form) -> ErrorReason {
    let error = setup.pending(request).await.unwrap_err();
    let reason = error.reason();
    let answer = setup.answer(error, Visitor::SignedIn);
    expect_rejection(&answer, redirect_uri("pub"), "invalid_request", request);
    reason
}

#[tokio::test]
async fn a_declared_parameter_is_handed_to_the_host_and_kept_with_the_grant() {
    for setup in Setup::both_with(kit).await {
        for value in ["acme", "Äcme & Söhne \"1\"", "🦀", " ", &"x".repeat(1_000)] {
            let request = setup.request("pub").and("tenant_name", value).and("other", "x");
            assert_eq!(setup.pending(&request).await.unwrap().extra("tenant_name"), Some(value));
            let extra = kept(&setup, "pub", &request, Approval::all()).await;
            assert_eq!(extra.iter().collect::<Vec<_>>(), [("tenant_name", &json!(value))]);
        }
    }
}

#[tokio::test]
async fn what_was_not_declared_is_for_the_host_alone() {
    for setup in Setup::both_with(kit).await {
        let request = setup.request("pub").and("Tenant_Name", "acme").and("locale", "de").and("locale", "fr");
        assert_eq!(setup.pending(&request).await.unwrap().extra("locale"), Some("de"));
        assert!(kept(&setup, "pub", &request, Approval::all()).await.is_empty());
    }
    // Nothing is kept that nobody declared.
    let setup = Setup::memory().await;
    let request = setup.request("pub").and("tenant_name", "acme");
    assert!(kept(&setup, "pub", &request, Approval::all()).await.is_empty());
}

#[tokio::test]
async fn an_empty_parameter_counts_as_not_sent() {
    for setup in Setup::both_with(kit).await {
        let request = setup.request("pub").and("tenant_name", "");
        assert_eq!(setup.pending(&request).await.unwrap().extra("tenant_name"), None);
        assert!(kept(&setup, "pub", &request, Approval::all()).await.is_empty());
    }
}

#[tokio::test]
async fn values_that_are_too_long_or_no_text_and_repeated_ones_are_refused_to_the_client() {
    for setup in Setup::both_with(kit).await {
        let request = || setup.request("pub");
        let long = request().and("tenant_name", &"x".repeat(1_001));
        assert_eq!(refused(&setup, &long).await, ErrorReason::ParameterTooLong);
        let bytes = request().and("ref", &"é".repeat(501));
        assert_eq!(refused(&setup, &bytes).await, ErrorReason::ParameterTooLong);
        for control in ["a\nb", "a\r\nb", "\u{1b}[31m", "\u{7f}", "\u{85}", "\t"] {
            let request = request().and("tenant_name", control);
            assert_eq!(refused(&setup, &request).await, ErrorReason::RequestMalformed, "{control:?}");
        }
        for (one, other) in [("acme", "acme"), ("acme", "evil"), ("", "acme"), ("acme", "")] {
            let request = request().and("tenant_name", one).and("tenant_name", other);
            assert_eq!(refused(&setup, &request).await, ErrorReason::ParameterRepeated, "{one} {other}");
        }
        // A NUL is refused before anybody knows where an answer could go, as in every parameter.
        let error = setup.pending(&request().and("tenant_name", "a\0b")).await.unwrap_err();
        assert_eq!(error.reason(), ErrorReason::RequestMalformed);
    }
}

#[tokio::test]
async fn what_the_host_keeps_is_beside_it_and_wins_over_it() {
    for setup in Setup::both_with(kit).await {
        let request = setup.request("pub").and("tenant_name", "acme").and("ref", "7");
        let own = Extra::of(&json!({ "plan": "bulk", "tenant_name": "Acme Inc." })).unwrap();
        let extra = kept(&setup, "pub", &request, Approval::all().with_extra(own)).await;
        let all: serde_json::Map<String, Value> = extra.read().unwrap();
        assert_eq!(Value::Object(all), json!({ "plan": "bulk", "tenant_name": "Acme Inc.", "ref": "7" }));
    }
}

#[tokio::test]
async fn a_consent_is_remembered_for_the_same_values_only() {
    for setup in Setup::both_with(kit).await {
        let request = |tenant: &str| setup.request("web").and("tenant_name", tenant);
        kept(&setup, "web", &request("acme"), Approval::all()).await;
        assert!(!asks(&setup, &request("acme")).await);
        assert!(!asks(&setup, &request("acme").and("other", "x")).await);
        for other in ["", "evil", "Acme", "acme "] {
            assert!(asks(&setup, &request(other)).await, "{other:?}");
        }
        assert!(asks(&setup, &setup.request("web")).await);
        assert!(asks(&setup, &request("acme").and("ref", "7")).await);

        // Remembered, it is kept with the new grant again.
        let pending = setup.pending(&request("acme")).await.unwrap();
        let Recall::Remembered(confirmed) = setup.server.recall(pending, &setup.alice).await.unwrap() else {
            panic!("asked")
        };
        let own = Approval::all().with_extra(Extra::default().with("plan", "free").unwrap());
        let answer = setup.server.approve(confirmed, own).await.unwrap().into_http().into();
        expect_code(&answer, redirect_uri("web"), &request("acme"));
        let granted = setup.granted().await;
        let tenants: Vec<_> = granted.iter().map(|summary| summary.grant.extra.get("tenant_name").cloned()).collect();
        assert_eq!(tenants, [Some(json!("acme")), Some(json!("acme"))]);
    }
}

// A consent without the parameter is none for a tenant.
#[tokio::test]
async fn a_consent_without_a_value_covers_no_value() {
    for setup in Setup::both_with(kit).await {
        kept(&setup, "web", &setup.request("web"), Approval::all()).await;
        assert!(!asks(&setup, &setup.request("web")).await);
        assert!(!asks(&setup, &setup.request("web").and("tenant_name", "")).await);
        assert!(asks(&setup, &setup.request("web").and("tenant_name", "acme")).await);
    }
}

#[tokio::test]
async fn a_decision_about_one_tenant_is_none_about_another() {
    for setup in Setup::both_with(kit).await {
        let shown = setup.pending(&setup.request("pub").and("tenant_name", "acme")).await.unwrap();
        let token = setup.consent_token(&shown);
        let posted = setup.pending(&setup.request("pub").and("tenant_name", "evil")).await.unwrap();
        let error = posted.confirm(&setup.session, &setup.alice, &token).unwrap_err();
        assert_eq!(error.reason(), ErrorReason::ConsentTokenInvalid);
    }
}

on_both_stores! {
    // TrimLink's clients say `grant_type=authorization_code` where it has no meaning.
    async fn superfluous_parameters_are_ignored(setup) {
        let request = setup.request("pub").and("grant_type", "authorization_code").and("code", "x").and("foo", "bar");
        let request = request.and("client_secret", "").and("foo", "baz");
        let code = expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
        let exchange = setup.exchange("pub", &code).and("response_type", "code").and("state", "x").and("foo", "bar");
        setup.token(&exchange).await.expect_ok();
    }
}

#[test]
fn names_of_the_protocol_malformed_and_repeated_ones_are_refused_when_the_server_is_built() {
    let build = |names: &[&str]| {
        let issuer = Issuer::parse("https://as.test").unwrap();
        let builder = AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new()));
        let builder = names.iter().fold(builder, |builder, name| builder.authorization_parameter(name));
        builder.build().map(|_| ())
    };
    assert_eq!(build(&["tenant_name", "ref"]), Ok(()));
    for name in ["client_id", "scope", "state", "prompt", "resource", "ui_locales", "iss", "", "a b", "a=b", "ref"] {
        let refused = build(&["ref", name]);
        assert_eq!(refused, Err(ConfigurationError::AuthorizationParameter(name.to_owned())));
    }
}
