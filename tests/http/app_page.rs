//! The page of one app: what its developer changes of it, and who else does not.

use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;

use super::developer_page::{register, registered};
use super::support::html::Form;
use super::support::{ADA, App, Browser, Example, GRACE, Reply};

/// Everything that can be done with an app which has two secrets.
const ACTIONS: [&str; 6] = ["edit", "secure", "rotate-secret", "end-secret", "reset-secret", "delete"];

/// An app of Grace's, that she can manage.
pub struct Managed {
    pub example: Arc<Example>,
    pub grace: Browser,
    pub app: App,
}

impl Managed {
    pub async fn start(confidential: bool) -> Self {
        let example = Example::shared();
        let mut grace = Browser::signed_in(&example, GRACE).await;
        let page = register(&mut grace, "Managed", "https://managed.example/cb", confidential).await.expect(200);
        let app = registered(&example, &page, "https://managed.example/cb");
        Self { example, grace, app }
    }

    pub fn path(&self) -> String {
        format!("/developers/app?client_id={}", self.app.id)
    }

    pub async fn page(&mut self) -> Reply {
        let path = self.path();
        self.grace.get(&path).await.expect(200)
    }

    pub async fn form(&mut self, action: &str) -> Form {
        self.page().await.form(&format!("/developers/{action}"))
    }

    pub async fn submit(&mut self, form: &Form) -> Reply {
        self.grace.submit(form).await
    }

    /// Makes another secret, which the page that answers shows.
    pub async fn new_secret(&mut self, action: &str) -> App {
        let form = self.form(action).await;
        self.secret_from(&form).await
    }

    /// Makes another secret with this form.
    pub async fn secret_from(&mut self, form: &Form) -> App {
        let page = self.submit(form).await.expect(200);
        let secret = page.texts(".secret code").remove(0);
        assert!(!self.page().await.body.contains(&secret), "it is shown once");
        self.app.clone().with_secret(Some(&secret))
    }

    pub async fn switch(&mut self, to: &str) -> Form {
        self.form("secure").await.press("secure", to)
    }

    /// Sends a form that is refused, and hands over why.
    pub async fn refused(&mut self, form: &Form) -> String {
        let page = self.submit(form).await.expect(422);
        assert!(page.texts(".secret").is_empty(), "{page:?}");
        page.texts("[role=alert]").join("|")
    }
}

pub async fn works(app: &App) -> bool {
    match app.token(&[("grant_type", "client_credentials")]).await {
        reply if reply.status == 200 => true,
        reply => {
            reply.expect_error(401, "invalid_client");
            false
        }
    }
}

#[tokio::test]
async fn the_page_says_only_what_is_so_whatever_its_address_says() {
    let mut managed = Managed::start(true).await;
    managed.new_secret("rotate-secret").await;
    let path = managed.path();
    for claim in ["secure", "end-secret", "rotate-secret", "delete", "nonsense", ""] {
        let page = managed.grace.get(&format!("{path}&done={claim}")).await.expect(200);
        assert!(page.texts("[role=status]").is_empty(), "{claim}: {page:?}");
    }
    let form = managed.form("end-secret").await;
    let done = managed.submit(&form).await;
    let page = managed.grace.visit(done.redirect()).await;
    assert_eq!(page.texts("[role=status]"), ["The secret before the present one no longer works."]);
}

#[tokio::test]
async fn an_edit_changes_what_people_see_and_where_they_are_taken() {
    let mut managed = Managed::start(false).await;
    let form = managed.form("edit").await;
    let form =
        form.with("name", "Renamed").with("redirect_uris", "https://renamed.example/cb\nhttps://second.example/");
    let form = form.with("description", "Counts <b>links</b>.").with("link", "https://renamed.example/");
    managed.submit(&form).await.expect(303);
    let form = managed.form("edit").await;
    for (field, value) in [
        ("name", "Renamed"),
        ("redirect_uris", "https://renamed.example/cb\nhttps://second.example/"),
        ("description", "Counts <b>links</b>."),
        ("link", "https://renamed.example/"),
        ("logo", ""),
    ] {
        assert_eq!(form.value(field), value, "{field}");
    }
    let mut ada = Browser::signed_in(&managed.example, ADA).await;
    ada.get(&managed.app.request("links:read").path).await.expect_error_page(400);
    let renamed = App::known(&managed.example, &managed.app.id, "https://renamed.example/cb");
    let consent = ada.get(&renamed.request("links:read").path).await.expect(200).texts("h1").join(" ");
    assert!(consent.contains("Renamed"), "{consent}");
    renamed.connect(&mut ada, "links:read").await;
}

