//! The driver does what is right, what is told, and says what went wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::client::{Client, GrantType, SecretMethod};
use crate::configuration::{Registration, RegistrationRules, RememberedConsent};
use crate::grant::Approval;
use crate::secret::SecretHash;
use crate::server::{AuthorizationServer, Stores};
use crate::store::{ClientRegistry as _, MemoryStore};
use crate::testkit::{FaultyStore, RecordingStore, TestServer, block_on};

const GRANT_TYPES: [&str; 2] = ["authorization_code", "refresh_token"];

/// What a test is told that fails.
fn failure<T>(step: impl IntoFuture<Output = T>) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(block_on(step)))).expect_err("the step fails");
    *panic.downcast::<String>().expect("a message")
}

#[test]
fn every_kind_of_client_gets_tokens_that_work() {
    let server = TestServer::new();
    let named = Client::confidential("1PpG/Q 1".parse().unwrap(), SecretHash::of("z/t+Z9 %41"))
        .with_redirect_uri("https://web.test/cb?x=1".parse().unwrap());
    let clients = [
        server.client().public(),
        server.client().confidential(),
        server.client().confidential().secret_by(SecretMethod::Post),
        server.client().of(named).secret("z/t+Z9 %41"),
        server.client().id("board").public().redirect_uri("com.example.app:/cb").scope("read"),
        block_on(server.register(json!({ "redirect_uris": ["https://self.test/cb"], "grant_types": GRANT_TYPES }))),
    ];
    for client in clients {
        let tokens = block_on(client.authorize().approve().exchange());
        let told = block_on(tokens.call()).json().clone();
        assert_eq!(told, json!({ "subject": "alice", "client_id": client.id(), "scope": "read" }));
        let again = block_on(tokens.refresh());
        assert_eq!(block_on(server.call(&again.access_token)).status(), 200);
        block_on(again.revoke());
        assert_eq!(block_on(again.call()).status(), 401);
    }
}

#[test]
fn a_client_acts_for_itself_and_is_told_about_its_tokens() {
    let client = TestServer::new().client().confidential();
    let tokens = block_on(client.client_credentials().scope("write"));
    assert_eq!((tokens.scope.as_str(), tokens.refresh_token.as_deref()), ("write", None));
    assert_eq!(block_on(tokens.introspect())["client_id"], client.id());
    assert_eq!(block_on(tokens.call().post()).status(), 200);
    assert_eq!(block_on(tokens.call()).status(), 403);
    block_on(tokens.revoke());
    assert_eq!(block_on(tokens.introspect()), json!({ "active": false }));
}

#[test]
fn a_user_may_approve_less_in_a_tenant_with_something_of_the_hosts_own() {
    let server = TestServer::new();
    let client = server.client().public();
    let authorize =
        client.authorize().scope("read write").resource("https://api.test/two").tenant("acme").subject("bob");
    let extra = crate::identifier::Extra::of(&json!({ "plan": "bulk" })).unwrap();
    let approval = Approval::of("write".parse().unwrap()).with_extra(extra.clone());
    let tokens = block_on(authorize.approve().approval(approval).exchange());
    assert_eq!(tokens.scope, "write");
    let headers: HeaderMap = [(AUTHORIZATION, bearer(&tokens.access_token))].into_iter().collect();
    let two = server.resource_server().clone().with_resource("https://api.test/two".parse().unwrap());
    let access = block_on(two.verify(&headers)).unwrap();
    assert_eq!(access.subject().unwrap().as_str(), "bob");
    assert_eq!((access.tenant().unwrap().as_str(), access.extra()), ("acme", &extra));
    assert_eq!(block_on(tokens.call().post()).status(), 401);
    assert_eq!(block_on(tokens.call().post().at("https://api.test/two")).status(), 200);
}

#[test]
fn a_user_who_denies_sends_the_client_an_error() {
    let client = TestServer::new().client().public();
    let callback = block_on(client.authorize().with("state", "x").deny());
    assert_eq!((callback.parameter("error"), callback.parameter("state")), (Some("access_denied"), Some("x")));
    block_on(client.authorize().deny().send()).expect_error(303, "access_denied");
}

#[test]
fn every_parameter_of_the_request_can_be_wrong() {
    let client = TestServer::new().client().public();
    let send = |authorize: Authorize| block_on(authorize.send());
    send(client.authorize().without("code_challenge")).expect_error(303, "invalid_request");
    send(client.authorize().with("response_type", "token")).expect_error(303, "unsupported_response_type");
    send(client.authorize().scope("read").and("scope", "read")).expect_error(303, "invalid_request");
    send(client.authorize().scope("bogus")).expect_error(303, "invalid_scope");
    send(client.authorize().resource("https://elsewhere.test")).expect_error(303, "invalid_target");
    let reply = send(client.authorize().with("redirect_uri", "https://evil.test")).expect_status(400);
    assert_eq!(reply.header("location"), None);
}

