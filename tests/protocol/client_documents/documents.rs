//! What a document must say, and what it must not.

use grantor::Visitor;
use grantor::client::ApplicationType;
use grantor::error::ErrorReason;
use grantor::redirect_uri::RedirectDestinations;
use serde_json::{Value, json};

use super::{CALLBACK, ID, World, document, with};
use crate::browser::page;
use crate::support::traces::Traces;

/// Why the server refuses what the site answers; its own word for it, and what the operator is told.
async fn refused(world: &World) -> (ErrorReason, String) {
    world.setup.clock.advance(std::time::Duration::from_mins(1));
    world.told.take();
    let page = page(&world.setup, &world.request().encode(), Visitor::SignedIn).await;
    assert_eq!(page.status().as_u16(), 400);
    let told = world.told.take();
    let event = told.iter().find(|event| event.starts_with("ClientDocumentRefused")).expect("an event");
    (page.reason(), event.clone())
}

/// The client that a document describes.
async fn described(document: &Value) -> grantor::Client {
    let world = World::new().await;
    world.site.publish(ID, document);
    world.setup.pending(&world.request()).await.unwrap().client().clone()
}

// CIMD-003, CIMD-004, AUTHZ-023
#[tokio::test]
async fn only_a_200_counts_and_redirects_are_not_followed() {
    let world = World::new().await;
    for status in [201, 202, 203, 204, 206, 300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 410, 429, 500, 503] {
        let headers = [("content-type", "application/json"), ("location", "https://elsewhere.test/meta.json")];
        world.site.answer(ID, status, &headers, document().to_string());
        let (reason, event) = refused(&world).await;
        assert_eq!(reason, ErrorReason::ClientDocumentUnavailable, "{status}");
        assert!(event.contains(&status.to_string()), "{event}");
    }
    world.site.vanish(ID);
    let (reason, event) = refused(&world).await;
    assert_eq!(reason, ErrorReason::ClientDocumentUnavailable);
    assert!(event.contains("TimedOut"), "{event}");
    assert!(world.site.take().iter().all(|url| url == ID));
}

// What the page does not say, the log does.
#[tokio::test]
async fn what_is_wrong_with_a_document_is_told_to_the_operator_with_its_whole_cause() {
    let traces = Traces::of_this_thread();
    let world = World::new().await;
    world.site.vanish(ID);
    assert_eq!(refused(&world).await.0, ErrorReason::ClientDocumentUnavailable);
    let events = traces.events();
    let event = events.iter().find(|event| event.fields.get("event") == Some("client_document_refused"));
    let event = event.expect("an event");
    let error = "there is no answer: the host took too long to answer";
    assert_eq!((event.fields.get("client"), event.fields.get("error")), (Some(ID), Some(error)));
    assert_eq!(event.fields.get("reason"), Some("client_document_unavailable"));

    // Each span says once whom it is about, also where a client was read and kept on the way.
    world.site.publish(ID, &document());
    world.setup.clock.advance(std::time::Duration::from_mins(1));
    traces.forget();
    world.tokens().await;
    let spans = traces.spans();
    assert!(spans.iter().all(|span| span.fields.get("client") == Some(ID)), "{spans:?}");
}

// CIMD-007
#[tokio::test]
async fn the_media_type_is_json() {
    let world = World::new().await;
    for media_type in [
        "text/html",
        "text/plain",
        "text/json",
        "application/javascript",
        "application/jsonx",
        "application/json5",
        "application/x-json",
        "image/svg+xml",
        "text/x+json",
        "application/",
        "",
    ] {
        world.site.answer(ID, 200, &[("content-type", media_type)], document().to_string());
        assert_eq!(refused(&world).await.0, ErrorReason::ClientDocumentMalformed, "{media_type}");
    }
    world.site.answer(ID, 200, &[], document().to_string());
    assert_eq!(refused(&world).await.0, ErrorReason::ClientDocumentMalformed, "none");
    let twice = [("content-type", "application/json"), ("content-type", "text/html")];
    world.site.answer(ID, 200, &twice, document().to_string());
    assert_eq!(refused(&world).await.0, ErrorReason::ClientDocumentMalformed, "twice");

    for media_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/json ;x=y",
        "application/client-metadata+json",
        "application/vnd.example+JSON",
    ] {
        let world = World::new().await;
        world.site.answer(ID, 200, &[("content-type", media_type)], document().to_string());
        assert!(world.setup.pending(&world.request()).await.is_ok(), "{media_type}");
    }
}

