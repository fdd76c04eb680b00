//! What the metadata advertises works, and what it does not advertise does not exist.

use std::sync::Arc;

use grantor::configuration::{EndpointPaths, Registration, RegistrationRules};
use grantor::policy::RefreshPolicy;
use grantor::secret::SecretHash;
use grantor::store::MemoryStore;
use grantor::{AuthorizationServer, Issuer};
use http::{Method, Request};
use serde_json::json;

use crate::metadata::{document, get};
use crate::support::{Form, SECRET, Setup, basic};

// META-010
#[tokio::test]
async fn every_listed_grant_type_works_and_no_other() {
    let setup = Setup::memory().await;
    let mut listed: Vec<String> =
        serde_json::from_value(document(&setup).await["grant_types_supported"].clone()).unwrap();
    listed.sort_unstable();
    assert_eq!(listed, ["authorization_code", "client_credentials", "refresh_token"]);
    let tokens = setup.tokens("web").await;
    setup.token(&setup.refresh("web", tokens.text("refresh_token"))).await.expect_ok();
    let form = Form::of(&[("grant_type", "client_credentials"), ("scope", "read")]);
    setup.token(&setup.identify("svc", form)).await.expect_ok();
    for other in [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ] {
        let form = setup.identify("web", Form::of(&[("grant_type", other)]));
        setup.token(&form).await.expect_error(400, "unsupported_grant_type");
    }
}

// META-010, META-015
#[tokio::test]
async fn a_server_without_refresh_tokens_does_not_list_them() {
    let setup = Setup::memory_with(|builder| builder.refresh_policy(RefreshPolicy::Never)).await;
    let document = document(&setup).await;
    assert_eq!(document["grant_types_supported"], json!(["authorization_code", "client_credentials"]));
    assert_eq!(document["scopes_supported"], json!(["read", "write", "admin"]));
    assert!(setup.tokens("web").await.json.get("refresh_token").is_none());
}

// META-011, META-012, META-017, CLI-016
#[tokio::test]
async fn every_listed_authentication_method_works_where_it_is_listed_and_no_other() {
    let setup = Setup::memory().await;
    let document = document(&setup).await;
    let all = json!(["none", "client_secret_basic", "client_secret_post"]);
    assert_eq!(document["token_endpoint_auth_methods_supported"], all);
    assert_eq!(document["revocation_endpoint_auth_methods_supported"], all);
    assert_eq!(
        document["introspection_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "client_secret_post"])
    );
    for endpoint in ["token", "revocation", "introspection"] {
        assert!(document.get(format!("{endpoint}_endpoint_auth_signing_alg_values_supported")).is_none(), "{endpoint}");
    }

    let assertion = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    for (path, none) in [("/oauth/revoke", true), ("/oauth/introspect", false)] {
        let by_header = Form::of(&[("token", "x")]);
        assert_eq!(setup.post(path, &by_header, Some(&basic("web", SECRET))).await.status, 200, "{path}");
        let by_body = by_header.clone().and("client_id", "web");
        assert_eq!(setup.post(path, &by_body.clone().and("client_secret", SECRET), None).await.status, 200, "{path}");
        let public = setup.post(path, &by_header.and("client_id", "pub"), None).await;
        assert_eq!(public.status, if none { 200 } else { 401 }, "{path}");
        let by_assertion = by_body.and(assertion.0, assertion.1).and("client_assertion", "e30.e30.x");
        setup.post(path, &by_assertion, None).await.expect_error(401, "invalid_client");
    }
    let tokens = setup.tokens("web").await;
    let refresh = Form::of(&[("grant_type", "refresh_token"), ("refresh_token", tokens.text("refresh_token"))]);
    let tokens = setup.post("/oauth/token", &refresh, Some(&basic("web", SECRET))).await.expect_ok();
    setup.token(&setup.refresh("web", tokens.text("refresh_token"))).await.expect_ok();
    setup.tokens("pub").await;
}

// META-012, META-016, META-019 to META-027, META-032, META-034
#[tokio::test]
async fn nothing_is_advertised_that_does_not_exist() {
    let setup = Setup::memory().await;
    let document = document(&setup).await;
    for member in [
        "authorization_details_types_supported",
        "authorization_grant_profiles_supported",
        "client_id_metadata_document_supported",
        "device_authorization_endpoint",
        "dpop_signing_alg_values_supported",
        "end_session_endpoint",
        "id_token_signing_alg_values_supported",
        "jwks_uri",
        "mtls_endpoint_aliases",
        "pushed_authorization_request_endpoint",
        "request_object_signing_alg_values_supported",
        "require_pushed_authorization_requests",
        "require_signed_request_object",
        "signed_metadata",
        "subject_types_supported",
        "tls_client_certificate_bound_access_tokens",
        "token_endpoint_auth_signing_alg_values_supported",
        "userinfo_endpoint",
    ] {
        assert!(document.get(member).is_none(), "{member}");
    }
}

// META-016, DCR: a feature that is off has neither a member nor an endpoint.
#[tokio::test]
async fn the_registration_endpoint_is_advertised_exactly_when_it_answers() {
    let rules = RegistrationRules::new;
    let guarded = Registration::Guarded { initial_tokens: vec![SecretHash::of("initial")], rules: rules() };
    for (registration, there) in [(Registration::Closed, false), (Registration::Open(rules()), true), (guarded, true)] {
        let setup = Setup::memory_with(|builder| builder.registration(registration.clone())).await;
        assert_eq!(document(&setup).await.get("registration_endpoint").is_some(), there, "{registration:?}");
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
    let document = get(&server, crate::metadata::PATH).await.json;
    assert_eq!(document["authorization_endpoint"], "https://as.test/authorize");
    for (member, path, content_type, error) in [
        ("token_endpoint", "/token", "application/x-www-form-urlencoded", "invalid_request"),
        ("registration_endpoint", "/register", "application/json", "invalid_redirect_uri"),
    ] {
        assert_eq!(document[member], format!("https://as.test{path}"));
        let body = if path == "/token" { "" } else { "{}" };
        let request = Request::post(path).header("content-type", content_type).body(body.to_owned()).unwrap();
        crate::support::Answer::from(server.handle(request).await).expect_error(400, error);
    }
}

// META-016
#[tokio::test]
async fn the_endpoints_are_where_the_operator_puts_them_and_nowhere_else() {
    let paths = EndpointPaths::under("/a").with_token("/t").with_authorize("/login/authorize");
    let setup = Setup::memory_with(|builder| builder.paths(paths.clone())).await;
    let document = document(&setup).await;
    assert_eq!(document["authorization_endpoint"], "https://as.test/login/authorize");
    assert_eq!(document["token_endpoint"], "https://as.test/t");
    assert_eq!(document["revocation_endpoint"], "https://as.test/a/revoke");
    let form = setup.exchange("pub", &setup.code("pub").await);
    assert_eq!(setup.post("/oauth/token", &form, None).await.status, 404);
    setup.post("/t", &form, None).await.expect_ok();
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