#[test]
fn a_decision_can_come_from_elsewhere_or_too_late() {
    let server = TestServer::new();
    let client = server.client().public();
    let approve = || client.authorize().approve();
    let forgeries = [
        approve().session([1; 32]),
        approve().subject("mallory"),
        approve().consent_token("forged"),
        approve().consent_token(""),
        approve().with("scope", "read write admin"),
        approve().without("state"),
        approve().after(Duration::from_mins(30)),
    ];
    for forgery in forgeries {
        block_on(forgery.send()).expect_status(403);
    }
    let page = block_on(client.authorize());
    assert_eq!(page.request().scope().as_str(), "read");
    block_on(page.approve().exchange());
    block_on(page.approve().send()).expect_status(409);
    block_on(page.deny().send()).expect_status(409);
    let reply = block_on(client.authorize().anonymous().send()).expect_status(303);
    assert!(reply.header("location").unwrap().starts_with("/signin?next="));
}

#[test]
fn consent_is_remembered_or_the_user_is_asked() {
    let server = TestServer::new();
    let client = server.client().public();
    let _ = block_on(client.authorize().remembered().send()).expect_status(200);
    block_on(client.authorize().approve().exchange());
    block_on(client.authorize().remembered().exchange());
    let told = failure(client.authorize().tenant("acme").remembered());
    assert!(told.contains("the remembered consent was answered by 200 OK: "), "{told}");
    let server = TestServer::with(|builder| builder.remembered_consent(RememberedConsent::Disabled));
    let client = server.client().public();
    block_on(client.authorize().approve().exchange());
    assert!(block_on(client.authorize().send()).body().contains("consent_token"));
}

#[test]
fn every_parameter_of_a_token_request_can_be_wrong() {
    let server = TestServer::new();
    let (client, other) = (server.client().confidential(), server.client().confidential());
    let exchange = || client.authorize().approve().exchange();
    let wrong = [
        (exchange().with("code_verifier", "w".repeat(43)), 400, "invalid_grant"),
        (exchange().without("code_verifier"), 400, "invalid_grant"),
        (exchange().with("redirect_uri", "https://app.example/other"), 400, "invalid_grant"),
        (exchange().and("code", "again"), 400, "invalid_request"),
        (exchange().with("grant_type", "password"), 400, "unsupported_grant_type"),
        (exchange().resource("https://elsewhere.test"), 400, "invalid_target"),
        (exchange().sent_by(&other), 400, "invalid_grant"),
        (exchange().sent_by(&client.clone().secret("guessed")), 401, "invalid_client"),
        (exchange().without_header("authorization"), 401, "invalid_client"),
        (exchange().header("Content-Type", "application/json"), 415, "invalid_request"),
    ];
    for (step, status, code) in wrong {
        block_on(step.send()).expect_error(status, code);
    }
    let tokens = block_on(exchange());
    block_on(tokens.refresh().scope("admin").send()).expect_error(400, "invalid_scope");
    block_on(tokens.refresh().sent_by(&other).send()).expect_error(400, "invalid_grant");
}

#[test]
fn a_step_alone_is_told_what_the_chain_knows() {
    let client = TestServer::new().client().public();
    let callback = block_on(client.authorize().approve());
    block_on(client.exchange(callback.code()).send()).expect_error(400, "invalid_grant");
    let tokens = block_on(callback.exchange());
    block_on(callback.exchange().send()).expect_error(400, "invalid_grant");
    block_on(client.refresh(tokens.refresh_token.as_deref().unwrap()).send()).expect_error(400, "invalid_grant");
}

#[test]
fn a_page_of_the_hosts_own_can_take_the_users_part() {
    let server = TestServer::new();
    let authorize = server.client().public().authorize();
    let address = block_on(authorize.path_and_query());
    let reply = block_on(server.send(Request::get(address).body("").unwrap())).expect_status(303);
    assert!(reply.header("location").unwrap().starts_with("/signin?next="));
    let page = block_on(authorize.clone());
    let location = block_on(page.approve().send()).header("location").unwrap().to_owned();
    block_on(authorize.callback(&location).exchange());
}

#[test]
fn what_goes_wrong_is_told_with_its_place_and_no_secret() {
    let client = TestServer::new().client().public();
    let line = line!() + 1;
    let told = failure(async { client.authorize().approve().exchange().with("code_verifier", "w".repeat(43)).await });
    let expected = format!("at {}:{line}:", file!());
    assert!(told.starts_with(&expected), "{told} does not begin with {expected}");
    assert!(told.contains("the exchange was answered by 400 Bad Request: {\"error\":\"invalid_grant\""), "{told}");

    let told = failure(client.authorize().without("code_challenge").approve().exchange());
    assert!(
        told.contains("the authorization request was answered by 303 See Other, to https://app.example/"),
        "{told}"
    );
    assert!(told.contains("error=invalid_request"), "{told}");
    let told = failure(client.authorize().approve().session([1; 32]));
    assert!(told.contains("the approval was answered by 403 Forbidden: This request cannot be answered"), "{told}");
    let told = failure(client.authorize().anonymous());
    assert!(told.contains("the authorization request was answered by 303 See Other, to /signin?next="), "{told}");
}