// CIMD-015
#[tokio::test]
async fn a_long_and_a_compressed_document_are_refused_whoever_fetched_them() {
    let world = World::new().await;
    let long = with("x", json!("x".repeat(grantor::cimd::MAX_DOCUMENT)));
    world.site.publish(ID, &long);
    let (reason, event) = refused(&world).await;
    assert!(reason == ErrorReason::ClientDocumentMalformed && event.contains("TooLarge"), "{event}");
    for encoding in ["gzip", "br", "deflate", "zstd", "x"] {
        world.site.publish_with(ID, &document(), "content-encoding", encoding);
        let (reason, event) = refused(&world).await;
        assert!(reason == ErrorReason::ClientDocumentMalformed && event.contains("Compressed"), "{event}");
    }
    world.setup.clock.advance(std::time::Duration::from_mins(1));
    world.site.publish_with(ID, &document(), "content-encoding", "identity");
    assert!(world.setup.pending(&world.request()).await.is_ok());
}

// CIMD-005
#[tokio::test]
async fn a_document_is_one_json_object_that_names_its_own_url() {
    let world = World::new().await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        "5",
        "\"x\"",
        "<html></html>",
        &format!("{}x", document()),
        &format!("\u{feff}{}", document()),
        &format!("[{}]", document()),
        &format!("{{\"client_id\":\"{ID}\",\"client_id\":\"{ID}\"}}"),
        &document().to_string().replacen('{', &format!("{{\"redirect_uris\":[\"{CALLBACK}\"],"), 1),
        &with("redirect_uris", json!(CALLBACK)).to_string(),
        &with("redirect_uris", json!([5])).to_string(),
        &with("client_name", json!({ "en": "Example" })).to_string(),
        &with("client_id", json!([ID])).to_string(),
        &format!("{{\"x\":{}1{}}}", "[".repeat(500), "]".repeat(500)),
    ] {
        world.site.answer(ID, 200, &[("content-type", "application/json")], body.to_owned());
        let (reason, event) = refused(&world).await;
        assert!(reason == ErrorReason::ClientDocumentMalformed && event.contains("Malformed"), "{body}: {event}");
    }
    for id in [
        json!("https://client.test/Meta.json"),
        json!("https://client.test/meta.json/"),
        json!("https://client.test/meta.json?"),
        json!("https://client.test/meta%2Ejson"),
        json!("https://CLIENT.test/meta.json"),
        json!("https://client.test:443/meta.json"),
        json!("https://other.test/meta.json"),
        json!("http://client.test/meta.json"),
        json!(format!(" {ID}")),
        json!(""),
        Value::Null,
    ] {
        world.site.publish(ID, &with("client_id", id.clone()));
        let (reason, event) = refused(&world).await;
        assert!(reason == ErrorReason::ClientDocumentMalformed && event.contains("OtherClient"), "{id}: {event}");
    }
}