#[tokio::test]
async fn an_edit_keeps_what_the_operator_said_of_the_app_and_the_form_does_not_ask_for() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("clients.json");
    let clients = json!([{
        "client_id": "operated",
        "client_name": "Operated",
        "redirect_uris": ["https://operated.example/cb"],
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "none",
        "initiate_login_uri": "https://operated.example/start",
        "service": { "owner": "1" },
    }]);
    std::fs::write(&file, clients.to_string()).unwrap();
    let mut example = Example::start_with(&[("CLIENTS", file.to_str().unwrap())]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let page = ada.get("/developers/app?client_id=operated").await.expect(200);
    ada.submit(&page.form("/developers/edit").with("name", "Renamed")).await.expect(303);

    let app = App::known(&example, "operated", "https://operated.example/cb");
    let (code, verifier) = app.code(&mut ada, "links:read").await;
    let tokens = app.exchange(&code, &verifier).await.expect(200);
    assert!(tokens.json().get("refresh_token").is_none(), "{tokens:?}");
    // Where the app begins is asked for in Kit.
    example.kill();
    example.restart_with(&[("--service", "kit")]);
    let page = ada.get("/developers/app?client_id=operated").await.expect(200);
    let form = page.form("/developers/edit");
    assert_eq!((form.value("name"), form.value("authorization_url")), ("Renamed", "https://operated.example/start"));
}

#[tokio::test]
async fn what_is_wrong_with_an_edit_is_said_and_nothing_changes() {
    let mut managed = Managed::start(false).await;
    let form = managed.form("edit").await;
    for (field, value) in [
        ("name", " "),
        ("redirect_uris", ""),
        ("redirect_uris", "https://good.example/\nhttp://bad.example/"),
        ("description", &*"x".repeat(1_001)),
        ("link", "javascript:alert(1)"),
        ("logo", "http://pictures.example/logo.png"),
    ] {
        let page = managed.submit(&form.clone().with("name", "Bad").with(field, value)).await.expect(422);
        assert_eq!(page.texts("[role=alert]").len(), 1, "{field}");
        assert_eq!(page.form("/developers/edit").value(field), value);
    }
    assert_eq!(managed.form("edit").await.value("name"), "Managed");
}

#[tokio::test]
async fn the_app_of_somebody_else_is_not_there_whatever_is_done_with_it() {
    let mut managed = Managed::start(true).await;
    let mut ada = Browser::signed_in(&managed.example, ADA).await;
    let page = register(&mut ada, "Own", "https://own.example/cb", true).await.expect(200);
    let own = registered(&managed.example, &page, "https://own.example/cb");
    ada.get(&managed.path()).await.expect_error_page(404);
    let own = format!("/developers/app?client_id={}", own.id);
    let rotate = ada.get(&own).await.form("/developers/rotate-secret");
    ada.submit(&rotate).await.expect(200);
    let page = ada.get(&own).await.expect(200);
    for action in ACTIONS {
        let form = page.form(&format!("/developers/{action}"));
        for foreign in [managed.app.id.as_str(), "demo", "nobody", "", "\u{e9}"] {
            ada.submit(&form.clone().with("client_id", foreign)).await.expect_error_page(404);
        }
    }
    assert!(works(&managed.app).await);
    assert_eq!(managed.form("edit").await.value("name"), "Managed");
}

#[tokio::test]
async fn a_form_of_another_page_or_site_does_nothing() {
    let mut managed = Managed::start(true).await;
    managed.new_secret("rotate-secret").await;
    for action in ACTIONS {
        let form = managed.form(action).await;
        let list = managed.grace.get("/developers").await.form("/developers");
        let of_another_page = form.clone().with("csrf", list.value("csrf"));
        managed.submit(&of_another_page).await.expect_error_page(403);
        let headers = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        managed.grace.submit_from(&form, &headers).await.expect_error_page(403);
        let sent = Browser::new(&managed.example).submit(&form).await;
        assert!(sent.redirect().starts_with("/signin?"), "{sent:?}");
    }
    let page = Browser::new(&managed.example).get(&managed.path()).await;
    assert!(page.redirect().starts_with("/signin?"), "{page:?}");
    assert!(works(&managed.app).await);
    let form = managed.form("edit").await;
    let unknown = Form { action: "/developers/nonsense".to_owned(), ..form };
    managed.submit(&unknown).await.expect_error_page(404);
}

