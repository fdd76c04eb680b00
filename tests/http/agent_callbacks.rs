//! Where agents of today have themselves answered: each registers, is shown to the person, and is led to byte by byte.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::support::{ADA, App, Browser, Example, Reply, http_client};

/// The services that take clients which nobody registered.
const OPEN: [&str; 2] = ["snip", "clyk"];

/// What the page says of the place where the answer goes.
const SITE: &str = "Your answer is sent to claude.ai";
const HERE: &str = "which is this computer";

async fn register(example: &Example, redirect_uris: &[&str]) -> Reply {
    // As editors register: neither `application_type` nor a scope.
    let metadata = json!({
        "client_name": "Agent", "redirect_uris": redirect_uris, "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    Reply::of(http_client().post(example.url("/oauth/register")).json(&metadata).send().await.unwrap()).await
}

/// The ports that an operating system hands out to a client that listens for its answer (RFC 6335 §6).
fn free_port() -> u16 {
    rand::random::<u16>() | 0xC000
}

fn words(page: &Reply) -> String {
    page.texts("main").join(" ")
}

// MCP-030, MCP-016, NAT-009, NAT-014, CLI-055, CLI-056, CLI-057
#[tokio::test]
async fn the_callbacks_of_hosted_and_local_agents_register_are_shown_and_bring_tokens() {
    let [registered, other] = [free_port(), free_port()].map(|port| format!("http://127.0.0.1:{port}/callback"));
    let (cursor, vs_code) = ("opens cursor: addresses", "opens vscode: addresses");
    // What is registered, where the answer is asked for, and what the page says of that.
    let callbacks = [
        ("https://claude.ai/api/mcp/auth_callback", "https://claude.ai/api/mcp/auth_callback", SITE),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback", cursor),
        ("http://localhost:8787/callback", "http://localhost:8787/callback", HERE),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:33418/", HERE),
        (
            "vscode://vscode.github-authentication/did-authenticate",
            "vscode://vscode.github-authentication/did-authenticate",
            vs_code,
        ),
        (&*registered, &*registered, HERE),
        (&*registered, &*other, HERE),
        ("http://127.0.0.1/callback", &*other, HERE),
    ];
    for service in OPEN {
        let example = Example::start_with(&[("--service", service)]);
        let mut ada = Browser::signed_in(&example, ADA).await;
        for (uri, asked, shown) in callbacks {
            let client = register(&example, &[uri]).await.expect(201);
            assert_eq!(client.json()["redirect_uris"], json!([uri]), "{service}");
            let app = App::known(&example, &client.text("client_id"), asked);

            let request = app.request("links:read");
            let page = ada.get(&request.path).await.expect(200);
            for expected in ["Unverified app", shown] {
                assert!(words(&page).contains(expected), "{service} {uri}: {expected} is not in: {}", words(&page));
            }
            let decided = ada.submit(&page.form("/oauth/authorize").press("decision", "approve")).await;
            assert!(matches!(decided.status, StatusCode::FOUND | StatusCode::SEE_OTHER), "{decided:?}");
            let answer = decided.answer_to(asked);
            assert_eq!(answer.get("state"), Some(request.state.as_str()), "{service} {uri}");
            assert_eq!(answer.get("iss"), Some(example.origin().as_str()), "{service} {uri}");
            let tokens = app.exchange(answer.code(), &request.verifier).await.expect(200);
            app.call("/links", &tokens.text("access_token")).await.expect(200);

            // On a person's own machine any program can pass for this one, so the answer is never given unasked.
            if shown != SITE {
                ada.get(&app.request("links:read").path).await.expect(200).form("/oauth/authorize");
            }
        }
    }
}

// MCP-030: who denies sends an error to the same place.
#[tokio::test]
async fn a_person_who_denies_is_led_to_the_editor_with_an_error() {
    let uri = "cursor://anysphere.cursor-mcp/oauth/callback";
    for service in OPEN {
        let example = Example::start_with(&[("--service", service)]);
        let client = register(&example, &[uri]).await.expect(201).text("client_id");
        let request = App::known(&example, &client, uri).request("links:read");
        let mut ada = Browser::signed_in(&example, ADA).await;
        let page = ada.get(&request.path).await.expect(200);
        let answer = ada.submit(&page.form("/oauth/authorize").press("decision", "deny")).await.answer_to(uri);
        assert_eq!((answer.error(), answer.get("state")), ("access_denied", Some(request.state.as_str())));
    }
}

// MCP-016, NAT-008, D12, RURI-009, DCR-020
#[tokio::test]
async fn no_other_scheme_without_a_dot_is_registered_or_led_to() {
    for service in OPEN {
        let example = Example::start_with(&[("--service", service)]);
        let known = "cursor://anysphere.cursor-mcp/oauth/callback";
        for uri in [
            "myapp:/cb",
            "myapp://callback",
            "cursor2://anysphere.cursor-mcp/oauth/callback",
            "vscodium://x/cb",
            "http://evil.example/cb",
            "javascript:alert(1)",
            "vbscript:x",
            "data:text/html,x",
            "file:///etc/passwd",
            "intent://x#Intent;scheme=cursor;end",
            "cursor://anysphere.cursor-mcp/oauth/callback#x",
            "cursor://user@anysphere.cursor-mcp/oauth/callback",
        ] {
            for uris in [&[uri][..], &[known, uri]] {
                register(&example, uris).await.expect_error(400, "invalid_redirect_uri");
            }
        }
        // Of those that are, each is exactly what was registered.
        let client = register(&example, &[known]).await.expect(201).text("client_id");
        let mut ada = Browser::signed_in(&example, ADA).await;
        for asked in [
            "cursor://anysphere.cursor-mcp/oauth/callback/",
            "cursor://anysphere.cursor-mcp/oauth/callback?x=1",
            "cursor://anysphere.cursor-mcp:1/oauth/callback",
            "CURSOR://anysphere.cursor-mcp/oauth/callback",
            "cursor:/oauth/callback",
            "vscode://anysphere.cursor-mcp/oauth/callback",
            "myapp:/cb",
        ] {
            ada.get(&App::known(&example, &client, asked).request("links:read").path).await.expect_error_page(400);
        }
        // A scheme that is a name turned round is somebody's own (RFC 8252 §7.1).
        let told: Value = register(&example, &["com.example.app:/cb"]).await.expect(201).json();
        assert_eq!(told["redirect_uris"], json!(["com.example.app:/cb"]), "{service}");
    }
}
