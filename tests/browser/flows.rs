//! From the app to the consent page and back, and what becomes of it.

use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::key::Key;
use serde_json::{Value, json};

use super::driver::browse;
use super::other_site::{OtherSite, codes_made};
use super::tab::Tab;

const ADA: (&str, &str) = ("ada", "correct horse");
const GRACE: (&str, &str) = ("grace", "battery staple");

fn usual() -> Value {
    json!({})
}

fn without_javascript() -> Value {
    json!({ "prefs": { "profile.managed_default_content_settings.javascript": 2 } })
}

/// The demo, up to the consent page.
async fn start_demo(tab: &Tab, (username, password): (&str, &str)) {
    tab.open("/demo").await;
    tab.press("Connect with Snip").await;
    tab.sign_in(username, password).await;
    tab.see("would like to use your Snip account").await;
}

/// Unticks a part, approves the rest, and looks at what the app got.
async fn approve_a_part(tab: &Tab) {
    start_demo(tab, ADA).await;
    assert!(tab.is_ticked("links:read").await && tab.is_ticked("stats:read").await);
    tab.toggle("stats:read").await;
    tab.press("Approve").await;
    tab.see("Connected.").await;
    assert_eq!(tab.url().await, tab.example.url("/demo"));
    let text = tab.text().await;
    for expected in ["GET /api/v1/me 200", "GET /api/v1/links 200", "GET /api/v1/stats 403", "wikipedia.org"] {
        assert!(text.contains(expected), "{expected} in:\n{text}");
    }
}

/// Takes the access back, and looks at what the app can do then.
async fn revoke(tab: &Tab) {
    tab.press("Revoke it under Connected apps").await;
    tab.see("Link Board").await;
    tab.press("Revoke access").await;
    tab.see("Access was taken back").await;
    tab.open("/demo").await;
    tab.see("Snip no longer accepts the token").await;
    tab.press("Call the API again").await;
    tab.see("GET /api/v1/me 401").await;
}

#[tokio::test]
async fn a_person_signs_in_unticks_a_part_approves_the_rest_and_takes_it_back() {
    browse(usual(), async |tab: Tab| {
        approve_a_part(&tab).await;
        revoke(&tab).await;
    })
    .await;
}

#[tokio::test]
async fn everything_works_without_javascript() {
    browse(without_javascript(), async |tab: Tab| {
        tab.client.goto("data:text/html,<title>off</title><script>document.title='on'</script>").await.unwrap();
        assert_eq!(tab.client.title().await.unwrap(), "off");
        approve_a_part(&tab).await;
        revoke(&tab).await;
    })
    .await;
}