#[test]
#[should_panic(expected = "the authorization response is refused: the state is another")]
fn an_answer_to_another_request_is_refused() {
    let client = TestServer::new().client().public();
    let callback = block_on(client.authorize().approve());
    let _ = client.authorize().callback(callback.location());
}

#[test]
#[should_panic(expected = "the authorization response is refused: the issuer is another")]
fn an_answer_of_another_server_is_refused() {
    let client = TestServer::new().client().public();
    let authorize = client.authorize();
    let callback = block_on(authorize.clone().approve());
    let _ = authorize.callback(&callback.location().replace("as.test", "evil.test"));
}

#[test]
fn nothing_secret_is_printed() {
    let server = TestServer::new();
    let client = server.client().confidential().secret("marker");
    let client = client.configure(|client| {
        let secret = crate::client::SecretAuthentication::new(SecretHash::of("marker"));
        client.with_authentication(crate::client::ClientAuthentication::Secret(secret))
    });
    let page = block_on(client.authorize());
    let callback = block_on(page.approve());
    let exchange = callback.exchange();
    let printed = format!("{server:?} {client:?} {page:?} {callback:?} {exchange:?}");
    let tokens = block_on(exchange);
    let printed = format!("{printed} {tokens:?} {:?} {:?} {:?}", tokens.refresh(), tokens.call(), client.authorize());
    let refresh = tokens.refresh_token.as_deref().unwrap();
    for secret in ["marker", page.consent_token(), callback.code(), &tokens.access_token, refresh] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn what_a_test_begins_with_is_not_recorded_and_does_not_fail() {
    let store = RecordingStore::new(MemoryStore::new());
    let client = TestServer::on(store.clone()).client().public();
    let callback = block_on(client.authorize().approve());
    assert_eq!(store.take_calls(), ["find_client", "find_client", "insert_code"]);
    block_on(callback.exchange());
    assert_eq!(store.take_calls(), ["find_client", "find_code", "exchange_code"]);

    let store = FaultyStore::new(MemoryStore::new());
    let client = TestServer::on(store.clone()).client().confidential();
    store.break_down();
    block_on(client.client_credentials().send()).expect_error(503, "temporarily_unavailable");
    store.repair();
    block_on(client.client_credentials());
}

#[test]
fn a_client_that_was_deleted_stays_deleted() {
    let server = TestServer::new();
    let client = server.client().confidential();
    block_on(client.client_credentials());
    let _ = block_on(server.server().delete_client(client.client().id())).unwrap();
    block_on(client.client_credentials().send()).expect_error(401, "invalid_client");
}

#[test]
fn a_server_of_the_callers_own_configuration_is_driven_alike() {
    let store = Arc::new(MemoryStore::new());
    let app = Client::public("board".parse().unwrap()).with_redirect_uri("https://board.example/cb".parse().unwrap());
    let _ = block_on(store.insert_client(&app)).unwrap();
    let stores = Stores::new(store.clone(), store);
    let server = TestServer::of(stores, |stores| {
        AuthorizationServer::builder("https://links.example".parse().unwrap(), stores)
            .scope("links:read", "See your links")
            .scope("links:write", "Create links for you")
    });
    let tokens = block_on(server.client().existing(app).authorize().approve().exchange());
    assert_eq!(tokens.scope, "links:read links:write");
    assert_eq!(block_on(tokens.call()).status(), 200);
    let told = failure(server.client().public().authorize());
    assert!(told.contains("these stores have no registry"), "{told}");
}

#[test]
fn what_is_no_registration_and_no_bearer_token_is_refused() {
    let rules = RegistrationRules::new();
    let server = TestServer::with(|builder| {
        builder.registration(Registration::Guarded { initial_tokens: vec![SecretHash::of("initial")], rules })
    });
    let register = || server.register(json!({ "redirect_uris": ["https://self.test/cb"] }));
    let told = failure(register());
    assert!(told.contains("the registration was answered by 401 Unauthorized"), "{told}");
    let client = block_on(register().header("Authorization", "Bearer initial"));
    let token = client.registration_token().unwrap();
    let manage =
        Request::get(format!("/oauth/register/{}", client.id())).header("authorization", format!("Bearer {token}"));
    assert_eq!(block_on(server.send(manage.body("").unwrap())).json()["client_id"], client.id());
    assert_eq!(block_on(server.call("nonsense")).status(), 401);
    assert_eq!(block_on(server.call("nonsense").header("Authorization", "Basic eDp5")).status(), 401);
}

#[test]
fn a_client_can_be_configured_until_it_is_registered() {
    let client = TestServer::new().client().public();
    let codes_only = |client: Client| client.with_grant_types([GrantType::AuthorizationCode]);
    let client = client.configure(codes_only);
    assert_eq!(block_on(client.authorize().approve().exchange()).refresh_token, None);
    let told = catch_unwind(AssertUnwindSafe(|| client.configure(codes_only).id().len())).is_err();
    assert!(told);
}
