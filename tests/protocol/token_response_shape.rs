//! What token responses say beyond the protocol, by the operator's choice.

use std::sync::Arc;
use std::time::Duration;

use grantor::configuration::{ConfigurationError, ResponseMember, TokenResponseShape};
use grantor::identifier::Extra;
use grantor::policy::{Lifetimes, RefreshPolicy};
use grantor::store::MemoryStore;
use grantor::{Approval, AuthorizationServer, AuthorizationServerBuilder, Issuer};
use serde_json::{Value, json};

use crate::browser::expect_code;
use crate::support::{Answer, Form, Setup, redirect_uri, without_refresh};

/// What the clock of every test shows at first, in seconds.
const START: i64 = 1_800_000_000;

fn shaped(shape: TokenResponseShape) -> impl Fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    move |builder| builder.token_response(shape.clone())
}

/// The members of an answer, in the order in which they were written.
fn names(answer: &Answer) -> Vec<String> {
    let mut names: Vec<String> = answer.json.as_object().unwrap().keys().cloned().collect();
    names.sort_by_key(|name| answer.body.find(&format!("\"{name}\":")));
    names
}

async fn post(setup: &Setup, form: &Form) -> Answer {
    let answer = setup.token(form).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

// CLYK: no refresh token, ever, and no end
#[tokio::test]
async fn a_client_without_a_refresh_token_is_told_null() {
    let shape = TokenResponseShape::new().with_null_refresh_token();
    let forever = Lifetimes::new().with_access_token(None);
    for setup in Setup::both_with(|builder| shaped(shape.clone())(builder).lifetimes(forever)).await {
        setup.add(without_refresh("code-only")).await;
        let code = setup.code("code-only").await;
        let answer = post(&setup, &setup.exchange("code-only", &code)).await;
        assert_eq!(names(&answer), ["access_token", "token_type", "refresh_token", "scope"]);
        assert_eq!(answer.json["refresh_token"], Value::Null);
        assert!(answer.body.contains("\"refresh_token\":null"));

        let own = Form::of(&[("grant_type", "client_credentials")]);
        let own = post(&setup, &setup.identify("svc", own)).await;
        assert!(own.body.contains("\"refresh_token\":null"));
        // Who has one is told so.
        assert!(setup.tokens("web").await.json["refresh_token"].is_string());
    }
}

// CLYK, MCP: agents name the resource, and some of them refuse a null
#[tokio::test]
async fn a_client_that_names_a_resource_gets_no_null() {
    let shape = TokenResponseShape::new().with_null_refresh_token().with_member("created_at", ResponseMember::IssuedAt);
    for setup in Setup::both_with(shaped(shape.clone())).await {
        setup.add(without_refresh("code-only")).await;
        let code = setup.code("code-only").await;
        let form = setup.exchange("code-only", &code).and("resource", "https://api.test/one");
        let answer = post(&setup, &form).await;
        assert_eq!(names(&answer), ["access_token", "token_type", "expires_in", "scope", "created_at"]);

        let own = Form::of(&[("grant_type", "client_credentials"), ("resource", "https://api.test/one")]);
        assert!(!post(&setup, &setup.identify("svc", own)).await.body.contains("null"));
    }
}

// Linkkit: the refresh token stays, and a null would have the client forget it
#[tokio::test]
async fn a_refresh_token_that_stays_is_left_out_with_and_without_null() {
    for shape in [TokenResponseShape::new(), TokenResponseShape::new().with_null_refresh_token()] {
        let reuse = |builder| shaped(shape.clone())(builder).refresh_policy(RefreshPolicy::Reuse);
        for setup in Setup::both_with(reuse).await {
            let tokens = setup.tokens("web").await;
            let refreshed = setup.refreshed("web", tokens.text("refresh_token")).await;
            assert_eq!(names(&refreshed), ["access_token", "token_type", "expires_in", "scope"]);
            setup.refreshed("web", tokens.text("refresh_token")).await;
        }
    }
}

// Kit: `created_at`
#[tokio::test]
async fn every_answer_says_when_its_tokens_were_issued() {
    let shape = TokenResponseShape::new().with_member("created_at", ResponseMember::IssuedAt);
    for setup in Setup::both_with(shaped(shape)).await {
        let code = setup.code("web").await;
        setup.clock.advance(Duration::from_millis(1_999));
        let tokens = setup.token(&setup.exchange("web", &code)).await.expect_ok();
        let documented = ["access_token", "token_type", "expires_in", "refresh_token", "scope", "created_at"];
        assert_eq!(names(&tokens), documented);
        assert_eq!(tokens.json["created_at"], START + 1);

        setup.clock.advance(Duration::from_secs(100));
        let refreshed = setup.refreshed("web", tokens.text("refresh_token")).await;
        assert_eq!(refreshed.json["created_at"], START + 101);
        setup.clock.advance(Duration::from_secs(3));
        let retried = setup.refreshed("web", tokens.text("refresh_token")).await;
        assert_eq!(retried.json["created_at"], START + 101, "the same answer again");
        assert_eq!(retried.json["access_token"], refreshed.json["access_token"]);
        assert_eq!(setup.own_token("svc").await.json["created_at"], START + 104);
    }
}

#[tokio::test]
async fn members_hold_constants_the_tenant_and_what_the_host_keeps() {
    let shape = TokenResponseShape::new()
        .with_member("api", ResponseMember::Constant(json!({ "version": [1, null, "ü\"\\"] })))
        .with_member("workspace", ResponseMember::Tenant)
        .with_member("plan", ResponseMember::Extra("plan of \"alice\"".to_owned()))
        .with_member("nothing", ResponseMember::Constant(Value::Null));
    for setup in Setup::both_with(shaped(shape)).await {
        let extra = Extra::default().with("plan of \"alice\"", json!({ "seats": 12 })).unwrap();
        let approval = Approval::all().with_tenant("acme \"1\"".parse().unwrap()).with_extra(extra);
        let request = setup.request("web");
        let code = expect_code(&setup.approve_with(&request, approval).await, redirect_uri("web"), &request);
        let tokens = post(&setup, &setup.exchange("web", &code)).await;
        let refreshed = post(&setup, &setup.refresh("web", tokens.text("refresh_token"))).await;
        let retried = post(&setup, &setup.refresh("web", tokens.text("refresh_token"))).await;
        for answer in [&tokens, &refreshed, &retried] {
            assert_eq!(answer.json["api"], json!({ "version": [1, null, "ü\"\\"] }));
            assert_eq!(answer.json["workspace"], "acme \"1\"");
            assert_eq!(answer.json["plan"], json!({ "seats": 12 }));
            assert_eq!(answer.json.get("nothing"), Some(&Value::Null));
            assert_eq!(names(answer)[5..], ["api", "workspace", "plan", "nothing"]);
        }
        // What a grant does not have is left out.
        let own = setup.identify("svc", Form::of(&[("grant_type", "client_credentials")]));
        assert_eq!(names(&post(&setup, &own).await)[4..], ["api", "nothing"]);
    }
}

#[tokio::test]
async fn errors_have_no_members_of_the_services_own() {
    let shape = TokenResponseShape::new().with_null_refresh_token().with_member("created_at", ResponseMember::IssuedAt);
    for setup in Setup::both_with(shaped(shape)).await {
        let answer = setup.token(&setup.exchange("web", "x")).await.expect_error(400, "invalid_grant");
        assert_eq!(names(&answer), ["error", "error_description"]);
    }
}

#[test]
fn a_member_of_the_protocol_or_one_that_comes_twice_is_refused_when_the_server_is_built() {
    let build = |shape| {
        let issuer = Issuer::parse("https://as.test").unwrap();
        AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new())).token_response(shape).build().map(|_| ())
    };
    let shape = || TokenResponseShape::new().with_member("created_at", ResponseMember::IssuedAt);
    assert_eq!(build(shape()), Ok(()));
    for name in ["access_token", "token_type", "expires_in", "refresh_token", "scope", "error", "", "created_at"] {
        let refused = build(shape().with_member(name, ResponseMember::Constant(Value::Null)));
        assert_eq!(refused, Err(ConfigurationError::ResponseMember(name.to_owned())));
    }
}
