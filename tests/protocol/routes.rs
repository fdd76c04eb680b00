//! Which paths lead to the server, and what is there.

use std::sync::Arc;

use grantor::configuration::{Registration, RegistrationRules};
use grantor::secret::SecretHash;
use grantor::store::MemoryStore;
use grantor::{AuthorizationServer, Issuer};
use http::{Method, Request};

use crate::metadata::{PATH, get};
use crate::support::{Answer, Setup};

// META-016, DCR: a feature that is off has neither an endpoint nor a route.
#[tokio::test]
async fn registrations_are_taken_managed_and_routed_exactly_where_clients_may_register() {
    let rules = RegistrationRules::new;
    let guarded = Registration::Guarded { initial_tokens: vec![SecretHash::of("initial")], rules: rules() };
    for (registration, there) in [(Registration::Closed, false), (Registration::Open(rules()), true), (guarded, true)] {
        let setup = Setup::memory_with(|builder| builder.registration(registration.clone())).await;
        let post = |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
            setup.send(request.body("{}".to_owned()).unwrap())
        };
        assert_eq!(post(Method::POST, "/oauth/register").await.status == 404, !there, "{registration:?}");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            assert_eq!(post(method, "/oauth/register/pub").await.status == 404, !there, "{registration:?}");
        }
        let routes = setup.server.endpoints();
        assert_eq!(routes.iter().any(|route| route.path() == "/oauth/register"), there, "{registration:?}");
    }
}

// MCP-002: where the oldest clients look that ask for no metadata.
#[tokio::test]
async fn unless_the_operator_says_otherwise_the_endpoints_are_at_the_root_under_their_usual_names() {
    let issuer = Issuer::parse("https://as.test").unwrap();
    let builder = AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new()));
    let server = builder.registration(Registration::Open(RegistrationRules::new())).build().unwrap();
    let document = get(&server, PATH).await.json;
    assert_eq!(document["authorization_endpoint"], "https://as.test/authorize");
    for (member, path, content_type, error) in [
        ("token_endpoint", "/token", "application/x-www-form-urlencoded", "invalid_request"),
        ("registration_endpoint", "/register", "application/json", "invalid_redirect_uri"),
    ] {
        assert_eq!(document[member], format!("https://as.test{path}"));
        let body = if path == "/token" { "" } else { "{}" };
        let request = Request::post(path).header("content-type", content_type).body(body.to_owned()).unwrap();
        Answer::from(server.handle(request).await).expect_error(400, error);
    }
}

#[tokio::test]
async fn a_route_stands_for_its_path_as_it_was_sent_and_no_other() {
    let setup = Setup::memory_with(|builder| builder.registration(Registration::Open(RegistrationRules::new()))).await;
    let routes = setup.server.endpoints();
    let is_routed = |path: &str| routes.iter().any(|route| route.matches(path));
    for path in [
        "/oauth/token",
        "/oauth/register",
        "/oauth/register/",
        "/oauth/register/pub",
        "/oauth/register/a%2Fb",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/tenant",
    ] {
        assert!(is_routed(path), "{path}");
    }
    for path in [
        "/oauth/token/",
        "//oauth/token",
        "/oauth/%74oken",
        "/OAUTH/TOKEN",
        "/oauth/registers",
        "/oauth",
        "/oauth/authorize",
        "",
    ] {
        assert!(!is_routed(path), "{path}");
    }
}

// META-003, CORS-005: whoever looks for an OpenID provider first is led on, a script in a browser too.
#[tokio::test]
async fn every_place_where_openid_metadata_would_be_is_routed() {
    for (issuer, appended) in [("https://as.test", None), ("https://as.test/a/b", Some("/a/b"))] {
        let builder = AuthorizationServer::builder(Issuer::parse(issuer).unwrap(), Arc::new(MemoryStore::new()));
        let server = builder.build().unwrap();
        let path = appended.unwrap_or_default();
        let places =
            [format!("/.well-known/openid-configuration{path}"), format!("{path}/.well-known/openid-configuration")];
        for place in places {
            let routes = server.endpoints().into_iter().filter(|route| route.matches(&place));
            assert_eq!(routes.count(), 1, "{issuer}: {place}");
            let answer = get(&server, &place).await;
            assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (404, Some("*")));
        }
    }
}
