//! The API: what a token opens, and what it is told otherwise.

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{ADA, App, Browser, Example, Reply, http_client};

/// A token of Ada's with this scope.
async fn token(example: &Example, scope: &str) -> String {
    let mut browser = Browser::signed_in(example, ADA).await;
    App::public(example).await.connect(&mut browser, scope).await.access
}

async fn get(example: &Example, path: &str, authorization: Option<&str>) -> Reply {
    let request = http_client().get(example.url(path));
    let request = authorization.iter().fold(request, |request, value| request.header("authorization", *value));
    Reply::of(request.send().await.unwrap()).await
}

async fn post(example: &Example, token: &str, media_type: Option<&str>, body: impl Into<reqwest::Body>) -> Reply {
    let request = http_client().post(example.url("/api/v1/links")).bearer_auth(token).body(body);
    let request = media_type.iter().fold(request, |request, value| request.header("content-type", *value));
    Reply::of(request.send().await.unwrap()).await
}

/// The parameters of a challenge whose first scheme is Bearer, each quoted and at most once.
#[track_caller]
fn challenge(reply: &Reply) -> Vec<(String, String)> {
    let header = reply.header("www-authenticate").expect("a challenge");
    let parameters = header.strip_prefix("Bearer ").unwrap_or_else(|| panic!("{header}"));
    let mut found: Vec<(String, String)> = Vec::new();
    for parameter in parameters.split("\",") {
        let (name, value) = parameter.trim().split_once("=\"").unwrap_or_else(|| panic!("{header}"));
        let value = value.strip_suffix('"').unwrap_or(value);
        assert!(value.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{header}");
        assert!(found.iter().all(|(own, _)| own != name), "{name} occurs twice in {header}");
        found.push((name.to_owned(), value.to_owned()));
    }
    found
}

#[track_caller]
fn parameter(reply: &Reply, name: &str) -> Option<String> {
    challenge(reply).into_iter().find(|(own, _)| own == name).map(|(_, value)| value)
}

#[tokio::test]
async fn any_token_learns_whom_it_acts_for() {
    let example = Example::shared();
    let token = token(&example, "stats:read").await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let reply = get(&example, "/api/v1/me", Some(&format!("{scheme} {token}"))).await.expect(200);
        assert_eq!(reply.json(), json!({ "username": ADA.username, "name": ADA.name }));
    }
}

#[tokio::test]
async fn an_app_that_acts_for_itself_has_no_links() {
    let example = Example::shared();
    let app = App::confidential(&example).await;
    let form = [("grant_type", "client_credentials"), ("scope", "links:read links:write stats:read")];
    let reply = app.token(&form).await.expect(200);
    assert!(reply.json().get("refresh_token").is_none());
    let token = reply.text("access_token");
    assert_eq!(app.call("/me", &token).await.expect(200).json(), json!({ "client_id": app.id }));
    for path in ["/links", "/stats"] {
        app.call(path, &token).await.expect(403);
    }
    post(&example, &token, Some("application/json"), r#"{"url":"https://example.com/"}"#).await.expect(403);
}

#[tokio::test]
async fn a_link_that_is_made_is_listed_and_leads_on_and_its_visits_are_counted() {
    let example = Example::start();
    let token = token(&example, "links:read links:write stats:read").await;
    let api = App::known(&example, "demo", "");
    let before = api.call("/stats", &token).await.expect(200).json();

    let url = "https://example.com/a%20long/path?with=parameters&and=more#part";
    let body = json!({ "url": url }).to_string();
    let made = post(&example, &token, Some("application/json"), body).await.expect(201).json();
    assert_eq!((&made["url"], &made["visits"]), (&json!(url), &json!(0)));
    let slug = made["slug"].as_str().unwrap();
    assert_eq!(made["short_url"], example.url(&format!("/{slug}")));
    let listed = api.call("/links", &token).await.expect(200).json();
    assert!(listed["links"].as_array().unwrap().contains(&made), "{listed}");

    let followed = get(&example, &format!("/{slug}"), None).await;
    assert!(followed.status.is_redirection() && followed.status != 301 && followed.status != 308, "{followed:?}");
    assert_eq!(followed.header("location"), Some(url));
    // A look is not a visit.
    let look = http_client().head(example.url(&format!("/{slug}"))).send().await.unwrap();
    let look = Reply::of(look).await.expect(followed.status.as_u16());
    assert_eq!(look.header("location"), Some(url));
    let after = api.call("/stats", &token).await.expect(200).json();
    let count = |stats: &Value, what: &str| stats[what].as_i64().unwrap();
    assert_eq!(count(&after, "links"), count(&before, "links") + 1);
    assert_eq!(count(&after, "visits"), count(&before, "visits") + 1);
    for nowhere in ["/zzzzzz", "/notes/", "/NOTES", "/%00", "/a%2Fb"] {
        get(&example, nowhere, None).await.expect_error_page(404);
    }
}

#[tokio::test]
async fn each_scope_opens_its_own_part_and_a_403_says_what_is_missing() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    let link = r#"{"url":"https://example.com/"}"#;
    for held in ["links:read", "links:write", "stats:read"] {
        let token = app.connect(&mut browser, held).await.access;
        for (needed, reply) in [
            ("links:read", app.call("/links", &token).await),
            ("links:write", post(&example, &token, Some("application/json"), link).await),
            ("stats:read", app.call("/stats", &token).await),
        ] {
            if needed == held {
                assert!(reply.status.is_success(), "{held}: {reply:?}");
                continue;
            }
            let reply = reply.expect_error(403, "insufficient_scope");
            assert_eq!(parameter(&reply, "error").as_deref(), Some("insufficient_scope"));
            assert_eq!(parameter(&reply, "scope").as_deref(), Some(needed));
            let metadata = example.url("/.well-known/oauth-protected-resource");
            assert_eq!(parameter(&reply, "resource_metadata"), Some(metadata));
        }
    }
}

