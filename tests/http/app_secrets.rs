//! The secrets of one app on its page, and the switch that says whether it has any.

use std::sync::Arc;

use super::app_page::{Managed, works};
use super::developer_page::{register, registered};
use super::support::app::Paths;
use super::support::html::Form;
use super::support::{ADA, Browser, Example, GRACE};

#[tokio::test]
async fn a_rotated_secret_works_beside_the_new_one_until_it_is_ended() {
    let mut managed = Managed::start(true).await;
    let old = managed.app.clone();
    let new = managed.new_secret("rotate-secret").await;
    assert!(works(&old).await && works(&new).await);
    assert_eq!(managed.page().await.texts(".secrets .tag"), ["Active", "Active", "The one before"]);

    let form = managed.form("end-secret").await;
    let done = managed.submit(&form).await;
    assert!(done.redirect().starts_with(&managed.path()), "{done:?}");
    assert!(!works(&old).await && works(&new).await);
    assert_eq!(managed.page().await.texts(".secrets .tag"), ["Active"]);
}

#[tokio::test]
async fn rotating_again_ends_the_secret_before_the_one_before() {
    let mut managed = Managed::start(true).await;
    let first = managed.app.clone();
    let second = managed.new_secret("rotate-secret").await;
    let third = managed.new_secret("rotate-secret").await;
    assert!(!works(&first).await && works(&second).await && works(&third).await);
    assert_eq!(managed.page().await.texts(".secrets li").len(), 2);
}

#[tokio::test]
async fn a_reset_secret_stops_at_once() {
    let mut managed = Managed::start(true).await;
    let old = managed.app.clone();
    let new = managed.new_secret("reset-secret").await;
    assert!(!works(&old).await && works(&new).await);
    assert_eq!(managed.page().await.texts(".secrets .tag"), ["Active"]);
}

#[tokio::test]
async fn the_use_of_a_secret_is_shown() {
    let mut managed = Managed::start(true).await;
    let unused = managed.page().await.texts(".secrets .meta").remove(0);
    assert!(unused.contains("not used yet"), "{unused}");
    assert!(works(&managed.app).await);
    // The use is noted beside the traffic, so it may show a moment later.
    for _ in 0..500 {
        if managed.page().await.texts(".secrets .meta")[0].contains("last used on") {
            return;
        }
    }
    panic!("the use of the secret is not shown");
}

#[tokio::test]
async fn the_switch_takes_the_secret_and_gives_another_and_what_was_granted_stays() {
    let mut managed = Managed::start(true).await;
    let mut ada = Browser::signed_in(&managed.example, ADA).await;
    let tokens = managed.app.connect(&mut ada, "links:read").await;

    let form = managed.switch("off").await;
    managed.submit(&form).await.expect(303);
    assert!(managed.page().await.texts(".secrets").is_empty());
    let with_secret = managed.app.clone();
    with_secret.refresh(&tokens.refresh).await.expect_error(401, "invalid_client");
    let public = managed.app.clone().with_secret(None);
    let refreshed = public.refresh(&tokens.refresh).await.expect(200);

    let form = managed.switch("on").await;
    let secure = managed.secret_from(&form).await;
    let refresh = refreshed.text("refresh_token");
    public.refresh(&refresh).await.expect_error(401, "invalid_client");
    secure.refresh(&refresh).await.expect(200);
}

#[tokio::test]
async fn an_app_may_act_for_itself_as_long_as_the_switch_is_on() {
    for confidential in [true, false] {
        let mut managed = Managed::start(confidential).await;
        if confidential {
            let form = managed.switch("off").await;
            managed.submit(&form).await.expect(303);
        }
        let public = managed.app.clone().with_secret(None);
        public.token(&[("grant_type", "client_credentials")]).await.expect_error(400, "unauthorized_client");
        let form = managed.switch("on").await;
        assert!(works(&managed.secret_from(&form).await).await);
    }
}

#[tokio::test]
async fn an_app_that_only_acts_for_itself_keeps_its_secret() {
    let example = Example::shared();
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let page = register(&mut grace, "Nightly", "", true).await.expect(200);
    let app = registered(&example, &page, "");
    let mut managed = Managed { example, grace, app };
    let form = managed.switch("off").await;
    assert!(managed.refused(&form).await.contains("redirect URI"));
    assert!(works(&managed.app).await);
}

#[tokio::test]
async fn an_app_without_a_secret_gets_none_but_by_the_switch() {
    let mut managed = Managed::start(false).await;
    let form = managed.form("edit").await;
    for action in ["rotate-secret", "reset-secret", "end-secret"] {
        let form = Form { action: format!("/developers/{action}"), ..form.clone() };
        assert!(managed.refused(&form).await.contains("no secret"), "{action}");
    }
    let nonsense = managed.switch("on").await.with("secure", "perhaps");
    managed.submit(&nonsense).await.expect_error_page(400);
    assert!(managed.page().await.texts(".secrets").is_empty());
}

#[tokio::test]
async fn where_the_service_asks_for_the_password_again_no_secret_is_made_without_it() {
    let example = Example::start_with(&[("--service", "trimlink")]);
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let form = grace.get("/developers").await.form("/developers").with("name", "Guarded").with("type", "confidential");
    let form = form.with("redirect_uris", "https://guarded.example/cb").with("password", GRACE.password);
    let page = grace.submit(&form).await.expect(200);
    let mut app = registered(&example, &page, "https://guarded.example/cb");
    app.paths = Paths { authorize: "/app/authorize", oauth: "/api/oauth", api: "/api/1.0" };
    let mut managed = Managed { example: Arc::new(example), grace, app };

    for action in ["rotate-secret", "reset-secret"] {
        let form = managed.form(action).await;
        for wrong in [form.clone(), form.clone().with("password", "wrong"), form.clone().without("password")] {
            assert!(managed.refused(&wrong).await.contains("password"), "{action}");
        }
        assert!(works(&managed.app).await, "{action}");
        managed.app = managed.secret_from(&form.with("password", GRACE.password)).await;
    }
    // To take a secret away needs none; to change the rest needs none either.
    let form = managed.form("edit").await.with("name", "Still guarded");
    managed.submit(&form).await.expect(303);
    let form = managed.switch("off").await;
    managed.submit(&form).await.expect(303);
    let form = managed.switch("on").await;
    assert!(managed.refused(&form).await.contains("password"));
    assert!(works(&managed.secret_from(&form.with("password", GRACE.password)).await).await);
    // Who is no owner any more changes nothing.
    managed.example.run_sql("UPDATE memberships SET role = 'member'");
    let form = managed.form("edit").await;
    assert!(managed.refused(&form).await.contains("owner"));
    let form = managed.form("reset-secret").await.with("password", GRACE.password);
    assert!(managed.refused(&form).await.contains("owner"));
}
