//! What is made for a workspace, or for all, and who may make it.

use serde_json::json;

use super::super::harness::dashboard::{fill_in, listed, make_token, secret, send_app, send_token};
use super::super::harness::{Place, changed, expect_members};
use super::super::support::{ADA, Browser, GRACE};
use super::{
    APP, BOUND, DOMAINS, ENGINES_LINK, PERSONAL_LINK, SHORT_URLS, USERS, all_scopes, call, create, documented,
    exchange, made_app, post_json, request, start, tokens, tokens_for, tokens_of,
};

scenarios! {
    apps_come_back_by_https_only
    an_app_is_bound_to_the_workspace_that_was_active_when_it_was_made
    an_app_of_one_workspace_reaches_no_other_and_nobody_elses
    a_personal_token_is_bound_to_a_workspace_or_to_all
    only_owners_make_apps_and_personal_tokens
    the_password_is_typed_again_before_anything_is_made
}

async fn switch_to(browser: &mut Browser, workspace: &str) {
    let form = browser.get("/").await.expect(200).form("/workspace").press("workspace", workspace);
    assert_eq!(browser.submit(&form).await.status, 303);
}

async fn apps_come_back_by_https_only(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    for insecure in ["http://app.example/cb", "http://localhost/cb", "http://localhost:3000/cb"] {
        let fields = [("name", "Insecure"), ("redirect_uris", insecure), ("password", ADA.password)];
        let refused = send_app(&mut ada, &fields).await.expect(422);
        assert!(!refused.texts("[role=alert]").is_empty(), "{refused:?}");
    }
    assert!(listed(&ada.get("/developers").await, "Insecure").is_none());
}