#[tokio::test]
async fn without_a_token_the_challenge_leads_to_the_metadata_and_blames_nobody() {
    let example = Example::shared();
    let metadata = example.url("/.well-known/oauth-protected-resource");
    for path in ["/api/v1/me", "/api/v1/links", "/api/v1/stats", "/api/v1/me?access_token=x"] {
        for authorization in [None, Some("Basic YTpi")] {
            let reply = get(&example, path, authorization).await.expect(401);
            assert_eq!(parameter(&reply, "resource_metadata").as_ref(), Some(&metadata), "{path} {authorization:?}");
            assert_eq!(parameter(&reply, "error"), None);
        }
    }
    // And the metadata leads to the server (RFC 9728 §3.3: the resource it is about is the one that was asked).
    let document: Value = http_client().get(&metadata).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["resource"], example.origin());
    assert_eq!(document["authorization_servers"], json!([example.origin()]));
}

#[tokio::test]
async fn what_is_no_access_token_is_refused_by_name() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let app = App::confidential(&example).await;
    let (code, verifier) = app.code(&mut browser, "links:read").await;
    let (unspent, _) = app.code(&mut browser, "links:read").await;
    let tokens = super::support::Tokens::of(&app.exchange(&code, &verifier).await);
    let mut flipped = tokens.access.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for text in [
        "xyz",
        &tokens.refresh,
        &code,
        &unspent,
        app.secret.as_deref().unwrap(),
        &tokens.access[..tokens.access.len() - 1],
        &tokens.access.to_uppercase(),
        &flipped,
    ] {
        let reply =
            get(&example, "/api/v1/me", Some(&format!("Bearer {text}"))).await.expect_error(401, "invalid_token");
        assert_eq!(parameter(&reply, "error").as_deref(), Some("invalid_token"), "{text}");
        assert!(!reply.body.contains(text), "{reply:?}");
    }
    // Two tokens are no better than none, even if both are right.
    let both = http_client().get(example.url("/api/v1/me")).bearer_auth(&tokens.access).bearer_auth(&tokens.access);
    let reply = Reply::of(both.send().await.unwrap()).await.expect(400);
    assert_eq!(parameter(&reply, "error").as_deref(), Some("invalid_request"));
    // In the query it counts as absent.
    get(&example, &format!("/api/v1/me?access_token={}", tokens.access), None).await.expect(401);
    app.call("/me", &tokens.access).await.expect(200);
}

