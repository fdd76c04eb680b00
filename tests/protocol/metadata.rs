//! Authorization server metadata (RFC 8414): where it is, and that it says what is so.

use std::sync::Arc;

use grantor::client::{Client, GrantType};
use grantor::policy::RefreshPolicy;
use grantor::secret::SecretHash;
use grantor::store::MemoryStore;
use grantor::{AuthorizationServer, Issuer};
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, SECRET, Setup};

pub const PATH: &str = "/.well-known/oauth-authorization-server";

pub async fn get(server: &AuthorizationServer, path: &str) -> Answer {
    server.handle(Request::get(path).body(String::new()).unwrap()).await.into()
}

/// The document of the fixture's server.
pub async fn document(setup: &Setup) -> Value {
    let answer = get(&setup.server, PATH).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json
}

/// `META-009`, `PRM-008`, `HTTP-019`: nothing is empty or null, at any depth.
#[track_caller]
pub fn expect_filled(value: &Value) {
    match value {
        Value::Null => panic!("null"),
        Value::String(text) => assert!(!text.is_empty(), "an empty string"),
        Value::Array(list) => {
            assert!(!list.is_empty(), "an empty array");
            list.iter().for_each(expect_filled);
        }
        Value::Object(members) => members.values().for_each(expect_filled),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A server with nothing switched on.
fn bare(issuer: &str) -> AuthorizationServer {
    let issuer = Issuer::parse(issuer).unwrap();
    AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new()))
        .refresh_policy(RefreshPolicy::Never)
        .build()
        .unwrap()
}

// META-001, META-007, META-008, BCP-007, HTTP-001, CLI-024, CLI-027
#[tokio::test]
async fn the_document_is_json_at_the_well_known_place() {
    let setup = Setup::memory().await;
    let answer = get(&setup.server, PATH).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let document = answer.json.as_object().expect("a JSON object");
    assert_eq!(document["issuer"], "https://as.test");
    assert_eq!(document["response_types_supported"], json!(["code"]));
    for (member, url) in [
        ("authorization_endpoint", "https://as.test/oauth/authorize"),
        ("token_endpoint", "https://as.test/oauth/token"),
        ("revocation_endpoint", "https://as.test/oauth/revoke"),
        ("introspection_endpoint", "https://as.test/oauth/introspect"),
        ("registration_endpoint", "https://as.test/oauth/register"),
    ] {
        assert_eq!(document[member], url, "{member}");
    }
    let insecure: Vec<_> =
        document.values().filter(|value| value.as_str().is_some_and(|url| !url.starts_with("https://"))).collect();
    assert!(insecure.is_empty(), "{insecure:?}");
}