#[tokio::test]
async fn an_app_under_development_may_use_localhost_and_one_in_production_may_not() {
    let example = Example::start_with(&[("--service", "klink")]);
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let form = grace.get("/developers").await.form("/developers").with("name", "Local");
    let form = form.with("redirect_uris", "http://localhost:3000/cb");
    for environment in ["production", "", "nonsense"] {
        let page = grace.submit(&form.clone().with("environment", environment)).await.expect(422);
        assert!(page.texts("[role=alert]").join("|").contains("production"), "{environment}: {page:?}");
        assert_eq!(page.form("/developers").value("redirect_uris"), "http://localhost:3000/cb");
    }
    let page = grace.submit(&form.with("environment", "development")).await.expect(200);
    assert!(page.texts(".facts dd").contains(&"Development".to_owned()), "{page:?}");
    // It becomes one for production only without that address.
    let app = registered(&example, &page, "http://localhost:3000/cb");
    let mut managed = Managed { example: Arc::new(example), grace, app };
    let form = managed.form("edit").await.with("environment", "production");
    managed.submit(&form).await.expect(422);
    managed.submit(&form.with("redirect_uris", "https://live.example/cb")).await.expect(303);
    assert!(managed.page().await.texts(".facts dd").contains(&"Production".to_owned()));
}

#[tokio::test]
async fn an_app_of_one_workspace_is_only_for_its_members() {
    let example = Example::start_with(&[("--service", "klink")]);
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let form = grace.get("/developers").await.form("/developers").with("name", "Bound");
    let form = form.with("redirect_uris", "https://bound.example/cb").with("environment", "production");
    for foreign in ["ada-personal", "nowhere", "\u{e9}"] {
        let page = grace.submit(&form.clone().with("workspace", foreign)).await.expect(422);
        assert_eq!(page.texts("[role=alert]"), ["You are not a member of that workspace."], "{foreign}");
    }
    let page = grace.submit(&form.with("workspace", "compilers")).await.expect(200);
    assert!(page.texts(".facts dd").contains(&"Compilers".to_owned()), "{page:?}");
    let app = registered(&example, &page, "https://bound.example/cb");
    let mut ada = Browser::signed_in(&example, ADA).await;
    ada.get(&app.request("contacts:read").path).await.expect_error_page(403);
}

#[tokio::test]
async fn where_the_password_is_asked_for_a_secret_is_made_only_with_it() {
    let example = Example::start_with(&[("--service", "trimlink")]);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = ada.get("/developers").await.form("/developers").with("name", "Guarded").with("type", "confidential");
    let form = form.with("redirect_uris", "https://guarded.example/cb").with("password", ADA.password);
    let page = ada.submit(&form).await.expect(200);
    let id = page.texts(".facts code").remove(0);
    let path = format!("/developers/app?client_id={id}");
    for action in ["rotate-secret", "reset-secret"] {
        let form = ada.get(&path).await.form(&format!("/developers/{action}"));
        for wrong in ["", GRACE.password] {
            let refused = ada.submit(&form.clone().with("password", wrong)).await.expect(422);
            assert!(refused.texts("[role=alert]").join(" ").contains("password"), "{refused:?}");
            assert_eq!(refused.texts(".secrets li").len(), if action == "rotate-secret" { 1 } else { 2 });
        }
        ada.submit(&form.with("password", ADA.password)).await.expect(200);
    }
    // What ends something needs none.
    let form = ada.get(&path).await.form("/developers/secure").press("secure", "off");
    ada.submit(&form).await.expect(303);
    let form = ada.get(&path).await.form("/developers/secure").press("secure", "on");
    ada.submit(&form).await.expect(422);
    ada.submit(&form.with("password", ADA.password)).await.expect(200);
}
