//! Signing in and out, cookies, and forms that only our own pages may send.

use std::net::{SocketAddr, TcpListener};

use super::support::html::Form;
use super::support::reply::Reply;
use super::support::{ADA, Browser, Example, GRACE, http_client};

/// The session cookie of a service without https.
const COOKIE: &str = "snip";

fn attributes(header: &str) -> Vec<String> {
    header.split(';').skip(1).map(|part| part.trim().to_ascii_lowercase()).collect()
}

#[tokio::test]
async fn the_session_cookie_is_out_of_reach_for_scripts_and_for_foreign_forms() {
    let example = Example::shared();
    let page = Browser::new(&example).get("/signin").await;
    let attributes = attributes(page.header("set-cookie").unwrap());
    for expected in ["httponly", "samesite=lax", "path=/"] {
        assert!(attributes.iter().any(|attribute| attribute == expected), "{expected} in {attributes:?}");
    }
    assert!(!attributes.iter().any(|attribute| attribute.starts_with("domain")), "{attributes:?}");
}

#[tokio::test]
async fn behind_https_the_cookie_is_bound_to_it_and_to_the_host() {
    let free = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap().local_addr().unwrap();
    let example = Example::start_at(free, &[("ISSUER", "https://links.example")]);
    let reply = Reply::of(http_client().get(example.url("/signin")).send().await.unwrap()).await;
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-"), "{cookie}");
    let attributes = attributes(cookie);
    assert!(attributes.iter().any(|attribute| attribute == "secure"), "{cookie}");
    assert!(attributes.iter().any(|attribute| attribute == "path=/"), "{cookie}");
    let connect = http_client().post(example.url("/demo/connect")).send().await.unwrap();
    assert!(connect.headers()["set-cookie"].to_str().unwrap().to_ascii_lowercase().contains("secure"));
}

#[tokio::test]
async fn signing_in_changes_the_session_and_the_old_one_never_becomes_somebodys() {
    let example = Example::shared();
    let mut browser = Browser::new(&example);
    let page = browser.get("/signin").await;
    let before = browser.cookie(COOKIE).unwrap().to_owned();
    assert_eq!(browser.submit_sign_in(&page, ADA.username, ADA.password).await.redirect(), "/");
    let after = browser.cookie(COOKIE).unwrap().to_owned();
    assert_ne!(before, after);

    let mut planted = Browser::new(&example);
    planted.plant_cookie(COOKIE, &before);
    assert!(planted.get("/connected").await.redirect().starts_with("/signin"));
    // Nor does one that the attacker made up.
    planted.plant_cookie(COOKIE, "AAAAAAAAAAAAAAAAAAAAAA");
    let page = planted.get("/signin").await;
    assert_ne!(planted.cookie(COOKIE), Some("AAAAAAAAAAAAAAAAAAAAAA"));
    planted.submit_sign_in(&page, ADA.username, ADA.password).await.expect(303);
    let mut attacker = Browser::new(&example);
    attacker.plant_cookie(COOKIE, "AAAAAAAAAAAAAAAAAAAAAA");
    assert!(attacker.get("/connected").await.redirect().starts_with("/signin"));
}

#[tokio::test]
async fn signing_out_ends_the_session_for_every_holder_of_its_cookie() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let mut copy = browser.clone();
    let form = browser.get("/").await.form("/signout");
    browser.submit(&form).await.expect(303);
    for browser in [&mut browser, &mut copy] {
        assert!(browser.get("/connected").await.redirect().starts_with("/signin"));
    }
}

/// Lets time pass for every session, as far as the table knows.
fn pass(example: &Example, days: u32) {
    example.run_sql(&format!("UPDATE sessions SET expires_at = expires_at - {days} * 86400"));
}

#[tokio::test]
async fn a_session_lasts_as_long_as_it_is_used_within_seven_days() {
    let example = Example::start();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let cookie = browser.cookie(COOKIE).map(ToOwned::to_owned);
    for _ in 0..3 {
        pass(&example, 6);
        browser.get("/connected").await.expect(200);
    }
    assert_eq!(browser.cookie(COOKIE), cookie.as_deref());
    pass(&example, 8);
    assert!(browser.get("/connected").await.redirect().starts_with("/signin"));
    // Nor does asking for it bring it back.
    assert!(browser.get("/connected").await.redirect().starts_with("/signin"));
}

#[tokio::test]
async fn a_sign_in_form_may_be_left_open_for_half_an_hour() {
    let example = Example::start();
    let mut browser = Browser::new(&example);
    let page = browser.get("/signin").await;
    pass(&example, 1);
    browser.submit_sign_in(&page, ADA.username, ADA.password).await.expect_error_page(403);
}

