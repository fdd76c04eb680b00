//! What the server decides for every client, what one client has of its own, and what self-registered clients get.

use std::time::Duration;

use grantor::client::GrantType;
use grantor::configuration::{
    ConfigurationError, Registration, RegistrationAuthentication, RegistrationManagement, RegistrationMember,
    RegistrationRules,
};
use grantor::policy::{ClientPolicies, Lifetimes, PkceRequirement, RefreshPolicy, UnknownScope};
use grantor::{AuthorizationServerBuilder, Finding};
use serde_json::{Value, json};

use crate::browser::{expect_code, expect_rejection};
use crate::registration::{PATH, expect_registered, public, register, request as request_of, with};
use crate::support::{Answer, Form, Setup, VERIFIER, redirect_uri};

const DAY: u64 = 24 * 60 * 60;

fn without_challenge(setup: &Setup, client: &str) -> Form {
    setup.request(client).without("code_challenge").without("code_challenge_method")
}

/// What a client without a challenge gets: a redirect with a code, or with an error.
async fn expect_without_challenge(setup: &Setup, client: &str, accepted: bool) {
    let request = without_challenge(setup, client);
    let answer = setup.approve(&request).await;
    if accepted {
        let code = expect_code(&answer, redirect_uri(client), &request);
        let form = setup.exchange(client, &code);
        // RFC 9700 §4.8.2: what a client looks like whose challenge was stripped on the way.
        setup.token(&form).await.expect_error(400, "invalid_request");
        setup.token(&form.without("code_verifier")).await.expect_ok();
    } else {
        expect_rejection(&answer, redirect_uri(client), "invalid_request", &request);
    }
}

#[tokio::test]
async fn the_server_says_who_may_leave_pkce_out() {
    for (requirement, public, confidential) in [
        (PkceRequirement::Required, false, false),
        (PkceRequirement::Exempt, false, true),
        (PkceRequirement::Optional, true, true),
    ] {
        for setup in Setup::both_with(|builder| builder.pkce(requirement)).await {
            expect_without_challenge(&setup, "pub", public).await;
            expect_without_challenge(&setup, "web", confidential).await;
            let reported = setup.server.check().await.iter().any(|finding| matches!(finding, Finding::OptionalPkce));
            assert_eq!(reported, requirement == PkceRequirement::Optional);
        }
    }
}

#[tokio::test]
async fn a_clients_own_requirement_wins_over_the_servers() {
    for setup in Setup::both_with(|builder| builder.pkce(PkceRequirement::Optional)).await {
        setup.change("pub", |client| client.with_pkce(PkceRequirement::Exempt)).await;
        setup.change("web", |client| client.with_pkce(PkceRequirement::Required)).await;
        expect_without_challenge(&setup, "pub", false).await;
        expect_without_challenge(&setup, "web", false).await;
        expect_without_challenge(&setup, "other", true).await;
    }
}

#[tokio::test]
async fn a_challenge_that_is_sent_is_enforced_however_optional() {
    for setup in Setup::both_with(|builder| builder.pkce(PkceRequirement::Optional)).await {
        for client in ["pub", "web"] {
            let code = setup.code(client).await;
            let form = setup.exchange(client, &code);
            setup.token(&form.clone().without("code_verifier")).await.expect_error(400, "invalid_grant");
            let wrong = form.clone().set("code_verifier", &VERIFIER.replace('d', "e"));
            setup.token(&wrong).await.expect_error(400, "invalid_grant");
            setup.token(&form).await.expect_ok();
        }
        let stripped = setup.request("pub").without("code_challenge");
        expect_rejection(&setup.approve(&stripped).await, redirect_uri("pub"), "invalid_request", &stripped);
    }
}

#[tokio::test]
async fn an_access_token_that_came_of_a_refresh_lives_as_long_as_configured() {
    let lifetimes = Lifetimes::new()
        .with_access_token(Some(Duration::from_secs(2 * DAY)))
        .with_refreshed_access_token(Some(Duration::from_hours(2)));
    for policy in [RefreshPolicy::default(), RefreshPolicy::Reuse] {
        for setup in Setup::both_with(|builder| builder.lifetimes(lifetimes).refresh_policy(policy)).await {
            let first = setup.tokens("web").await;
            assert_eq!(first.json["expires_in"], 172_800);
            let form = setup.refresh("web", first.text("refresh_token"));
            let second = setup.token(&form).await.expect_ok();
            assert_eq!(second.json["expires_in"], 7_200);
            setup.clock.advance(Duration::from_secs(5));
            let retried = setup.token(&form).await.expect_ok();
            let expected = if policy == RefreshPolicy::Reuse { 7_200 } else { 7_195 };
            assert_eq!(retried.json["expires_in"], expected);

            setup.clock.advance(Duration::from_secs(7_194));
            assert!(setup.is_accepted(second.text("access_token")).await);
            setup.clock.advance(Duration::from_secs(1));
            assert!(!setup.is_accepted(second.text("access_token")).await);
            assert!(setup.is_accepted(first.text("access_token")).await);
        }
    }
}

