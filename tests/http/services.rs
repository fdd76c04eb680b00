//! The services that the shortener can be run as: each at its own addresses, with its own scopes and answers.

use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::reply::Reply;
use super::support::{ADA, App, Browser, Example, example, http_client};

/// Name, authorization endpoint, token endpoint, where the API begins, whether clients register themselves.
const SERVICES: [(&str, &str, &str, &str, bool); 6] = [
    ("snip", "/oauth/authorize", "/oauth/token", "/api/v1", true),
    ("linkkit", "/oauth/authorize", "/oauth/token", "/v1", false),
    ("clyk", "/oauth/authorize", "/oauth/token", "/api/v1", true),
    ("trimlink", "/app/authorize", "/api/oauth/token", "/api/1.0", false),
    ("kit", "/v4/oauth/authorize", "/v4/oauth/token", "/v4", false),
    ("klink", "/oauth/authorize", "/oauth/token", "/api/v1", false),
];

async fn answer(request: RequestBuilder) -> Reply {
    Reply::of(request.send().await.unwrap()).await
}

/// The answer of the token endpoint to the client of [`clients_file`], whom Ada let in.
async fn token_response(example: &Example, authorize: &str, token: &str, scope: &str) -> Reply {
    let mut ada = Browser::signed_in(example, ADA).await;
    let app = App::known(example, "known", "https://app.example/cb");
    let request = app.request(scope);
    let path = request.path.replacen("/oauth/authorize", authorize, 1);
    let form = ada.get(&path).await.expect(200).form(authorize).press("decision", "approve");
    let back = ada.submit(&form).await.answer_to(&app.redirect_uri);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "known"),
        ("redirect_uri", app.redirect_uri.as_str()),
        ("code", back.code()),
        ("code_verifier", request.verifier.as_str()),
    ];
    answer(http_client().post(example.url(token)).form(&form)).await
}

/// A client that is known beforehand.
fn clients_file() -> (TempDir, String) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("clients.json");
    let clients = json!([{
        "client_id": "known",
        "client_name": "Known",
        "redirect_uris": ["https://app.example/cb"],
        "token_endpoint_auth_method": "none",
    }]);
    std::fs::write(&file, clients.to_string()).unwrap();
    let name = file.display().to_string();
    (directory, name)
}

fn start(service: &str, clients: &str) -> Example {
    Example::start_with(&[("--service", service), ("CLIENTS", clients)])
}

#[tokio::test]
async fn each_service_is_where_its_documentation_says_and_an_app_comes_through_to_its_api() {
    for (service, authorize, token, api, open) in SERVICES {
        let example = Example::start_with(&[("--service", service)]);
        let metadata = answer(http_client().get(example.url("/.well-known/oauth-authorization-server"))).await;
        let metadata: Value = serde_json::from_str(&metadata.expect(200).body).unwrap();
        assert_eq!(metadata["authorization_endpoint"], example.url(authorize), "{service}");
        assert_eq!(metadata["token_endpoint"], example.url(token), "{service}");
        assert_eq!(metadata.get("registration_endpoint").is_some(), open, "{service}");

        let mut ada = Browser::signed_in(&example, ADA).await;
        let connect = ada.get("/demo").await.form("/demo/connect");
        let away = ada.submit(&connect).await;
        let request = away.redirect().strip_prefix(&example.origin()).unwrap().to_owned();
        assert!(request.starts_with(&format!("{authorize}?")), "{service}: {request}");
        let form = ada.visit(&request).await.form(authorize).press("decision", "approve");
        let back = ada.submit(&form).await;
        let page = ada.visit(back.redirect().strip_prefix(&example.origin()).unwrap()).await.expect(200);
        let calls = page.texts("article h3");
        assert!(!calls.is_empty(), "{service}");
        assert!(calls.iter().all(|call| call.contains("200 OK")), "{service}: {calls:?}");
        for path in ["/", "/connected", "/developers"] {
            ada.get(path).await.expect(200);
        }
        let nothing = answer(http_client().get(example.url(&format!("{api}/nothing")))).await;
        nothing.expect_error(404, "not_found");
    }
}