async fn an_app_is_bound_to_the_workspace_that_was_active_when_it_was_made(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    switch_to(&mut ada, "analytical-engines").await;
    let engines = made_app(&mut ada, "Engine Reports").await;
    switch_to(&mut ada, "").await;
    let all = made_app(&mut ada, "All Reports").await;
    switch_to(&mut ada, "ada-personal").await;

    // Whatever is active now.
    let (tokens, page) = tokens_of(&trimlink, &mut ada, &engines).await;
    expect_members(&tokens, documented());
    let said = page.texts("main").join(" ");
    assert!(said.contains("Analytical Engines") && !said.contains("Personal"), "{said}");
    let access = tokens.text("access_token");
    let links = call(&trimlink, SHORT_URLS, &access).await.expect(200).body;
    assert!(links.contains(ENGINES_LINK) && !links.contains(PERSONAL_LINK), "{links}");
    // What it makes is there, and nowhere else.
    create(&trimlink, &access, r#"{"url":"https://example.com/made-by-the-app"}"#).await.expect(201);
    let personal = tokens_for(&trimlink, &mut ada, "ada-personal").await;
    let links = call(&trimlink, SHORT_URLS, &personal).await.expect(200).body;
    assert!(links.contains(PERSONAL_LINK) && !links.contains("made-by-the-app"), "{links}");

    let asked = changed(&request(APP), &[("client_id", &all.client_id), ("redirect_uri", "https://made.example/cb")]);
    let form = ada.get(&trimlink.authorize(&asked)).await.expect(200).form("/app/authorize").with("workspace", "");
    let answer = ada.submit(&form.press("decision", "approve")).await;
    let mut body = exchange(APP, answer.answer_to("https://made.example/cb").code());
    for (member, value) in [("client_id", &all.client_id), ("client_secret", all.secret.as_ref().unwrap())] {
        body[member] = json!(value);
    }
    body["redirect_uri"] = json!("https://made.example/cb");
    let access = post_json(&trimlink, &body).await.expect(200).text("access_token");
    let links = call(&trimlink, SHORT_URLS, &access).await.expect(200).body;
    assert!(links.contains(ENGINES_LINK) && links.contains(PERSONAL_LINK), "{links}");
}

async fn an_app_of_one_workspace_reaches_no_other_and_nobody_elses(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let access = tokens(&trimlink, &mut ada, BOUND, None).await.text("access_token");
    let links = call(&trimlink, SHORT_URLS, &access).await.expect(200).body;
    assert!(links.contains(PERSONAL_LINK) && !links.contains(ENGINES_LINK), "{links}");

    // Nor if the form says so.
    for elsewhere in ["analytical-engines", "compilers", "nosuch"] {
        let asked = trimlink.authorize(&[&request(BOUND)[..], &[("prompt", "consent")]].concat());
        let mut form = ada.get(&asked).await.expect(200).form("/app/authorize").without("workspace");
        form.fields.push(("workspace".to_owned(), elsewhere.to_owned()));
        let refused = ada.submit(&form.press("decision", "approve")).await;
        assert!(refused.status.is_client_error(), "{elsewhere}: {refused:?}");
    }
    // Nor for somebody who is no member of it.
    let mut grace = Browser::signed_in(&trimlink.example, GRACE).await;
    grace.get(&trimlink.authorize(&request(BOUND))).await.expect_error_page(403);
    // What is for one workspace sees the people of that one.
    let theirs = tokens(&trimlink, &mut grace, APP, None).await.text("access_token");
    let people = call(&trimlink, USERS, &theirs).await.expect(200).body;
    assert!(people.contains(GRACE.name) && !people.contains(ADA.name), "{people}");
    let links = call(&trimlink, SHORT_URLS, &theirs).await.expect(200).body;
    assert!(!links.contains(PERSONAL_LINK) && !links.contains(ENGINES_LINK), "{links}");
}

async fn a_personal_token_is_bound_to_a_workspace_or_to_all(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    switch_to(&mut ada, "analytical-engines").await;
    // What is active is what is chosen at first.
    let engines = make_token(&mut ada, &all_scopes("Engines", &[])).await;
    switch_to(&mut ada, "").await;
    let all = make_token(&mut ada, &all_scopes("Everywhere", &[])).await;
    let personal = make_token(&mut ada, &all_scopes("Mine", &[("workspace", "ada-personal")])).await;
    for (token, of_engines, of_personal) in [(&engines, true, false), (&personal, false, true), (&all, true, true)] {
        let links = call(&trimlink, SHORT_URLS, token).await.expect(200).body;
        assert_eq!((links.contains(ENGINES_LINK), links.contains(PERSONAL_LINK)), (of_engines, of_personal), "{links}");
    }
    create(&trimlink, &engines, r#"{"url":"https://example.com/made-by-a-script"}"#).await.expect(201);
    assert!(!call(&trimlink, SHORT_URLS, &personal).await.expect(200).body.contains("made-by-a-script"));

    // A workspace of somebody else cannot be chosen, whatever is sent.
    for foreign in ["compilers", "nosuch"] {
        let page = ada.get("/tokens").await.expect(200);
        let mut form = fill_in(&page, "/tokens", &all_scopes("Foreign", &[])).without("workspace");
        form.fields.push(("workspace".to_owned(), foreign.to_owned()));
        assert!(ada.submit(&form).await.status.is_client_error());
    }
    // It may have an end, and is shown once.
    let passing = make_token(&mut ada, &all_scopes("Passing", &[("expires", "2099-12-31")])).await;
    call(&trimlink, DOMAINS, &passing).await.expect(200);
    let list = ada.get("/tokens").await.expect(200);
    for token in [&engines, &personal, &all, &passing] {
        assert!(!list.body.contains(token.as_str()));
    }
    assert!(listed(&list, "Engines").unwrap().contains("Analytical Engines"));
    assert!(listed(&list, "Passing").unwrap().contains("2099"));
    assert!(listed(&list, "Foreign").is_none());
}

async fn only_owners_make_apps_and_personal_tokens(place: Place) {
    let trimlink = start(place);
    // Nobody reaches what is in the memory of a process from the side.
    if !trimlink.has_tables() {
        return;
    }
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    let app = [("name", "Mine"), ("redirect_uris", "https://mine.example/cb"), ("password", ADA.password)];
    send_app(&mut ada, &app).await.expect(200);
    send_token(&mut ada, &all_scopes("Mine", &[])).await.expect(200);
    trimlink.example.run_sql("UPDATE memberships SET role = 'member' WHERE workspace_id = 'analytical-engines'");
    // Of one workspace she still is the owner: of the other, and of all together, she is not.
    for (workspace, status) in [("ada-personal", 200), ("analytical-engines", 422), ("", 422)] {
        let fields = [&app[..], &[("workspace", workspace)]].concat();
        send_app(&mut ada, &fields).await.expect(status);
        send_token(&mut ada, &all_scopes("Another", &[("workspace", workspace)])).await.expect(status);
    }
    trimlink.example.run_sql("UPDATE memberships SET role = 'member'");
    let refused = send_app(&mut ada, &app).await.expect(422);
    assert!(!refused.texts("[role=alert]").is_empty(), "{refused:?}");
    send_token(&mut ada, &all_scopes("Last", &[])).await.expect(422);
    assert!(listed(&ada.get("/tokens").await, "Last").is_none());
}

async fn the_password_is_typed_again_before_anything_is_made(place: Place) {
    let trimlink = start(place);
    let mut ada = Browser::signed_in(&trimlink.example, ADA).await;
    for wrong in ["", "wrong", GRACE.password] {
        let app = [("name", "Unmade"), ("redirect_uris", "https://app.example/cb"), ("password", wrong)];
        let refused = send_app(&mut ada, &app).await.expect(422);
        assert!(!refused.texts("[role=alert]").is_empty() && secret(&refused).is_none(), "{refused:?}");
        // The form is there once more, and nobody has to type what was typed, but for the password.
        let form = refused.form("/developers");
        assert_eq!((form.value("name"), form.value("password")), ("Unmade", ""));

        let mut fields = all_scopes("Unmade", &[]);
        fields.retain(|(name, _)| *name != "password");
        fields.push(("password", wrong));
        let refused = send_token(&mut ada, &fields).await.expect(422);
        assert!(!refused.texts("[role=alert]").is_empty() && secret(&refused).is_none(), "{refused:?}");
    }
    for path in ["/developers", "/tokens"] {
        assert!(listed(&ada.get(path).await, "Unmade").is_none());
    }
    made_app(&mut ada, "Made").await.secret.unwrap();
    make_token(&mut ada, &all_scopes("Made", &[])).await;
}
