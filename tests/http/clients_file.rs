//! Clients that the operator knows beforehand: `CLIENTS=file.json`.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::raw::{self, form};
use super::support::reply::Reply;
use super::support::{ADA, App, Browser, Example, Tokens, http_client};

/// A file of clients, and the example that reads it.
struct Operated {
    file: PathBuf,
    example: Example,
    _directory: TempDir,
}

impl Operated {
    fn start(clients: &Value) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("clients.json");
        fs::write(&file, clients.to_string()).unwrap();
        let example = Example::start_with(&[("CLIENTS", file.to_str().unwrap())]);
        Self { file, example, _directory: directory }
    }

    async fn delete_links(&self, access_token: &str) -> Reply {
        let request = http_client().delete(self.example.url("/api/v1/links")).bearer_auth(access_token);
        Reply::of(request.send().await.unwrap()).await
    }

    fn restart(&mut self, clients: &Value) {
        fs::write(&self.file, clients.to_string()).unwrap();
        self.example.kill();
        self.example.restart_with(&[("CLIENTS", self.file.to_str().unwrap())]);
    }
}

fn public() -> Value {
    json!({
        "client_id": "viewer",
        "client_name": "Viewer",
        "redirect_uris": ["https://viewer.example/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

fn confidential(id: &str, secret: &str) -> Value {
    json!({
        "client_id": id,
        "client_secret": secret,
        "client_name": "Back Office",
        "redirect_uris": ["https://office.example/cb"],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    })
}

#[tokio::test]
async fn only_an_app_that_the_operator_knows_can_be_allowed_to_delete_links() {
    let clients = json!([confidential("cleaner", "a-secret-of-the-cleaner-with-32-bytes"), public()]);
    let operated = Operated::start(&clients);
    let mut ada = Browser::signed_in(&operated.example, ADA).await;

    let own = App::public(&operated.example).await;
    let request = own.request("links:read links:delete");
    assert_eq!(ada.get(&request.path).await.answer_to(&own.redirect_uri).error(), "invalid_scope");
    let tokens = own.connect(&mut ada, "links:write").await;
    operated.delete_links(&tokens.access).await.expect_error(403, "insufficient_scope");

    let cleaner = known(&operated.example, "cleaner", "a-secret-of-the-cleaner-with-32-bytes");
    let tokens = cleaner.connect(&mut ada, "links:read links:delete").await;
    let before = cleaner.call("/links", &tokens.access).await.expect(200).json()["links"].as_array().unwrap().len();
    assert_eq!(operated.delete_links(&tokens.access).await.expect(200).json(), json!({ "deleted": before }));
    assert_eq!(cleaner.call("/links", &tokens.access).await.expect(200).json(), json!({ "links": [] }));
}

const CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

fn known(example: &Example, id: &str, secret: &str) -> App {
    App::known(example, id, "https://office.example/cb").with_secret(Some(secret))
}

#[tokio::test]
async fn known_clients_work_and_nobody_is_warned_of_them() {
    let operated = Operated::start(&json!([public(), confidential("office", "a-secret-of-the-operator")]));
    let example = &operated.example;
    let mut browser = Browser::signed_in(example, ADA).await;
    let viewer = App::known(example, "viewer", "https://viewer.example/cb");
    let consent = browser.get(&viewer.request("links:read").path).await.texts("main").join(" ");
    assert!(consent.contains("Viewer") && !consent.contains("Unverified"), "{consent}");
    let tokens = viewer.connect(&mut browser, "links:read").await;
    viewer.call("/links", &tokens.access).await.expect(200);

    let office = known(example, "office", "a-secret-of-the-operator");
    let tokens = office.connect(&mut browser, "links:read stats:read").await;
    Tokens::of(&office.refresh(&tokens.refresh).await);
    office.token(&CREDENTIALS).await.expect(200);
    known(example, "office", "another").token(&CREDENTIALS).await.expect_error(401, "invalid_client");
    let anonymous = office.with_secret(None);
    anonymous.token(&CREDENTIALS).await.expect_error(401, "invalid_client");
}

#[tokio::test]
async fn odd_characters_in_identifiers_and_secrets_survive_every_way_to_send_them() {
    let (id, secret) = ("1PpG/Q 1", "z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=");
    let percent = "p%ss w+rd:\u{e9}";
    let operated = Operated::start(&json!([
        confidential(id, secret),
        confidential("c1", percent),
        confidential("my-client_1.a~b", "s")
    ]));
    let basic = |credentials: &str| {
        let header = format!("Authorization: Basic {credentials}\r\n");
        raw::send(&operated.example, form("/oauth/token", &header, "grant_type=client_credentials")).status
    };
    // As form-encoding clients, percent-encoding ones and those that encode nothing send it.
    let of_id = "MVBwRyUyRlErMTp6JTJGdFo5VndGWnFBcG1JUSUyQlpIMUk1cExrJTJGdUI0dWQlM0FYMiUyRjhiTCUyQndmRlR0MXJGdyUzRA==";
    assert_eq!(basic(of_id), 200);
    for of_percent in
        ["YzE6cCUyNXNzK3clMkJyZCUzQSVDMyVBOQ==", "YzE6cCUyNXNzJTIwdyUyQnJkJTNBJUMzJUE5", "YzE6cCVzcyB3K3JkOsOp"]
    {
        assert_eq!(basic(of_percent), 200, "{of_percent}");
    }
    // Escapes of characters that need none: `my%2Dclient%5F1%2Ea%7Eb:s`.
    assert_eq!(basic("bXklMkRjbGllbnQlNUYxJTJFYSU3RWI6cw=="), 200);
    assert_eq!(basic("YzE6cCVzcyB3K3JkOsOpeA=="), 401);

    for (id, secret) in [(id, secret), ("c1", percent)] {
        let app = known(&operated.example, id, secret);
        app.token(&CREDENTIALS).await.expect(200);
        let body = app.clone().with_secret(None);
        body.token(&[CREDENTIALS[0], ("client_secret", secret)]).await.expect(200);
        body.token(&[CREDENTIALS[0], ("client_secret", "x")]).await.expect_error(401, "invalid_client");
        let mut browser = Browser::signed_in(&operated.example, ADA).await;
        let tokens = app.connect(&mut browser, "links:read").await;
        app.call("/links", &tokens.access).await.expect(200);
        assert!(browser.get("/connected").await.expect(200).body.contains("Back Office"));
    }
}

#[tokio::test]
async fn a_changed_file_changes_the_clients_and_their_grants_stay() {
    let mut operated = Operated::start(&json!([public(), confidential("office", "first-secret")]));
    let mut browser = Browser::signed_in(&operated.example, ADA).await;
    let viewer = App::known(&operated.example, "viewer", "https://viewer.example/cb");
    let office = known(&operated.example, "office", "first-secret");
    let viewer_tokens = viewer.connect(&mut browser, "links:read").await;
    let office_tokens = office.connect(&mut browser, "links:read").await;

    let mut moved = public();
    moved["redirect_uris"] = json!(["https://moved.example/cb"]);
    moved["client_name"] = json!("Viewer Two");
    operated.restart(&json!([
        moved,
        confidential("office", "second-secret"),
        confidential("newcomer", "third-secret")
    ]));

    // Who was signed in still is, and the tokens work; the old secret and the old address do not.
    viewer.call("/links", &viewer_tokens.access).await.expect(200);
    viewer.refresh(&viewer_tokens.refresh).await.expect(200);
    office.refresh(&office_tokens.refresh).await.expect_error(401, "invalid_client");
    known(&operated.example, "office", "second-secret").refresh(&office_tokens.refresh).await.expect(200);
    known(&operated.example, "newcomer", "third-secret").token(&CREDENTIALS).await.expect(200);
    browser.get(&viewer.request("links:read").path).await.expect_error_page(400);
    let viewer = App::known(&operated.example, "viewer", "https://moved.example/cb");
    let request = viewer.request_with("links:read", &[("prompt", "consent")]);
    let consent = browser.get(&request.path).await.texts("main").join(" ");
    assert!(consent.contains("Viewer Two") && consent.contains("moved.example"), "{consent}");
}

#[tokio::test]
async fn an_unchanged_file_changes_nothing() {
    let clients = json!([public(), confidential("office", "a-secret")]);
    let mut operated = Operated::start(&clients);
    let office = known(&operated.example, "office", "a-secret");
    let before = office.token(&CREDENTIALS).await.expect(200).text("access_token");
    operated.restart(&clients);
    office.call("/me", &before).await.expect(200);
    office.token(&CREDENTIALS).await.expect(200);
    assert!(!operated.example.output().contains("RegistrationChanged"));
}
