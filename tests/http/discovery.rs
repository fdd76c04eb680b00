//! A client that knows nothing but the address of the API, as MCP clients do it, and how it manages what it registered.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::{ADA, App, Browser, Example, Reply, Tokens, http_client};

async fn json_at(url: &str) -> Value {
    let request =
        http_client().get(url).header("mcp-protocol-version", "2025-11-25").header("accept", "application/json");
    let reply = Reply::of(request.send().await.unwrap()).await.expect(200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    serde_json::from_str(&reply.body).unwrap()
}

fn text<'a>(document: &'a Value, member: &str) -> &'a str {
    document[member].as_str().unwrap_or_else(|| panic!("no {member} in {document}"))
}

// MCP-001, MCP-004, MCP-018, MCP-031, RI-010
#[tokio::test]
async fn from_the_address_of_the_api_a_client_finds_its_way_to_a_token() {
    let example = Example::shared();
    // It is refused, and told where to read about it.
    let refused = http_client().get(example.url("/api/v1/links")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    let (_, rest) = challenge.split_once("resource_metadata=\"").expect(challenge);
    let resource = json_at(rest.split_once('"').unwrap().0).await;
    let issuer = resource["authorization_servers"][0].as_str().unwrap();
    // The server is whom it claims to be (RFC 8414 §3.3), and offers what the client needs.
    let server = json_at(&format!("{issuer}/.well-known/oauth-authorization-server")).await;
    assert_eq!(text(&server, "issuer"), issuer);
    let offers = |member: &str, value: &str| server[member].as_array().unwrap().contains(&json!(value));
    assert!(offers("code_challenge_methods_supported", "S256") && offers("response_types_supported", "code"));
    assert!(
        offers("grant_types_supported", "refresh_token") && offers("token_endpoint_auth_methods_supported", "none")
    );
    assert_eq!(server["authorization_response_iss_parameter_supported"], true);

    let metadata = json!({
        "client_name": "Agent", "redirect_uris": ["http://127.0.0.1:33418/"], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    let registered = http_client().post(text(&server, "registration_endpoint")).json(&metadata).send().await.unwrap();
    let registered = Reply::of(registered).await.expect(201).json();
    for (member, value) in metadata.as_object().unwrap() {
        assert_eq!(registered[member], *value, "{member}");
    }

    // As TypeScript writes a URL: with a slash that the metadata does not have.
    let asked = format!("{}/", text(&resource, "resource"));
    let app = App::known(&example, text(&registered, "client_id"), "http://127.0.0.1:33418/");
    let request = app.request_with("links:read stats:read", &[("resource", &asked)]);
    assert!(example.url(&request.path).starts_with(text(&server, "authorization_endpoint")));
    let mut browser = Browser::signed_in(&example, ADA).await;
    let form = browser.get(&request.path).await.form("/oauth/authorize").press("decision", "approve");
    let answer = browser.submit(&form).await.answer_to(&app.redirect_uri);
    assert_eq!(answer.get("iss"), Some(issuer));
    let token_endpoint = text(&server, "token_endpoint");
    let token = async |form: &[(&str, &str)]| {
        let form = [form, &[("client_id", app.id.as_str()), ("resource", &asked)]].concat();
        Reply::of(http_client().post(token_endpoint).form(&form).send().await.unwrap()).await
    };
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", answer.code()),
        ("code_verifier", &request.verifier),
        ("redirect_uri", &app.redirect_uri),
    ];
    let tokens = Tokens::of(&token(&exchange).await);
    app.call("/links", &tokens.access).await.expect(200);
    let tokens = Tokens::of(&token(&[("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)]).await);
    app.call("/stats", &tokens.access).await.expect(200);
}

#[tokio::test]
async fn a_token_for_the_api_of_somebody_else_is_not_given() {
    let example = Example::shared();
    let app = App::public(&example).await;
    let mut browser = Browser::signed_in(&example, ADA).await;
    let request = app.request_with("links:read", &[("resource", "https://other.example")]);
    assert_eq!(browser.get(&request.path).await.answer_to(&app.redirect_uri).error(), "invalid_target");
    let tokens = app.connect(&mut browser, "links:read").await;
    let form =
        [("grant_type", "refresh_token"), ("refresh_token", &*tokens.refresh), ("resource", "https://other.example")];
    app.token(&form).await.expect_error(400, "invalid_target");
    Tokens::of(&app.refresh(&tokens.refresh).await);
}

#[tokio::test]
async fn a_client_that_tries_the_header_first_and_then_the_body_succeeds() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    // Go's library probes: Basic first, even without a secret, then the same in the body.
    let public = App::public(&example).await;
    let (code, verifier) = public.code(&mut browser, "links:read").await;
    let probe = public.clone().with_secret(Some("")).exchange(&code, &verifier).await;
    if probe.status != 200 {
        Tokens::of(&public.exchange(&code, &verifier).await);
    }
    let confidential = App::confidential(&example).await;
    let (code, verifier) = confidential.code(&mut browser, "links:read").await;
    confidential
        .clone()
        .with_secret(Some("wrong"))
        .exchange(&code, &verifier)
        .await
        .expect_error(401, "invalid_client");
    confidential.clone().with_secret(None).exchange(&code, &verifier).await.expect_error(401, "invalid_client");
    let tokens = Tokens::of(&confidential.exchange(&code, &verifier).await);
    confidential.call("/links", &tokens.access).await.expect(200);
}

/// A registration, and what it takes to manage it (RFC 7592).
struct Registration {
    document: Value,
}

impl Registration {
    async fn new(example: &Example) -> Self {
        let metadata = json!({
            "client_name": "Managed", "redirect_uris": ["https://managed.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
        });
        let reply = http_client().post(example.url("/oauth/register")).json(&metadata).send().await.unwrap();
        Self { document: Reply::of(reply).await.expect(201).json() }
    }

    async fn send(&self, method: Method, token: &str, body: Option<&Value>) -> Reply {
        let request = http_client().request(method, text(&self.document, "registration_client_uri")).bearer_auth(token);
        let request = body.iter().fold(request, |request, body| request.json(body));
        Reply::of(request.send().await.unwrap()).await
    }

    fn token(&self) -> &str {
        text(&self.document, "registration_access_token")
    }
}

#[tokio::test]
async fn a_client_reads_and_replaces_its_registration_and_nobody_else_does() {
    let example = Example::shared();
    let (own, other) = (Registration::new(&example).await, Registration::new(&example).await);
    let read = own.send(Method::GET, own.token(), None).await.expect(200).json();
    assert_eq!(read["client_name"], "Managed");
    let replaced = json!({
        "client_id": own.document["client_id"], "redirect_uris": ["https://moved.example/cb"],
        "token_endpoint_auth_method": "none",
    });
    for (token, method) in [(other.token(), Method::GET), ("garbage", Method::PUT), (other.token(), Method::DELETE)] {
        own.send(method, token, Some(&replaced)).await.expect_error(401, "invalid_token");
    }
    let after = own.send(Method::PUT, own.token(), Some(&replaced)).await.expect(200).json();
    assert_eq!(after["redirect_uris"], replaced["redirect_uris"]);
    // A replacement is whole: what it leaves out is gone.
    assert!(after.get("client_name").is_none_or(|name| name != "Managed"), "{after}");

    let mut browser = Browser::signed_in(&example, ADA).await;
    let id = text(&own.document, "client_id");
    let before = App::known(&example, id, "https://managed.example/cb");
    browser.get(&before.request("links:read").path).await.expect_error_page(400);
    let moved = App::known(&example, id, "https://moved.example/cb");
    browser.get(&moved.request("links:read").path).await.form("/oauth/authorize");
    // Its token opens nothing else.
    moved.call("/me", own.token()).await.expect_error(401, "invalid_token");
}

#[tokio::test]
async fn a_client_that_deletes_itself_takes_its_tokens_along() {
    let example = Example::shared();
    let own = Registration::new(&example).await;
    let app = App::known(&example, text(&own.document, "client_id"), "https://managed.example/cb");
    let mut browser = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut browser, "links:read").await;

    let gone = own.send(Method::DELETE, own.token(), None).await.expect(204);
    assert!(gone.body.is_empty());
    app.call("/links", &tokens.access).await.expect_error(401, "invalid_token");
    app.refresh(&tokens.refresh).await.expect_error(401, "invalid_client");
    browser.get(&app.request("links:read").path).await.expect_error_page(400);
    own.send(Method::GET, own.token(), None).await.expect_error(401, "invalid_token");
}
