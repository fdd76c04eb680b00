//! The app store of Kit: from its page to an app, and back.

use serde_json::json;
use tempfile::TempDir;

use super::pages::check_page;
use super::support::html::forms;
use super::support::{ADA, Browser, Example, GRACE};

fn kit() -> Example {
    Example::start_with(&[("--service", "kit")])
}

#[tokio::test]
async fn an_app_is_installed_from_the_store_and_the_person_is_back_there_when_it_is_done() {
    let example = kit();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let page = ada.get("/apps").await.expect(200);
    assert!(page.texts(".tag").is_empty(), "{page:?}");
    let app = ada.submit(&page.form("/apps/install")).await.expect(303);
    let there = app.redirect().strip_prefix(&example.origin()).unwrap().to_owned();
    assert!(there.starts_with("/demo/install?redirect="), "{there}");

    let consent = ada.visit(&there).await.expect(200);
    let back = ada.submit(&consent.form("/v4/oauth/authorize").press("decision", "approve")).await;
    let callback = ada.get(back.redirect().strip_prefix(&example.origin()).unwrap()).await;
    let home = callback.expect(303).redirect().strip_prefix(&example.origin()).unwrap().to_owned();
    assert!(home.starts_with("/apps?installed="), "{home}");
    let page = ada.get(&home).await.expect(200);
    assert_eq!(page.texts("[role=status]"), ["Link Board is installed."]);
    assert_eq!(page.texts(".tag"), ["Installed"]);
    check_page("the app store", &page);

    // The address alone proves nothing.
    let mut grace = Browser::signed_in(&example, GRACE).await;
    assert!(grace.get(&home).await.expect(200).texts("[role=status]").is_empty());
    // Nor does what was true once.
    let form = ada.get("/connected").await.form("/connected/revoke");
    ada.submit(&form).await.expect(303);
    let page = ada.get(&home).await.expect(200);
    assert!(page.texts("[role=status]").is_empty() && page.texts(".tag").is_empty(), "{page:?}");
}

#[tokio::test]
async fn who_says_no_is_told_so_by_the_app_and_nothing_is_installed() {
    let example = kit();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let consent = ada.visit("/demo/install?redirect=/apps").await.expect(200);
    let back = ada.submit(&consent.form("/v4/oauth/authorize").press("decision", "deny")).await;
    let callback = ada.get(back.redirect().strip_prefix(&example.origin()).unwrap()).await;
    assert_eq!(callback.expect(303).redirect(), "/demo");
    assert!(ada.get("/apps").await.texts(".tag").is_empty());
}

#[tokio::test]
async fn an_installation_does_not_end_on_another_site() {
    let example = kit();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let origin = example.origin();
    for foreign in [
        "https://evil.example/",
        "//evil.example/",
        "/%5Cevil.example/",
        "javascript:alert(1)",
        "",
        &format!("{origin}.evil.example/"),
        &format!("{origin}@evil.example/"),
    ] {
        let target: String = url::form_urlencoded::byte_serialize(foreign.as_bytes()).collect();
        ada.get(&format!("/demo/install?redirect={target}")).await.expect_error_page(400);
    }
    ada.get("/demo/install").await.expect_error_page(400);
}

#[tokio::test]
async fn a_developer_sees_how_their_own_app_is_installed_and_others_do_not() {
    let example = kit();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let form = grace.get("/developers").await.form("/developers").with("name", "Planner");
    let form = form.with("redirect_uris", "https://planner.example/cb").with("description", "Plans <i>links</i>.");
    for bad in ["http://planner.example/start", "https://planner.example/start?redirect=x", "javascript:alert(1)"] {
        grace.submit(&form.clone().with("authorization_url", bad)).await.expect(422);
    }
    grace.submit(&form.with("authorization_url", "https://planner.example/start?from=kit")).await.expect(200);
    let page = grace.get("/apps").await.expect(200);
    assert!(page.texts(".app p").contains(&"Plans <i>links</i>.".to_owned()), "{page:?}");
    let forms = forms(&page.page());
    let own = forms.iter().rfind(|form| form.action == "/apps/install").unwrap();
    let there = grace.submit(own).await.expect(303).redirect().to_owned();
    assert!(there.starts_with("https://planner.example/start?from=kit&redirect=http"), "{there}");

    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = ada.get("/apps").await.form("/apps/install");
    for unknown in [own.value("client_id"), "nobody", ""] {
        ada.submit(&form.clone().with("client_id", unknown)).await.expect_error_page(404);
    }
}

#[tokio::test]
async fn the_operators_apps_are_there_for_everybody_if_they_say_where_they_begin() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("clients.json");
    let app = |id: &str, name: &str| {
        json!({
            "client_id": id, "client_name": name, "redirect_uris": ["https://app.example/cb"],
            "token_endpoint_auth_method": "none",
        })
    };
    let mut planner = app("planner", "Planner");
    planner["initiate_login_uri"] = json!("https://planner.example/start");
    planner["service"] = json!({ "owner": "1" });
    std::fs::write(&file, json!([planner, app("quiet", "Quiet")]).to_string()).unwrap();
    let example = Example::start_with(&[("--service", "kit"), ("CLIENTS", file.to_str().unwrap())]);
    // Also for who owns one of them, once.
    for user in [ADA, GRACE] {
        let mut browser = Browser::signed_in(&example, user).await;
        let page = browser.get("/apps").await.expect(200);
        assert_eq!(page.texts(".app h2"), ["Link Board", "Planner"], "{}", user.name);
        let forms = forms(&page.page());
        let install = forms.iter().rfind(|form| form.action == "/apps/install").unwrap();
        let there = browser.submit(install).await.expect(303).redirect().to_owned();
        assert!(there.starts_with("https://planner.example/start?redirect=http"), "{there}");
    }
}

#[tokio::test]
async fn nothing_is_installed_for_another_page_or_site_or_for_nobody() {
    let example = kit();
    let mut ada = Browser::signed_in(&example, ADA).await;
    let form = ada.get("/apps").await.form("/apps/install");
    let register = ada.get("/developers").await.form("/developers").value("csrf").to_owned();
    for csrf in ["", "x", &register] {
        ada.submit(&form.clone().with("csrf", csrf)).await.expect_error_page(403);
    }
    for headers in [[("origin", "https://evil.example")], [("sec-fetch-site", "cross-site")]] {
        ada.submit_from(&form, &headers).await.expect_error_page(403);
    }
    Browser::signed_in(&example, GRACE).await.submit(&form).await.expect_error_page(403);
    let mut nobody = Browser::new(&example);
    for answer in [nobody.submit(&form).await, nobody.get("/apps").await] {
        assert!(answer.redirect().starts_with("/signin?"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_service_without_an_app_store_has_no_such_page() {
    let example = Example::shared();
    let mut ada = Browser::signed_in(&example, ADA).await;
    ada.get("/apps").await.expect_error_page(404);
    assert!(!ada.get("/").await.body.contains("\"/apps\""));
}
