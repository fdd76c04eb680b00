//! Protected resource metadata (RFC 9728) of the APIs on the server's own origin.

use std::sync::Arc;

use grantor::configuration::{ConfigurationError, ProtectedResource};
use grantor::store::MemoryStore;
use http::{HeaderMap, Method, Request};
use serde_json::{Value, json};

use crate::metadata::get;
use crate::support::Setup;

const PATH: &str = "/.well-known/oauth-protected-resource";

fn resource(uri: &str) -> ProtectedResource {
    ProtectedResource::new(uri.parse().unwrap())
}

/// The fixture with these resources of its own origin as well.
async fn with(uris: &[&str]) -> Setup {
    Setup::memory_with(|builder| uris.iter().fold(builder, |builder, uri| builder.resource(resource(uri)))).await
}

async fn document(setup: &Setup, path: &str) -> Value {
    let answer = get(&setup.server, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json
}

// PRM-001, PRM-003, PRM-004, PRM-005
#[tokio::test]
async fn the_well_known_part_goes_between_host_and_path_of_the_resource() {
    let setup =
        with(&["https://as.test/mcp", "https://as.test/a/b", "https://as.test/slash/", "https://as.test/%7Ex"]).await;
    for path in ["/mcp", "/a/b", "/slash/", "/%7Ex"] {
        let answer = get(&setup.server, &format!("{PATH}{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(answer.json["resource"], format!("https://as.test{path}"), "{path}");
    }
}

// PRM-001, PRM-004: the slash behind the host goes, and the spelling stays.
#[tokio::test]
async fn a_resource_that_is_the_whole_host_is_at_the_root() {
    for uri in ["https://as.test", "https://as.test/"] {
        let setup = with(&[uri]).await;
        assert_eq!(document(&setup, PATH).await["resource"], uri);
        assert_eq!(get(&setup.server, &format!("{PATH}/")).await.status, 404, "{uri}");
    }
}

// PRM-001, PRM-004
#[tokio::test]
async fn two_resources_that_differ_in_a_slash_have_two_documents() {
    let setup = with(&["https://as.test/one", "https://as.test/one/"]).await;
    for path in ["/one", "/one/"] {
        assert_eq!(document(&setup, &format!("{PATH}{path}")).await["resource"], format!("https://as.test{path}"));
    }
}

// PRM-001, PRM-005: the query of an identifier is part of where its document is.
#[tokio::test]
async fn a_query_of_the_resource_is_kept_where_a_challenge_points_to() {
    let issuer = grantor::Issuer::parse("https://as.test").unwrap();
    let builder = grantor::AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new()));
    let server = builder.resource(resource("https://as.test/mcp?tenant=a")).build().unwrap();
    let challenge = server.resource_server().verify(&HeaderMap::new()).await.unwrap_err().challenge();
    let expected = "resource_metadata=\"https://as.test/.well-known/oauth-protected-resource/mcp?tenant=a\"";
    assert!(challenge.contains(expected), "{challenge}");
    let document = get(&server, &format!("{PATH}/mcp?tenant=a")).await.json;
    assert_eq!(document["resource"], "https://as.test/mcp?tenant=a");
}

// PRM-002
#[tokio::test]
async fn the_only_resource_of_the_host_is_at_the_root_as_well() {
    let setup = with(&["https://as.test/mcp"]).await;
    let (own, root) = (document(&setup, &format!("{PATH}/mcp")).await, document(&setup, PATH).await);
    assert_eq!((&own, &own["resource"]), (&root, &json!("https://as.test/mcp")));
    // With two, the root would have to choose.
    let setup = with(&["https://as.test/mcp", "https://as.test/api"]).await;
    assert_eq!(get(&setup.server, PATH).await.status, 404);
}

// PRM-007
#[test]
fn a_resource_is_https_or_loopback_and_has_no_fragment() {
    for uri in ["https://api.test/#a", "https://api.test#", "/relative", "api.test", "https://user@api.test"] {
        assert!(uri.parse::<grantor::resource::ResourceIndicator>().is_err(), "{uri}");
    }
}

// PRM-007
#[tokio::test]
async fn a_server_is_not_built_for_a_resource_that_is_not_secure() {
    let build = |uri: &str| {
        let issuer = grantor::Issuer::parse("https://as.test").unwrap();
        grantor::AuthorizationServer::builder(issuer, Arc::new(MemoryStore::new())).resource(resource(uri)).build()
    };
    for uri in ["http://api.test", "http://10.0.0.1/x", "ftp://api.test/x", "urn:example:api"] {
        assert!(matches!(build(uri), Err(ConfigurationError::Resource(_))), "{uri}");
    }
    for uri in ["https://api.test", "http://127.0.0.1:3000/api", "http://localhost/api"] {
        assert!(build(uri).is_ok(), "{uri}");
    }
    // Loopback is for tests, so beside an issuer that is not it is not passed over.
    let findings = build("http://127.0.0.1:3000/api").unwrap().check().await;
    let told =
        |finding: &grantor::Finding| matches!(finding, grantor::Finding::ForeignResource(uri) if uri.contains("127"));
    assert!(findings.iter().any(told), "{findings:?}");
}

// PRM-016, CLI-012: an API elsewhere serves its own document.
#[tokio::test]
async fn a_resource_that_is_not_served_here_is_a_404() {
    let setup = with(&["https://as.test/mcp", "https://as.test/api"]).await;
    for path in ["", "/", "/nope", "/one", "/two", "/mcp/", "/mcp/x", "/MCP", "/m", "//mcp", "/%6Dcp"] {
        let answer = get(&setup.server, &format!("{PATH}{path}")).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    }
}

// PRM-003, PRM-014, HTTP-022
#[tokio::test]
async fn the_document_is_read_by_anybody_with_get_or_head() {
    let setup = with(&["https://as.test/mcp"]).await;
    let send = |method: Method| {
        let request = Request::builder().method(method).uri(format!("{PATH}/mcp")).header("origin", "https://any.test");
        setup.send(request.body(String::new()).unwrap())
    };
    for method in [Method::GET, Method::HEAD] {
        let answer = send(method.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("access-control-allow-origin")),
            (200, Some("*")),
            "{method}"
        );
    }
    assert_eq!(send(Method::OPTIONS).await.status, 204);
    let answer = send(Method::POST).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET, HEAD")));
}