// META-002, META-004, META-006
#[tokio::test]
async fn the_well_known_part_goes_between_host_and_path_of_the_issuer() {
    for (issuer, path) in
        [("https://as.test", ""), ("https://as.test/tenant1", "/tenant1"), ("https://as.test/a/b", "/a/b")]
    {
        let server = bare(issuer);
        let answer = get(&server, &format!("{PATH}{path}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json["issuer"]), (200, &json!(issuer)), "{issuer}");
        for other in ["", "/tenant1", "/a/b", "/a", "/tenant1/", "/"] {
            if other != path {
                let answer = get(&server, &format!("{PATH}{other}")).await;
                assert_eq!(answer.status, 404, "{issuer} {other}");
            }
        }
        let appended = get(&server, &format!("{path}{PATH}x")).await;
        assert_eq!(appended.status, 404, "{issuer}");
    }
    let answer = get(&bare("https://as.test/tenant1"), "/tenant1/.well-known/oauth-authorization-server").await;
    assert_eq!(answer.status, 404, "appended instead of inserted");
}

// META-003, META-006, CLI-012, CLI-013, CLI-023: no half of an OpenID Connect document is published.
#[tokio::test]
async fn what_is_not_served_is_a_404_in_json() {
    let setup = Setup::memory().await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/tenant1",
        "/tenant1/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/nope",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/oauth-authorization-serve",
        "/.well-known/oauth-protected-resource/nope",
        "/.well-known/jwks.json",
        "/.well-known/",
        "/oauth/jwks",
        "/oauth/par",
        "/oauth/device",
        "/oauth/userinfo",
        "/",
    ] {
        let answer = get(&setup.server, path).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert!(answer.json["error"].is_string(), "{path}: {answer:?}");
    }
}

// META-009, HTTP-019
#[tokio::test]
async fn nothing_is_empty_or_null_whatever_is_switched_on() {
    let full = Setup::memory_with(|builder| {
        builder.resource(grantor::configuration::ProtectedResource::new("https://as.test/api".parse().unwrap()))
    })
    .await;
    for server in [&bare("https://as.test"), &full.server] {
        let answer = get(server, PATH).await;
        assert_eq!(answer.status, 200);
        expect_filled(&answer.json);
    }
    assert!(get(&bare("https://as.test"), PATH).await.json.get("scopes_supported").is_none());
}

// META-029
#[tokio::test]
async fn the_document_may_be_kept_for_a_while_and_asked_about() {
    let setup = Setup::memory().await;
    let first = get(&setup.server, PATH).await;
    let cache = first.header("cache-control").unwrap();
    assert!(cache.contains("public") && cache.contains("max-age="), "{cache}");
    assert!(!first.headers.contains_key("set-cookie"));
    let etag = first.header("etag").unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, "{etag}");
    let ask = |tag: String| setup.send(Request::get(PATH).header("if-none-match", tag).body(String::new()).unwrap());
    for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}"), "*".to_owned()] {
        let answer = ask(known.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (304, ""), "{known}");
        assert_eq!(
            (answer.header("etag"), answer.header("cache-control")),
            (Some(etag.as_str()), Some(cache)),
            "{known}"
        );
    }
    for unknown in ["\"x\"".to_owned(), etag.trim_matches('"').to_owned(), String::new()] {
        assert_eq!(ask(unknown.clone()).await.body, first.body, "{unknown}");
    }
    assert_ne!(get(&bare("https://as.test"), PATH).await.header("etag"), Some(etag.as_str()), "another document");
}

// META-031, HTTP-020
#[tokio::test]
async fn the_document_does_not_depend_on_who_asks_and_how() {
    let setup = Setup::memory().await;
    let first = get(&setup.server, PATH).await;
    for (name, value) in [
        ("accept", "text/html"),
        ("accept-language", "de"),
        ("cookie", "session=1"),
        ("authorization", "Bearer x"),
        ("origin", "null"),
    ] {
        let answer = setup.send(Request::get(PATH).header(name, value).body(String::new()).unwrap()).await;
        assert_eq!(
            (answer.status, &answer.body, &answer.headers),
            (first.status, &first.body, &first.headers),
            "{name}"
        );
    }
    for query in ["?a=b", "?issuer=https://evil.test", "?"] {
        assert_eq!(get(&setup.server, &format!("{PATH}{query}")).await.body, first.body, "{query}");
    }
}

// META-033, LOG-008
#[tokio::test]
async fn the_document_tells_no_secret_and_no_client() {
    let setup = Setup::memory().await;
    setup
        .add(
            Client::confidential("hidden-client".parse().unwrap(), SecretHash::of("hunter2"))
                .with_grant_types([GrantType::ClientCredentials]),
        )
        .await;
    let body = get(&setup.server, PATH).await.body;
    for secret in [SECRET, "hunter2", "hidden-client", "alice", "MemoryStore", "sqlite", "version"] {
        assert!(!body.contains(secret), "{secret}");
    }
}

// HTTP-022, HTTP-003
#[tokio::test]
async fn head_is_get_without_a_body_and_nothing_else_is_a_method() {
    let setup = Setup::memory().await;
    let send = |method: Method| setup.send(Request::builder().method(method).uri(PATH).body(String::new()).unwrap());
    let (get, head) = (send(Method::GET).await, send(Method::HEAD).await);
    assert_eq!((head.status, &head.headers, head.body.as_str()), (get.status, &get.headers, ""));
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = send(method.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{method}");
    }
}
