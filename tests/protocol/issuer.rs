//! The issuer: in every authorization response, and the same everywhere (RFC 9207).

use grantor::configuration::{EndpointPaths, ProtectedResource};
use grantor::{Approval, AuthorizationServer, AuthorizeAnswer, Issuer, Stores, Visitor};
use http::Request;
use serde_json::Value;

use crate::browser::value;
use crate::support::{Answer, Setup, parameters, redirect_uri};

/// The same stores and clients under another issuer.
fn issued_by(setup: &Setup, issuer: &str) -> AuthorizationServer {
    let stores = Stores::new(setup.registry.clone(), setup.grants.clone()).with_registry(setup.registry.clone());
    AuthorizationServer::builder(Issuer::parse(issuer).unwrap(), stores)
        .scope("read", "Read your things")
        .resource(ProtectedResource::new("https://api.test/one".parse().unwrap()))
        .paths(EndpointPaths::under("/oauth"))
        .clock(setup.clock.clone())
        .build()
        .unwrap()
}

async fn metadata(server: &AuthorizationServer, path: &str) -> Value {
    let answer: Answer = server.handle(Request::get(path).body(String::new()).unwrap()).await.into();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json
}

on_both_stores! {
    // ISS-001, ISS-002, ISS-003, ARESP-004, AERR-011, META-018, ATK-001, CLI-003, CLI-028
    async fn every_response_carries_the_issuer_of_the_metadata_byte_for_byte(setup) {
        for (issuer, path) in [
            ("https://as.test", "/.well-known/oauth-authorization-server"),
            ("https://as.test/tenant1", "/.well-known/oauth-authorization-server/tenant1"),
            ("https://as.test:8443/a/b", "/.well-known/oauth-authorization-server/a/b"),
            ("http://127.0.0.1:3000", "/.well-known/oauth-authorization-server"),
        ] {
            let server = issued_by(&setup, issuer);
            let metadata = metadata(&server, path).await;
            assert_eq!(metadata["issuer"], issuer);
            assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);

            let request = setup.request("pub");
            let pending = server.authorize(&request.encode()).await.unwrap();
            let token = setup.consent_token(&pending);
            let granted = pending.confirm(&setup.session, &setup.alice, &token).unwrap();
            let granted = server.approve(granted, Approval::all()).await.unwrap();

            let pending = server.authorize(&request.encode()).await.unwrap();
            let token = setup.consent_token(&pending);
            let denied = server.deny(pending.confirm(&setup.session, &setup.alice, &token).unwrap()).await.unwrap();

            let refused = server.authorize(&request.set("scope", "bogus").encode()).await.unwrap_err();
            let AuthorizeAnswer::Redirect(refused) = refused.answer(Visitor::Anonymous) else { panic!("a page") };

            for response in [granted, denied, refused] {
                let pairs = parameters(response.location(), redirect_uri("pub"));
                assert_eq!(value(&pairs, "iss"), Some(issuer), "{response:?}");
            }
        }
    }

    // ISS-001, UI-019
    async fn the_way_onward_from_a_page_carries_the_issuer_too(setup) {
        let error = setup.pending(&setup.request("self").set("scope", "bogus")).await.unwrap_err();
        let AuthorizeAnswer::Page(page) = error.answer(Visitor::Anonymous) else { panic!("a redirect") };
        let pairs = parameters(page.continue_to().unwrap(), redirect_uri("self"));
        assert_eq!(value(&pairs, "iss"), Some("https://as.test"));
    }

    // BCP-005: introspection names the same issuer.
    async fn introspection_names_the_issuer(setup) {
        let tokens = setup.tokens("web").await;
        let form = setup.identify("web", crate::support::Form::of(&[("token", tokens.text("access_token"))]));
        let answer = setup.post("/oauth/introspect", &form, None).await.expect_ok();
        assert_eq!(answer.text("iss"), "https://as.test");
    }

    // HTTP-014, HTTP-015
    async fn host_and_forwarding_headers_change_nothing(setup) {
        let path = "/.well-known/oauth-authorization-server";
        let plain = setup.send(Request::get(path).body(String::new()).unwrap()).await;
        let mut request = Request::get(path);
        for (name, value) in [
            ("host", "evil.test"),
            ("x-forwarded-host", "evil.test"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-prefix", "/evil"),
            ("forwarded", "host=evil.test;proto=http"),
            ("x-original-url", "/evil"),
        ] {
            request = request.header(name, value);
        }
        let answer = setup.send(request.body(String::new()).unwrap()).await;
        assert_eq!((answer.status, &answer.body), (plain.status, &plain.body));
        let absolute =
            Request::get("https://evil.test/.well-known/oauth-authorization-server").body(String::new()).unwrap();
        assert_eq!(setup.send(absolute).await.body, plain.body);
    }
}

// ISS-004, HTTP-001, META-005
#[test]
fn an_issuer_is_https_or_loopback_and_nothing_but_origin_and_path() {
    for issuer in [
        "https://as.test",
        "https://as.test/tenant1",
        "https://as.test:8443",
        "http://127.0.0.1:3000",
        "http://[::1]:1",
        "http://localhost:1",
    ] {
        assert_eq!(Issuer::parse(issuer).expect(issuer).as_str(), issuer);
    }
    for issuer in [
        "http://as.test",
        "http://10.0.0.1",
        "http://localhost.evil.test",
        "http://127.0.0.1.evil.test",
        "https://as.test?x=1",
        "https://as.test?",
        "https://as.test#x",
        "https://as.test#",
        "https://as.test/",
        "https://as.test/tenant1/",
        "https://user@as.test",
        "https://as.test:443",
        "https://AS.test",
        "https:as.test",
        "https://",
        "as.test",
        "//as.test",
        "ftp://as.test",
        "urn:as",
        "https://as.test/a b",
        "https://as.test/a/../b",
        " https://as.test",
        "",
    ] {
        assert!(Issuer::parse(issuer).is_err(), "{issuer:?}");
    }
}