#[tokio::test]
async fn a_body_that_is_no_link_gets_an_error_of_its_kind() {
    let example = Example::start();
    let token = token(&example, "links:read links:write").await;
    let api = App::known(&example, "demo", "");
    let count = async || api.call("/links", &token).await.json()["links"].as_array().unwrap().len();
    let before = count().await;
    let json_type = Some("application/json");
    for (media_type, body, status) in [
        (json_type, String::new(), 400),
        (json_type, "{".to_owned(), 400),
        (json_type, "[]".to_owned(), 400),
        (json_type, "{}".to_owned(), 400),
        (json_type, r#"{"url":5}"#.to_owned(), 400),
        (json_type, r#"{"url":null}"#.to_owned(), 400),
        (json_type, r#"{"url":""}"#.to_owned(), 400),
        (json_type, r#"{"url":"example.com"}"#.to_owned(), 400),
        (json_type, r#"{"url":"javascript:alert(1)"}"#.to_owned(), 400),
        (json_type, r#"{"url":"https://"}"#.to_owned(), 400),
        (json_type, json!({ "url": format!("https://example.com/{}", "x".repeat(3_000)) }).to_string(), 400),
        (json_type, "[".repeat(5_000), 400),
        (json_type, json!({ "url": "x".repeat(1 << 20) }).to_string(), 413),
        (Some("text/plain"), r#"{"url":"https://example.com/"}"#.to_owned(), 415),
        (Some("application/x-www-form-urlencoded"), "url=https%3A%2F%2Fexample.com%2F".to_owned(), 415),
        (None, r#"{"url":"https://example.com/"}"#.to_owned(), 415),
    ] {
        let start: String = body.chars().take(60).collect();
        let reply = post(&example, &token, media_type, body).await;
        assert_eq!(reply.status.as_u16(), status, "{start}: {reply:?}");
        assert!(
            reply.json()["error"].is_string() && reply.json()["error_description"].is_string(),
            "{start}: {reply:?}"
        );
    }
    assert_eq!(count().await, before);
    // The type may have a parameter and any capitals.
    let reply =
        post(&example, &token, Some("Application/JSON; charset=utf-8"), r#"{"url":"https://example.com/"}"#).await;
    reply.expect(201);
}

#[tokio::test]
async fn what_the_api_does_not_have_is_said_in_json() {
    let example = Example::shared();
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/me/", "/api/v1/links/1"] {
        let reply = get(&example, path, None).await.expect(404);
        assert!(reply.json()["error"].is_string(), "{reply:?}");
    }
    for (method, path) in [(Method::DELETE, "/api/v1/me"), (Method::POST, "/api/v1/me"), (Method::PUT, "/api/v1/links")]
    {
        let reply = http_client().request(method, example.url(path)).send().await.unwrap();
        let reply = Reply::of(reply).await.expect(405);
        assert!(reply.header("allow").is_some_and(|allowed| allowed.contains("GET")), "{reply:?}");
        assert!(reply.json()["error"].is_string(), "{reply:?}");
    }
}

#[tokio::test]
async fn a_web_page_anywhere_may_call_the_api_with_a_token_and_read_the_challenge() {
    let example = Example::shared();
    let origin = ("origin", "https://app.example");
    let preflight = http_client()
        .request(Method::OPTIONS, example.url("/api/v1/links"))
        .header(origin.0, origin.1)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization, content-type");
    let reply = Reply::of(preflight.send().await.unwrap()).await;
    assert!(reply.status.is_success(), "{reply:?}");
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    let allowed = reply.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
    assert!(allowed.contains("authorization") && allowed.contains("content-type"), "{allowed}");
    assert!(reply.header("access-control-allow-methods").unwrap().contains("POST"));

    // What a page asks about besides is answered too, or it could not tell a method that is missing from a server that is down.
    let asked = "accept, authorization, content-type, dpop, mcp-protocol-version";
    for (method, headers) in [("POST", asked), ("PUT", "authorization"), ("DELETE", "x-nobody-knows")] {
        let preflight = http_client()
            .request(Method::OPTIONS, example.url("/api/v1/links"))
            .header(origin.0, origin.1)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", headers);
        let reply = Reply::of(preflight.send().await.unwrap()).await;
        assert!(reply.status.is_success(), "{method}: {reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
        let allowed = reply.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        let allows = |name: &str| allowed.split(',').any(|own| own.trim() == name);
        assert!(method == "DELETE" || headers.split(", ").all(allows), "{method}: {allowed}");
    }
    let put = http_client().put(example.url("/api/v1/links")).header(origin.0, origin.1).send().await.unwrap();
    assert_eq!((put.status().as_u16(), &put.headers()["access-control-allow-origin"]), (405, &"*".parse().unwrap()));

    for path in ["/api/v1/me", "/api/v1/nothing"] {
        let reply = http_client().get(example.url(path)).header(origin.0, origin.1).send().await.unwrap();
        assert_eq!(reply.headers()["access-control-allow-origin"], "*");
        let exposed = reply.headers()["access-control-expose-headers"].to_str().unwrap().to_ascii_lowercase();
        assert!(exposed.contains("www-authenticate") && exposed.contains("retry-after"), "{exposed}");
        assert!(!reply.headers().contains_key("access-control-allow-credentials"));
    }
}