#[tokio::test]
async fn linkkit_tells_errors_as_slugs_and_lists_links() {
    let (_directory, clients) = clients_file();
    let example = start("linkkit", &clients);
    let form = [("grant_type", "authorization_code"), ("client_id", "known"), ("code", "x"), ("redirect_uri", "y")];
    let reply = answer(http_client().post(example.url("/oauth/token")).form(&form)).await;
    assert_eq!(reply.expect_error(400, "invalid_grant").json()["error_description"], "code_invalid_or_expired");
    let tokens = token_response(&example, "/oauth/authorize", "/oauth/token", "links:read").await.expect(200);
    assert_eq!(tokens.json()["expires_in"], 3600);
    let links = http_client().get(example.url("/v1/links")).bearer_auth(tokens.text("access_token"));
    assert_eq!(answer(links).await.expect(200).json()["links"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn clyk_signs_in_at_its_own_path_and_its_tokens_live_until_they_are_revoked() {
    let (_directory, clients) = clients_file();
    let example = start("clyk", &clients);
    let app = App::known(&example, "known", "https://app.example/cb");
    let request = app.request("links:read");
    let mut browser = Browser::new(&example);
    let sign_in = browser.get(&request.path).await;
    assert!(sign_in.redirect().starts_with("/auth/signin?"), "{sign_in:?}");
    let page = browser.get(sign_in.redirect()).await.expect(200);
    let form = page.form("/auth/signin").with("username", ADA.username).with("password", ADA.password);
    assert_eq!(browser.submit(&form).await.redirect(), request.path);

    let tokens = token_response(&example, "/oauth/authorize", "/oauth/token", "links:read").await.expect(200);
    assert!(tokens.text("access_token").starts_with("clyk_live_"), "{tokens:?}");
    assert!(tokens.json().get("expires_in").is_none(), "{tokens:?}");
    let metadata = json!({
        "client_name": "Agent", "redirect_uris": ["https://agent.example/cb"], "token_endpoint_auth_method": "none",
    });
    let registered = answer(http_client().post(example.url("/oauth/register")).json(&metadata)).await.expect(201);
    assert!(registered.text("client_id").starts_with("clyk_oauth_"), "{registered:?}");
    // The service knows no workspaces, so none can be chosen.
    let consent = browser.get(&app.request_with("links:read", &[("prompt", "consent")]).path).await;
    assert_eq!(consent.form("/oauth/authorize").values("workspace").count(), 0);
}

#[tokio::test]
async fn trimlink_tells_what_is_malformed_from_what_is_invalid() {
    let (_directory, clients) = clients_file();
    let example = start("trimlink", &clients);
    let tokens = token_response(&example, "/app/authorize", "/api/oauth/token", "*").await.expect(200);
    assert_eq!(tokens.json()["expires_in"], 31_536_000);
    let access = tokens.text("access_token");
    let url = example.url("/api/1.0/short-urls/");
    let post = |body: &'static str| {
        let request = http_client().post(&url).bearer_auth(&access).header("content-type", "application/json");
        answer(request.body(body))
    };
    post("{").await.expect(400);
    post(r#"{"url":"ftp://files.example/"}"#).await.expect_error(422, "validation_failed");
    post(r#"{"url":"https://example.com/"}"#).await.expect(201);
    let list = |path: &str| answer(http_client().get(example.url(path)).bearer_auth(&access));
    let count = |reply: Reply| reply.expect(200).json()["data"].as_array().map(Vec::len);
    assert_eq!(count(list("/api/1.0/short-urls/list-all-short-urls").await), Some(4));
    let users: Value = list("/api/1.0/users/list-all-users").await.expect(200).json();
    assert_eq!(users["data"][0]["name"], ADA.name);
    list("/api/1.0/nothing").await.expect_error(404, "not_found");
    answer(http_client().get(example.url("/api/1.0/domains/list-all-domains"))).await.expect(401);
}

#[test]
fn a_service_that_does_not_exist_is_refused_with_those_that_do() {
    let directory = TempDir::new().unwrap();
    for arguments in [&["--service", "nosuch"][..], &["--service=nosuch"], &["--service"], &["--nosuch"]] {
        let output = example::command(directory.path()).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code().is_some_and(|code| code != 0), "{arguments:?}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{arguments:?}: {said}");
        assert!(said.contains("--service") && said.contains("linkkit"), "{said}");
    }
}

#[tokio::test]
async fn only_the_owner_of_a_workspace_registers_apps_with_trimlink() {
    let example = Example::start_with(&[("--service", "trimlink")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = ada.get("/developers").await.form("/developers").with("name", "Mine");
    let form = form.with("redirect_uris", "https://app.example/cb");
    for wrong in ["", "battery staple"] {
        let refused = ada.submit(&form.clone().with("password", wrong)).await.expect(422);
        assert!(refused.texts("[role=alert]").join(" ").contains("password"), "{refused:?}");
        assert!(!refused.body.contains(&format!("value=\"{}\"", ADA.password)));
    }
    let form = form.with("password", ADA.password);
    ada.submit(&form).await.expect(200);
    example.run_sql("UPDATE memberships SET role = 'member'");
    let refused = ada.submit(&form).await.expect(422);
    assert!(refused.texts("[role=alert]").join(" ").contains("owner"), "{refused:?}");
}