// CIMD-006, MCP-014
#[tokio::test]
async fn a_document_without_a_name_or_without_redirect_uris_describes_no_client() {
    let world = World::new().await;
    for (member, value) in [
        ("client_name", Value::Null),
        ("client_name", json!("")),
        ("client_name", json!("  ")),
        ("client_name", json!("Goo\u{202E}gle")),
        ("client_name", json!("x".repeat(201))),
        ("redirect_uris", Value::Null),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!(["https://client.test/cb#x"])),
        ("redirect_uris", json!(["javascript:alert(1)"])),
        ("redirect_uris", json!([CALLBACK, "http://client.test/cb"])),
        ("redirect_uris", json!([CALLBACK, "https://*.client.test/cb"])),
        ("redirect_uris", json!(["cursor://anysphere.cursor-mcp/cb"])),
        ("redirect_uris", json!((0..21).map(|n| format!("https://client.test/{n}")).collect::<Vec<_>>())),
        ("grant_types", json!(["client_credentials"])),
        ("grant_types", json!(["urn:ietf:params:oauth:grant-type:device_code"])),
        ("response_types", json!(["token"])),
        ("logo_uri", json!("javascript:alert(1)")),
        ("client_uri", json!("data:text/html,x")),
        ("application_type", json!("toaster")),
        ("jwks", json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })),
    ] {
        world.site.publish(ID, &with(member, value.clone()));
        let (reason, event) = refused(&world).await;
        assert_eq!(reason, ErrorReason::ClientDocumentUnusable, "{member} {value}: {event}");
    }
}

// CIMD-008, CIMD-010
#[tokio::test]
async fn a_document_with_a_secret_or_another_way_to_authenticate_describes_no_client() {
    let world = World::new().await;
    for (member, value, problem) in [
        ("token_endpoint_auth_method", json!("client_secret_basic"), "SharedSecret"),
        ("token_endpoint_auth_method", json!("client_secret_post"), "SharedSecret"),
        ("token_endpoint_auth_method", json!("client_secret_jwt"), "SharedSecret"),
        ("client_secret", json!("hunter2"), "SharedSecret"),
        ("client_secret_expires_at", json!(0), "SharedSecret"),
        ("token_endpoint_auth_method", json!("private_key_jwt"), "AuthenticationMethod"),
        ("token_endpoint_auth_method", json!("tls_client_auth"), "AuthenticationMethod"),
        ("token_endpoint_auth_method", json!("None"), "AuthenticationMethod"),
    ] {
        world.site.publish(ID, &with(member, value.clone()));
        let (reason, event) = refused(&world).await;
        assert!(reason == ErrorReason::ClientDocumentUnusable && event.contains(problem), "{value}: {event}");
    }
}

// CIMD-009
#[tokio::test]
async fn a_document_that_names_no_method_is_of_a_public_client() {
    for value in [Value::Null, json!(""), json!("none")] {
        assert!(described(&with("token_endpoint_auth_method", value)).await.is_public());
    }
}

// ATK-082, CIMD-022: whatever URLs a client names, nothing is fetched but its document.
#[tokio::test]
async fn no_other_url_that_a_client_names_is_fetched() {
    let world = World::new().await;
    let inside = "https://169.254.169.254/latest/meta-data";
    let mut document = document();
    let mut registration = crate::registration::public();
    for member in [
        "jwks_uri",
        "logo_uri",
        "client_uri",
        "tos_uri",
        "policy_uri",
        "sector_identifier_uri",
        "backchannel_logout_uri",
        "initiate_login_uri",
    ] {
        document[member] = json!(inside);
        registration[member] = json!(inside);
    }
    document["request_uris"] = json!([inside]);
    world.site.publish(ID, &document);
    world.tokens().await;
    crate::registration::expect_registered(crate::registration::register(&world.setup, &registration).await);
    let by_reference = world.request().and("request_uri", inside);
    drop(world.setup.pending(&by_reference).await.unwrap_err());
    assert_eq!(world.site.take(), [ID]);
}

// What a client says of itself is known as of any that registered, and what has no meaning here is no harm.
#[tokio::test]
async fn what_else_a_document_says_is_kept_or_ignored() {
    let mut document = document();
    for (member, value) in [
        ("client_uri", json!("https://client.test/")),
        ("application_type", json!("web")),
        ("software_statement", json!("e30.e30.x")),
        ("jwks_uri", json!("https://client.test/jwks.json")),
        ("client_name#de", json!("Beispiel")),
        ("x", json!({ "deep": [[["x"]]] })),
        ("post_logout_redirect_uris", json!(["https://client.test/out"])),
    ] {
        document[member] = value;
    }
    let client = described(&document).await;
    assert_eq!((client.id().as_str(), client.display_name()), (ID, "Example"));
    assert_eq!(client.metadata().client_uri(), Some("https://client.test/"));
    assert_eq!(client.metadata().application_type(), Some(ApplicationType::Web));
    assert!(client.owner().is_none());
}