#[tokio::test]
async fn an_access_token_may_end_with_its_revocation_only_once_it_was_refreshed() {
    let lifetimes = Lifetimes::new().with_refreshed_access_token(None);
    for setup in Setup::both_with(|builder| builder).await {
        setup.change("pub", |client| client.with_lifetimes(lifetimes)).await;
        let first = setup.tokens("pub").await;
        assert_eq!(first.json["expires_in"], 3_600);
        let second = setup.token(&setup.refresh("pub", first.text("refresh_token"))).await.expect_ok();
        assert_eq!(second.json.get("expires_in"), None);
    }
}

async fn granted(setup: &Setup, asked: &str) -> String {
    let request = setup.request("pub").set("scope", asked);
    let code = expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
    setup.token(&setup.exchange("pub", &code)).await.expect_ok().text("scope").to_owned()
}

async fn by_itself(setup: &Setup, asked: &str) -> Answer {
    let form = Form::of(&[("grant_type", "client_credentials"), ("scope", asked)]);
    setup.token(&setup.identify("svc", form)).await
}

#[tokio::test]
async fn unknown_scopes_are_dropped_where_the_server_says_so() {
    for setup in Setup::both_with(|builder| builder.unknown_scope(UnknownScope::Drop)).await {
        assert_eq!(granted(&setup, "bogus write").await, "write");
        assert_eq!(by_itself(&setup, "admin read bogus").await.expect_ok().text("scope"), "read");
        by_itself(&setup, "admin").await.expect_error(400, "invalid_scope");
        for asked in ["bogus", "bogus offline_access", "re\"ad write"] {
            let request = setup.request("pub").set("scope", asked);
            expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
        }

        let refuse = ClientPolicies::new().with_unknown_scope(UnknownScope::Refuse);
        setup.change("pub", |client| client.with_policies(refuse)).await;
        let request = setup.request("pub").set("scope", "bogus write");
        expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
    }
}

on_both_stores! {
    async fn unknown_scopes_of_one_client_may_be_dropped(setup) {
        let drop = ClientPolicies::new().with_unknown_scope(UnknownScope::Drop);
        setup.change("svc", |client| client.with_policies(drop)).await;
        assert_eq!(by_itself(&setup, "admin read").await.expect_ok().text("scope"), "read");
        let request = setup.request("pub").set("scope", "bogus write");
        expect_rejection(&setup.approve(&request).await, redirect_uri("pub"), "invalid_scope", &request);
    }

    async fn a_client_may_have_a_default_scope_of_its_own(setup) {
        let own = ClientPolicies::new().with_default_scope("write admin".parse().unwrap());
        setup.change("pub", |client| client.with_policies(own.clone())).await;
        assert_eq!(granted(&setup, "").await, "write admin");
        setup.change("pub", |client| client.with_scope("write".parse().unwrap())).await;
        assert_eq!(granted(&setup, "").await, "write");
        setup.change("svc", |client| client.with_policies(own).with_scope("read".parse().unwrap())).await;
        by_itself(&setup, "").await.expect_error(400, "invalid_scope");
    }
}

/// The rules of a service that documents six members and issues nothing but public clients.
fn short() -> RegistrationRules {
    RegistrationRules::new()
        .with_grant_types([GrantType::AuthorizationCode])
        .with_authentication(RegistrationAuthentication::PublicOnly)
        .with_management(RegistrationManagement::Disabled)
        .without_members([RegistrationMember::ClientIdIssuedAt, RegistrationMember::Scope])
        .with_client_id_prefix("clyk_oauth_")
}

fn open(rules: RegistrationRules) -> impl Fn(AuthorizationServerBuilder) -> AuthorizationServerBuilder {
    move |builder| builder.registration(Registration::Open(rules.clone()))
}

#[tokio::test]
async fn a_registration_may_be_public_only_and_its_answer_short() {
    for setup in Setup::both_with(open(short())).await {
        let metadata = json!({ "client_name": "Cursor", "redirect_uris": ["http://127.0.0.1/cb"] });
        let answer = expect_registered(register(&setup, &metadata).await);
        let id = answer.text("client_id");
        assert!(id.starts_with("clyk_oauth_"), "{id}");
        assert_eq!(
            answer.json,
            json!({
                "client_id": id,
                "client_name": "Cursor",
                "redirect_uris": ["http://127.0.0.1/cb"],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code"],
                "response_types": ["code"],
            })
        );
    }
}

#[tokio::test]
async fn who_asks_for_a_secret_is_corrected_where_clients_are_public() {
    for setup in Setup::both_with(open(short())).await {
        for method in ["client_secret_basic", "client_secret_post", "none", ""] {
            let metadata = with(public(), "token_endpoint_auth_method", json!(method));
            let answer = expect_registered(register(&setup, &metadata).await);
            assert_eq!(answer.text("token_endpoint_auth_method"), "none", "{method}");
            assert_eq!(answer.json.get("client_secret"), None, "{method}");
        }
        let unknown = with(public(), "token_endpoint_auth_method", json!("private_key_jwt"));
        register(&setup, &unknown).await.expect_error(400, "invalid_client_metadata");
        let alone = with(public(), "grant_types", json!(["client_credentials"]));
        register(&setup, &alone).await.expect_error(400, "invalid_client_metadata");
    }
}

