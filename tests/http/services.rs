//! The services that the shortener can be run as: each at its own addresses, with its own scopes and answers.

use reqwest::RequestBuilder;
use serde_json::Value;
use tempfile::TempDir;

use super::support::reply::Reply;
use super::support::{ADA, Browser, Example, example, http_client};

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
