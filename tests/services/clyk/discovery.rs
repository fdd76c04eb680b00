//! What a client learns before it asks for anything: the documents, and how to register.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::harness::dashboard::secret;
use super::super::harness::{Place, Service, expect_members, expect_refusal, text};
use super::super::support::{ADA, Browser};
use super::{REDIRECT_URI, SCOPES, SECOND_REDIRECT_URI, register, registration, start};

const SERVER_METADATA: &str = "/.well-known/oauth-authorization-server";
const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

scenarios! {
    both_discovery_documents_say_where_everything_is
    the_metadata_name_codes_alone_and_that_no_secret_is_needed
    the_dashboard_gives_no_secret_either
    a_registration_is_answered_with_exactly_the_documented_members
    no_registration_ever_gives_a_secret_or_refresh_tokens
    what_is_wrong_with_a_registration_is_told_as_rfc_7591_has_it
}

/// A document for programs, which any page may read and which has nothing empty in it (RFC 8414 §3.2, RFC 9728 §3.2).
async fn document(clyk: &Service, path: &str) -> Value {
    let reply = clyk.get(path, &[("origin", "https://any.example")]).await.expect(200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    let document: Value = serde_json::from_str(&reply.body).unwrap();
    let empty = |value: &Value| value.is_null() || *value == json!([]) || *value == json!("");
    assert!(document.as_object().unwrap().values().all(|value| !empty(value)), "{document}");
    document
}

async fn both_discovery_documents_say_where_everything_is(place: Place) {
    let clyk = start(place);
    let origin = clyk.example.origin();
    let set = |value: &Value| -> BTreeSet<String> {
        value.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap().to_owned()).collect()
    };
    let scopes: BTreeSet<String> = SCOPES.iter().map(ToString::to_string).collect();

    let server = document(&clyk, SERVER_METADATA).await;
    assert_eq!(server["issuer"], json!(origin));
    for (member, path) in [
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("registration_endpoint", "/oauth/register"),
    ] {
        assert_eq!(server[member], json!(clyk.url(path)));
    }
    assert_eq!(server["response_types_supported"], json!(["code"]));
    assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(server["authorization_response_iss_parameter_supported"], json!(true));
    assert_eq!(set(&server["scopes_supported"]), scopes);

    let resource = document(&clyk, RESOURCE_METADATA).await;
    assert_eq!(resource["authorization_servers"], json!([origin]));
    assert!(resource["resource"].as_str().unwrap().starts_with(&origin), "{resource}");
    assert_eq!(resource["bearer_methods_supported"], json!(["header"]));
    assert!(set(&resource["scopes_supported"]).is_subset(&scopes), "{resource}");
    // Which is where the API sends who has no token.
    let challenge = clyk.get("/api/v1/me", &[]).await.expect(401);
    let challenge = challenge.header("www-authenticate").unwrap();
    let metadata = format!("resource_metadata=\"{}\"", clyk.url(RESOURCE_METADATA));
    assert!(challenge.starts_with("Bearer ") && challenge.contains(&metadata), "{challenge}");
}

async fn the_metadata_name_codes_alone_and_that_no_secret_is_needed(place: Place) {
    let server = document(&start(place), SERVER_METADATA).await;
    assert_eq!(server["grant_types_supported"], json!(["authorization_code"]));
    let methods = server["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("none")), "{server}");
}

async fn the_dashboard_gives_no_secret_either(place: Place) {
    let clyk = start(place);
    let mut ada = Browser::signed_in(&clyk.example, ADA).await;
    let mut form = ada.get("/developers").await.expect(200).form("/developers");
    form.fields.retain(|(name, _)| !["name", "redirect_uris", "type"].contains(&name.as_str()));
    let wish = [("name", "Secretive"), ("redirect_uris", REDIRECT_URI), ("type", "confidential")];
    form.fields.extend(wish.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(secret(&ada.submit(&form).await), None);
}

async fn a_registration_is_answered_with_exactly_the_documented_members(place: Place) {
    let clyk = start(place);
    let documented = json!({
        "client_id": text("clyk_oauth_"),
        "client_name": "Agent",
        "redirect_uris": [REDIRECT_URI, SECOND_REDIRECT_URI],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    });
    let first = register(&clyk, &registration()).await.expect(201);
    expect_members(&first, documented.clone());
    let second = register(&clyk, &registration()).await.expect(201);
    expect_members(&second, documented);
    assert_ne!(first.text("client_id"), second.text("client_id"));

    // From a browser, too.
    let preflight = clyk.preflight("/oauth/register", "https://agent.example", "POST", "content-type").await;
    assert!(preflight.status.is_success(), "{preflight:?}");
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    let registered = clyk.json("/oauth/register", &[("origin", "https://agent.example")], &registration()).await;
    assert_eq!(registered.expect(201).header("access-control-allow-origin"), Some("*"));
}

async fn no_registration_ever_gives_a_secret_or_refresh_tokens(place: Place) {
    let clyk = start(place);
    for wish in [
        json!({ "token_endpoint_auth_method": "client_secret_basic" }),
        json!({ "token_endpoint_auth_method": "client_secret_post" }),
        json!({ "grant_types": ["authorization_code", "refresh_token"] }),
        json!({ "grant_types": ["client_credentials"], "redirect_uris": [] }),
        json!({ "client_id": "chosen", "client_secret": "chosen" }),
    ] {
        let mut document = registration();
        document.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
        // RFC 7591 lets the server replace what was asked for, and say so; or refuse it.
        let reply = register(&clyk, &document).await;
        if reply.status == 400 {
            let error = reply.text("error");
            assert!(["invalid_client_metadata", "invalid_redirect_uri"].contains(&error.as_str()), "{reply:?}");
            expect_refusal(reply, 400, &error);
            continue;
        }
        let reply = reply.expect(201);
        expect_members(
            &reply,
            json!({
                "client_id": text("clyk_oauth_"),
                "client_name": "Agent",
                "redirect_uris": [REDIRECT_URI, SECOND_REDIRECT_URI],
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code"],
                "response_types": ["code"],
            }),
        );
        assert_ne!(reply.text("client_id"), "chosen");
    }
}

async fn what_is_wrong_with_a_registration_is_told_as_rfc_7591_has_it(place: Place) {
    let clyk = start(place);
    for wrong in [
        json!({ "client_name": "Agent" }),
        json!({ "client_name": "Agent", "redirect_uris": [] }),
        json!({ "client_name": "Agent", "redirect_uris": [REDIRECT_URI, "http://agent.example/cb"] }),
        json!({ "client_name": "Agent", "redirect_uris": ["https://agent.example/cb#part"] }),
        json!({ "client_name": "Agent", "redirect_uris": ["javascript:alert(1)"] }),
    ] {
        expect_refusal(register(&clyk, &wrong).await, 400, "invalid_redirect_uri");
    }
    for wrong in [
        json!({ "client_name": 5, "redirect_uris": [REDIRECT_URI] }),
        json!({ "client_name": "Agent", "redirect_uris": REDIRECT_URI }),
        json!([registration()]),
        json!("agent"),
    ] {
        expect_refusal(register(&clyk, &wrong).await, 400, "invalid_client_metadata");
    }
    let malformed = clyk.body("/oauth/register", &[("content-type", "application/json")], "{\"client_name\":").await;
    expect_refusal(malformed, 400, "invalid_client_metadata");
    let form = clyk.form("/oauth/register", &[], &[("client_name", "Agent"), ("redirect_uris", REDIRECT_URI)]).await;
    assert!([400, 415].contains(&form.status.as_u16()) && form.json()["error"].is_string(), "{form:?}");
}