// What a document asks for is cut to what such clients may have, and what only others know is ignored.
#[tokio::test]
async fn a_scope_limits_the_client_as_far_as_it_means_this_server() {
    let scope = |client: &grantor::Client| client.scope().map(ToString::to_string);
    for (asked, limit) in [
        (Value::Null, Some("read write")),
        (json!("read"), Some("read")),
        (json!("read admin"), Some("read")),
        (json!("openid profile"), Some("read write")),
        (json!("admin"), Some("read write")),
        (json!("\"malformed\""), Some("read write")),
    ] {
        let world = World::with(|documents| documents.with_scope("read write".parse().unwrap())).await;
        world.site.publish(ID, &with("scope", asked.clone()));
        let client = world.setup.pending(&world.request()).await.unwrap().client().clone();
        assert_eq!(scope(&client).as_deref(), limit, "{asked}");
        let admin = world.setup.pending(&world.request().set("scope", "admin")).await.unwrap_err();
        assert_eq!(admin.reason(), ErrorReason::ScopeNotAllowed, "{asked}");
    }
}

// CIMD-011, CIMD-020: a document is for every server, so what one does not accept spoils nothing.
#[tokio::test]
async fn a_redirect_uri_that_the_operator_does_not_accept_counts_as_not_there() {
    let uris =
        json!([CALLBACK, "https://elsewhere.test/cb", "cursor://anysphere.cursor-mcp/cb", "http://127.0.0.1/cb"]);
    let same = |documents: grantor::cimd::ClientIdMetadataDocuments| {
        documents.with_redirect_origins(grantor::cimd::RedirectOrigins::SameOrigin)
    };
    let world = World::with(same).await;
    world.site.publish(ID, &with("redirect_uris", uris));
    let pending = world.setup.pending(&world.request()).await.unwrap();
    let accepted: Vec<_> =
        pending.client().redirect_uris().iter().map(grantor::redirect_uri::RedirectUri::as_str).collect();
    assert_eq!(accepted, [CALLBACK, "http://127.0.0.1/cb"]);
    for uri in ["https://elsewhere.test/cb", "cursor://anysphere.cursor-mcp/cb"] {
        let error = world.setup.pending(&world.request().set("redirect_uri", uri)).await.unwrap_err();
        assert_eq!(error.reason(), ErrorReason::RedirectUriUnregistered, "{uri}");
    }

    let world = World::with(same).await;
    world.site.publish(ID, &with("redirect_uris", json!(["https://elsewhere.test/cb"])));
    let (reason, event) = refused(&world).await;
    assert!(reason == ErrorReason::ClientDocumentUnusable && event.contains("NoRedirectUri"), "{event}");
}

// MCP-016: what the operator says of destinations holds for clients that nobody registered, too.
#[tokio::test]
async fn a_destination_that_the_operator_denies_counts_as_not_there() {
    let denying = |documents: grantor::cimd::ClientIdMetadataDocuments| {
        let evil = ["evil.test", "*.evil.test"].map(|pattern| pattern.parse().unwrap());
        documents.with_redirect_destinations(RedirectDestinations::new().denying(evil))
    };
    let world = World::with(denying).await;
    world.site.publish(ID, &with("redirect_uris", json!(["https://a.evil.test/cb", CALLBACK])));
    let request = world.request().set("redirect_uri", "https://a.evil.test/cb");
    let error = world.setup.pending(&request).await.unwrap_err();
    assert_eq!(error.reason(), ErrorReason::RedirectUriUnregistered);
    world.tokens().await;
}