#[tokio::test]
async fn a_no_leads_back_to_the_app_and_gives_it_nothing() {
    browse(usual(), async |tab: Tab| {
        start_demo(&tab, GRACE).await;
        tab.press("Deny").await;
        tab.see("You said no.").await;
        assert_eq!(tab.url().await, tab.example.url("/demo"));
        tab.open("/connected").await;
        tab.see("No app is connected").await;
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_alone_will_do() {
    browse(usual(), async |tab: Tab| {
        let site = OtherSite::open(&tab.example, "Keyboard App").await;
        tab.open(&site.request()).await;
        tab.find("input[name=username]").await.send_keys(ADA.0).await.unwrap();
        tab.key(Key::Tab).await;
        let focus = tab.client.active_element().await.unwrap();
        focus.send_keys(&format!("{}{}", ADA.1, char::from(Key::Enter))).await.unwrap();
        tab.see("Keyboard App").await;

        // Every control is reached in the order in which it is read, and the focus can be seen.
        let mut reached = Vec::new();
        for _ in 0..30 {
            tab.key(Key::Tab).await;
            let focus = tab.client.active_element().await.unwrap();
            if let Some(value) = focus.attr("value").await.unwrap() {
                let outline = focus.css_value("outline-style").await.unwrap();
                assert_ne!(outline, "none", "{value} does not show its focus");
                if value == "stats:read" {
                    tab.key(Key::Space).await;
                    assert!(!tab.is_ticked("stats:read").await);
                }
                let last = value == "approve";
                reached.push(value);
                if last {
                    break;
                }
            }
        }
        // The workspaces are one stop, at the one that is chosen: all of them, whose value is empty.
        let all_workspaces = "";
        assert_eq!(reached, ["links:read", "stats:read", all_workspaces, "deny", "approve"]);
        tab.key(Key::Enter).await;
        tab.see("Back at the app").await;
    })
    .await;
}

#[tokio::test]
async fn the_browser_goes_back_to_an_app_of_another_site_and_tells_it_nothing_but_the_answer() {
    browse(usual(), async |tab: Tab| {
        let site = OtherSite::open(&tab.example, "Other Site").await;
        tab.open(&site.request()).await;
        tab.sign_in(ADA.0, ADA.1).await;
        tab.see("Other Site").await;
        tab.press("Approve").await;
        tab.see("Back at the app").await;
        let visit = site.next_visit().to_lowercase();
        assert!(visit.contains("code=") && visit.contains("state=the-state-of-the-other-site"), "{visit}");
        assert!(!visit.contains("\nreferer:"), "{visit}");
    })
    .await;
}

#[tokio::test]
async fn a_double_click_on_approve_makes_one_code() {
    browse(usual(), async |tab: Tab| {
        let site = OtherSite::open(&tab.example, "Double App").await;
        tab.open(&site.request()).await;
        tab.sign_in(ADA.0, ADA.1).await;
        let approve = tab.control("Approve").await;
        let click = |mouse: MouseActions| {
            let mouse = mouse.then(PointerAction::Down { button: MOUSE_BUTTON_LEFT });
            mouse.then(PointerAction::Up { button: MOUSE_BUTTON_LEFT })
        };
        let mouse = MouseActions::new("mouse".to_owned());
        let mouse = mouse.then(PointerAction::MoveToElement { element: approve, duration: None, x: 0.0, y: 0.0 });
        tab.client.perform_actions(click(click(mouse))).await.unwrap();
        // Whichever click won, the person is at the app, or is told that the decision was made and how to go on.
        tab.see_any(&["Back at the app", "decided already"]).await;
        assert_eq!(codes_made(&tab.example, &site.client_id), 1);
    })
    .await;
}

#[tokio::test]
async fn going_back_after_approving_gives_no_second_code_for_the_same_decision() {
    browse(usual(), async |tab: Tab| {
        let site = OtherSite::open(&tab.example, "Back App").await;
        tab.open(&site.request()).await;
        tab.sign_in(ADA.0, ADA.1).await;
        let first = tab.find("input[name=consent_token]").await.attr("value").await.unwrap();
        tab.press("Approve").await;
        tab.see("Back at the app").await;

        tab.client.back().await.unwrap();
        tab.see("Back App").await;
        let second = tab.find("input[name=consent_token]").await.attr("value").await.unwrap();
        tab.press("Approve").await;
        if first == second {
            tab.see("decided already").await;
            assert_eq!(codes_made(&tab.example, &site.client_id), 1);
        } else {
            // The page was asked for anew, so this is another decision.
            tab.see("Back at the app").await;
            assert_eq!(codes_made(&tab.example, &site.client_id), 2);
        }
    })
    .await;
}

#[tokio::test]
async fn going_back_after_signing_out_shows_nothing_of_the_person() {
    browse(usual(), async |tab: Tab| {
        tab.open("/signin").await;
        tab.sign_in(ADA.0, ADA.1).await;
        tab.see("Your links").await;
        tab.open("/connected").await;
        tab.see("Connected apps").await;
        tab.press("Sign out").await;
        tab.see("cut short").await;
        tab.client.back().await.unwrap();
        tab.see("Sign in").await;
        assert!(!tab.text().await.contains("Ada Lovelace"));
    })
    .await;
}

#[tokio::test]
async fn a_token_is_issued_reset_and_revoked_without_javascript() {
    browse(without_javascript(), async |tab: Tab| {
        tab.open("/tokens").await;
        tab.sign_in(GRACE.0, GRACE.1).await;
        tab.find("input[name=name]").await.send_keys("Browser token").await.unwrap();
        tab.toggle("links:read").await;
        tab.press("Issue token").await;
        let first = tab.find(".secret code").await.text().await.unwrap();
        tab.press("Back to your tokens").await;
        tab.see("Browser token").await;
        assert!(!tab.client.source().await.unwrap().contains(&first));
        assert!(!tab.text().await.contains("Reset it now"), "not before it was asked for");
        tab.find(".token summary").await.click().await.unwrap();
        tab.press("Reset it now").await;
        tab.see("The old token no longer works.").await;
        assert_ne!(tab.find(".secret code").await.text().await.unwrap(), first);
        tab.open("/connected").await;
        tab.press("Revoke").await;
        tab.see("Access was taken back").await;
        assert!(!tab.text().await.contains("Active"));
    })
    .await;
}

#[tokio::test]
async fn a_developer_manages_an_app_with_the_keyboard_alone_and_without_javascript() {
    browse(without_javascript(), async |tab: Tab| {
        tab.open("/developers").await;
        tab.sign_in(GRACE.0, GRACE.1).await;
        tab.find("input[name=name]").await.send_keys("Keyboard App").await.unwrap();
        tab.find("textarea[name=redirect_uris]").await.send_keys("https://keyboard.example/cb").await.unwrap();
        tab.find("input[type=radio][value=confidential]").await.click().await.unwrap();
        tab.press("Register").await;
        tab.see("Copy it now.").await;
        tab.press("Back to your apps").await;
        tab.press("Manage").await;
        tab.see("Secure application").await;

        // Every control is reached in the order in which it is read, and the focus can be seen.
        let mut reached = Vec::new();
        while reached.last().is_none_or(|last| last != "Save") {
            assert!(reached.len() < 40, "{reached:?}");
            tab.key(Key::Tab).await;
            let focus = tab.client.active_element().await.unwrap();
            let outline = focus.css_value("outline-style").await.unwrap();
            let name = match focus.attr("name").await.unwrap() {
                Some(name) if focus.tag_name().await.unwrap() != "button" => name,
                _ => focus.text().await.unwrap(),
            };
            assert_ne!(outline, "none", "{name} does not show its focus");
            reached.push(name);
        }
        let own = reached.iter().position(|name| name == "Your apps").unwrap();
        let buttons =
            ["Your apps", "Switch off", "Rotate", "Did a secret leak?", "Issue a token for this app", "Delete the app"];
        let fields = ["name", "redirect_uris", "description", "link", "logo", "Save"];
        assert_eq!(reached[own..], [&buttons[..], &fields[..]].concat());

        tab.find("form[action='/developers/edit'] input[name=description]").await.send_keys("Typed").await.unwrap();
        tab.key(Key::Enter).await;
        tab.see("Saved.").await;
        tab.find("summary").await.send_keys(&char::from(Key::Enter).to_string()).await.unwrap();
        tab.see("Reset it now").await;
        tab.key(Key::Tab).await;
        tab.key(Key::Enter).await;
        tab.see("The one before no longer works.").await;
    })
    .await;
}

#[tokio::test]
async fn a_developer_registers_an_app_sees_its_secret_once_and_deletes_it() {
    browse(usual(), async |tab: Tab| {
        tab.open("/developers").await;
        tab.sign_in(GRACE.0, GRACE.1).await;
        tab.find("input[name=name]").await.send_keys("Browser App").await.unwrap();
        tab.find("textarea[name=redirect_uris]").await.send_keys("https://browser.example/cb").await.unwrap();
        tab.find("input[type=radio][value=confidential]").await.click().await.unwrap();
        tab.press("Register").await;
        let secret = tab.find(".secret code").await.text().await.unwrap();
        assert!(secret.len() > 40);
        tab.press("Back to your apps").await;
        tab.see("Browser App").await;
        assert!(!tab.client.source().await.unwrap().contains(&secret));
        tab.press("Delete").await;
        tab.see("The app was deleted").await;
        assert!(!tab.text().await.contains("Browser App"));
    })
    .await;
}