#[tokio::test]
async fn a_restart_signs_nobody_out() {
    let mut example = Example::start();
    let mut browser = Browser::signed_in(&example, ADA).await;
    example.kill();
    example.restart_with(&[]);
    browser.get("/connected").await.expect(200);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_read_the_same() {
    let example = Example::start();
    let mut answers = Vec::new();
    for name in [ADA.username, "nobody-of-this-name"] {
        let mut browser = Browser::new(&example);
        let page = browser.get("/signin").await;
        let reply = browser.submit_sign_in(&page, name, "wrong password").await;
        assert!(reply.status.is_client_error() && !reply.headers.contains_key("location"), "{reply:?}");
        assert!(browser.get("/connected").await.redirect().starts_with("/signin"));
        // What was typed is shown again, except for the password.
        assert_eq!(reply.form("/signin").value("username"), name);
        assert_eq!(reply.form("/signin").value("password"), "");
        answers.push((reply.status, reply.texts("[role=alert]"), reply.texts("main")));
    }
    assert_eq!(answers[0], answers[1]);
    // What no database could hold is nobody's name either.
    let mut browser = Browser::new(&example);
    let page = browser.get("/signin").await;
    browser.submit_sign_in(&page, "a\0da", "wrong\0password").await.expect(403);
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down_for_one_name_and_no_other() {
    let example = Example::start();
    let mut browser = Browser::new(&example);
    let page = browser.get("/signin").await;
    let mut refused = None;
    for _ in 0..50 {
        let reply = browser.submit_sign_in(&page, ADA.username, "wrong password").await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
    }
    let reply = refused.expect("fifty guesses in a row are too many").expect_error_page(429);
    assert!(reply.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    // Not even the right one is looked at for a while; other people sign in as always.
    browser.submit_sign_in(&page, ADA.username, ADA.password).await.expect(429);
    assert_eq!(browser.submit_sign_in(&page, GRACE.username, GRACE.password).await.redirect(), "/");
}

#[tokio::test]
async fn guesses_at_the_same_moment_are_slowed_down_like_guesses_in_a_row() {
    let example = Example::start();
    let mut browser = Browser::new(&example);
    let page = browser.get("/signin").await;
    let guesses: Vec<_> = (0..40)
        .map(|_| {
            let (mut browser, page) = (browser.clone(), page.clone());
            tokio::spawn(async move { browser.submit_sign_in(&page, ADA.username, "wrong password").await.status })
        })
        .collect();
    let (mut tried, mut refused) = (0, 0);
    for guess in guesses {
        match guess.await.unwrap().as_u16() {
            403 => tried += 1,
            429 => refused += 1,
            status => panic!("{status}"),
        }
    }
    assert_eq!((tried, refused), (10, 30));
    // A right password is no guess: somebody may sign in as often as they like.
    for _ in 0..12 {
        Browser::signed_in(&example, GRACE).await;
    }
}

/// Every form that a signed-in person can send, filled in so that it would do something.
async fn forms(browser: &mut Browser) -> Vec<Form> {
    let home = browser.get("/").await;
    let developers = browser.get("/developers").await;
    let register = developers.form("/developers").with("name", "Forged App");
    let register = register.with("redirect_uris", "https://forged.example/cb");
    let mut connected = register.clone();
    connected.action = "/connected/revoke".to_owned();
    let mut delete = register.clone();
    delete.action = "/developers/delete".to_owned();
    for form in [&mut connected, &mut delete] {
        form.fields.retain(|(name, _)| name == "csrf");
        form.fields.push(("client_id".to_owned(), "demo".to_owned()));
    }
    vec![home.form("/links").with("url", "https://forged.example/"), register, connected, delete, home.form("/signout")]
}

#[tokio::test]
async fn every_form_needs_the_proof_of_its_own_page() {
    let example = Example::shared();
    let mut browser = Browser::signed_in(&example, ADA).await;
    let mut grace = Browser::signed_in(&example, GRACE).await;
    let foreign = forms(&mut grace).await;
    let evil = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for (form, of_grace) in forms(&mut browser).await.into_iter().zip(foreign) {
        browser.submit(&form.clone().without("csrf")).await.expect_error_page(403);
        browser.submit(&form.clone().with("csrf", "AAAA")).await.expect_error_page(403);
        browser.submit(&of_grace).await.expect_error_page(403);
        browser.submit_from(&form, &evil).await.expect_error_page(403);
    }
    // The values are not interchangeable either.
    let sign_out = browser.get("/").await.form("/signout");
    let links = browser.get("/").await.form("/links").with("url", "https://forged.example/");
    browser.submit(&links.with("csrf", sign_out.value("csrf"))).await.expect_error_page(403);

    let pages = format!("{}{}", browser.get("/").await.body, browser.get("/developers").await.body);
    assert!(!pages.contains("forged.example") && !pages.contains("Forged App"));
}

#[tokio::test]
async fn signing_in_needs_the_proof_of_the_page_too() {
    let example = Example::shared();
    let mut browser = Browser::new(&example);
    let form =
        browser.get("/signin").await.form("/signin").with("username", ADA.username).with("password", ADA.password);
    browser.submit(&form.clone().without("csrf")).await.expect_error_page(403);
    browser.submit_from(&form, &[("origin", "https://evil.example")]).await.expect_error_page(403);
    // A stranger's form would sign the person into the stranger's account.
    Browser::new(&example).submit(&form).await.expect_error_page(403);
    assert_eq!(browser.submit(&form).await.redirect(), "/");
}

#[tokio::test]
async fn a_visitor_who_has_to_sign_in_is_brought_to_the_page_that_was_wanted() {
    let example = Example::shared();
    for wanted in ["/connected", "/developers?deleted=1"] {
        let mut browser = Browser::new(&example);
        let page = browser.visit(wanted).await.expect(200);
        assert_eq!(browser.submit_sign_in(&page, ADA.username, ADA.password).await.redirect(), wanted);
    }
}