#[tokio::test]
async fn without_management_there_is_no_such_place() {
    for setup in Setup::both_with(open(short())).await {
        let id = expect_registered(register(&setup, &public()).await).text("client_id").to_owned();
        for method in ["GET", "PUT", "DELETE", "POST"] {
            let request = http::Request::builder().method(method).uri(format!("{PATH}/{id}"));
            let request = request.header("authorization", "Bearer x").header("content-type", "application/json");
            assert_eq!(setup.send(request.body("{}".to_owned()).unwrap()).await.status, 404, "{method}");
        }
        let place = format!("{PATH}/{id}");
        assert!(!setup.server.endpoints().iter().any(|route| route.matches(&place)));
        assert!(setup.server.endpoints().iter().any(|route| route.matches(PATH)));
    }
}

#[tokio::test]
async fn a_self_registered_client_has_the_policies_of_the_rules() {
    let policies = ClientPolicies::new()
        .with_refresh_policy(RefreshPolicy::Never)
        .with_default_scope("write".parse().unwrap())
        .with_lifetimes(Lifetimes::new().with_access_token(None));
    for setup in Setup::both_with(open(RegistrationRules::new().with_policies(policies))).await {
        let metadata = with(public(), "grant_types", json!(["authorization_code", "refresh_token"]));
        let answer = expect_registered(register(&setup, &metadata).await);
        assert_eq!(answer.json["grant_types"], json!(["authorization_code"]));
        let code = setup.code_for(&request_of(&setup, &answer).without("scope")).await;
        let form = setup.exchange("pub", &code).set("client_id", answer.text("client_id"));
        let tokens = setup.token(&form.set("redirect_uri", "https://new.test/cb")).await.expect_ok();
        assert_eq!(tokens.text("scope"), "write");
        let others: [Option<&Value>; 2] = [tokens.json.get("expires_in"), tokens.json.get("refresh_token")];
        assert_eq!(others, [None, None]);
    }
}

#[test]
fn policies_of_the_rules_are_checked_when_the_server_is_built() {
    let error = |policies: ClientPolicies| {
        let store = std::sync::Arc::new(grantor::store::MemoryStore::new());
        let issuer = grantor::Issuer::parse("https://as.test").unwrap();
        let rules = RegistrationRules::new().with_policies(policies);
        grantor::AuthorizationServer::builder(issuer, store).registration(Registration::Open(rules)).build().err()
    };
    assert_eq!(error(ClientPolicies::new()), None);
    let undeclared = error(ClientPolicies::new().with_default_scope("bogus".parse().unwrap()));
    assert_eq!(undeclared, Some(ConfigurationError::UndeclaredScope("bogus".to_owned())));
    let short = Lifetimes::new().with_refreshed_access_token(Some(Duration::from_millis(5)));
    assert_eq!(error(ClientPolicies::new().with_lifetimes(short)), Some(ConfigurationError::ZeroLifetime));
}

#[tokio::test]
async fn a_grant_type_that_the_server_does_not_have_is_unsupported_and_not_advertised_whatever_a_client_may_do() {
    let only_codes = |builder: AuthorizationServerBuilder| {
        builder.grant_types([GrantType::AuthorizationCode]).registration(Registration::Open(RegistrationRules::new()))
    };
    for setup in Setup::both_with(only_codes).await {
        let tokens = setup.tokens("web").await;
        assert!(tokens.json.get("refresh_token").is_none(), "{tokens:?}");
        for grant_type in ["refresh_token", "client_credentials"] {
            let form = setup.refresh("web", "any").set("grant_type", grant_type);
            setup.token(&form).await.expect_error(400, "unsupported_grant_type");
        }
        let metadata = crate::metadata::document(&setup).await;
        assert_eq!(metadata["grant_types_supported"], json!(["authorization_code"]));
        assert!(!metadata["scopes_supported"].as_array().unwrap().contains(&json!("offline_access")));
        let asked = with(public(), "grant_types", json!(["authorization_code", "refresh_token"]));
        let registered = expect_registered(register(&setup, &asked).await);
        assert_eq!(registered.json["grant_types"], json!(["authorization_code"]));
    }
}

#[test]
fn a_server_that_could_issue_nothing_is_not_built() {
    for grant_types in [vec![], vec![GrantType::RefreshToken]] {
        let store = std::sync::Arc::new(grantor::store::MemoryStore::new());
        let issuer = grantor::Issuer::parse("https://as.test").unwrap();
        let built = grantor::AuthorizationServer::builder(issuer, store).grant_types(grant_types).build();
        assert_eq!(built.err(), Some(ConfigurationError::NoGrantType));
    }
}
