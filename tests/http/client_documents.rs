//! Clients that nobody registered, and that say who they are in a document of their own (client ID metadata documents).

#[path = "../protocol/client_documents/silent.rs"]
mod silent;

use serde_json::{Value, json};

use self::silent::Silent;
use super::support::html::{self, forms};
use super::support::{ADA, App, Browser, CALLBACK, DocumentSite, Example, Reply, Tokens, http_client};

fn words(page: &Reply) -> String {
    page.texts("main").join(" ")
}

// CONS-003, CONS-005, CIMD-021, CIMD-022, CIMD-026
#[tokio::test]
async fn a_client_that_nobody_registered_comes_by_its_document_and_does_what_it_was_allowed() {
    for service in ["snip", "clyk"] {
        let site = DocumentSite::new().await;
        let logo = format!("https://localhost:{}/logo.png", site.port);
        site.publish(json!({ "logo_uri": logo }));
        let example = site.example(service);
        let app = site.app(&example);
        let mut ada = Browser::signed_in(&example, ADA).await;

        let request = app.request("links:read");
        let page = ada.get(&request.path).await.expect(200);
        for expected in ["Field Agent", "Unverified app", "localhost", "app.example", "sent to another place", ADA.name]
        {
            assert!(words(&page).contains(expected), "{service}: {expected} is missing in: {}", words(&page));
        }
        // All of the address, since others may publish at the same host; to be read, and not to be followed.
        assert_eq!(page.texts(".destination code bdi"), [app.id.as_str()], "{service}");
        assert!(html::select(&page.page(), "main a, img, picture, object, iframe, [style]").is_empty());
        assert!(!page.body.contains("logo.png"), "{service}: {}", page.body);

        let answer = ada.submit(&page.form("/oauth/authorize").press("decision", "approve")).await.answer_to(CALLBACK);
        assert_eq!(answer.get("state"), Some(request.state.as_str()));
        assert_eq!(answer.get("iss"), Some(example.origin().as_str()));
        let fetched = site.fetches();
        let granted = app.exchange(answer.code(), &request.verifier).await.expect(200);
        let mut access = granted.text("access_token");
        app.call("/links", &access).await.expect(200);
        if let Some(token) = granted.json()["refresh_token"].as_str() {
            access = Tokens::of(&app.refresh(token).await).access;
            app.call("/links", &access).await.expect(200);
        }
        assert_eq!(granted.json()["refresh_token"].is_string(), service == "snip");
        // What a token is good for is not asked of somebody else's host.
        assert_eq!(site.fetches(), fetched, "{service}");

        let connected = ada.get("/connected").await.texts(".app").join(" ");
        assert!(connected.contains("Field Agent") && connected.contains(&app.id), "{service}: {connected}");
        let revoke = forms(&ada.get("/connected").await.page());
        let revoke = revoke.into_iter().find(|form| form.values("client_id").any(|id| id == app.id)).unwrap();
        ada.submit(&revoke).await.expect(303);
        app.call("/links", &access).await.expect_error(401, "invalid_token");
    }
}

// MCP-014, CIMD-005, CIMD-006, CIMD-011: what is wrong with a document is an error page; what is right, the consent page.
#[tokio::test]
async fn a_document_without_its_three_members_or_of_another_client_is_an_error_page() {
    for service in ["snip", "clyk"] {
        let site = DocumentSite::new().await;
        let example = site.example(service);
        let (mut ada, mut nobody) = (Browser::signed_in(&example, ADA).await, Browser::new(&example));
        let right = |id: &str| json!({ "client_id": id, "client_name": "Field Agent", "redirect_uris": [CALLBACK] });
        // Each at a place of its own: one that failed is not asked again at once.
        for (case, member, value) in [
            ("no-name", "client_name", None),
            ("no-redirect-uris", "redirect_uris", None),
            ("no-redirect-uri", "redirect_uris", Some(json!([]))),
            ("other-redirect-uri", "redirect_uris", Some(json!(["https://other.example/cb"]))),
            ("no-client-id", "client_id", None),
            ("other-client-id", "client_id", Some(json!(site.client_id()))),
            ("longer-client-id", "client_id", Some(json!(format!("{}/", site.at("longer-client-id"))))),
        ] {
            let id = site.at(case);
            let mut document = right(&id);
            match value {
                Some(value) => document[member] = value,
                None => drop(document.as_object_mut().unwrap().remove(member)),
            }
            site.publish_document(&document);
            let fetched = site.fetches();
            let request = App::known(&example, &id, CALLBACK).request("links:read");
            for browser in [&mut ada, &mut nobody] {
                let page = browser.get(&request.path).await.expect_error_page(400);
                assert!(!page.body.contains("app.example") && !page.body.contains("Field Agent"), "{case}: {page:?}");
            }
            assert!(site.fetches() > fetched, "{case}: nobody looked at the document");
        }
        let id = site.at("right");
        site.publish_document(&right(&id));
        let page = ada.get(&App::known(&example, &id, CALLBACK).request("links:read").path).await.expect(200);
        assert!(words(&page).contains("Field Agent") && words(&page).contains("app.example"), "{}", words(&page));
        page.form("/oauth/authorize");
    }
}

#[tokio::test]
async fn such_a_client_may_ask_for_no_more_than_one_that_registered_itself() {
    let site = DocumentSite::new().await;
    let example = site.example("snip");
    let mut ada = Browser::signed_in(&example, ADA).await;
    let answer = ada.get(&site.app(&example).request("links:read links:delete").path).await;
    assert_eq!(answer.answer_to(CALLBACK).error(), "invalid_scope");
}

// CONS-004, MCP-015, CIMD-011
#[tokio::test]
async fn whoever_comes_back_to_this_computer_only_is_warned_of() {
    let site = DocumentSite::with(json!({ "redirect_uris": ["http://127.0.0.1/cb", "http://localhost/cb"] })).await;
    let example = site.example("snip");
    let app = App::known(&example, &site.client_id(), "http://127.0.0.1:49152/cb");
    let mut ada = Browser::signed_in(&example, ADA).await;
    let page = ada.get(&app.request("links:read").path).await.expect(200);
    for expected in ["localhost", "127.0.0.1", "Any program on this computer can pass for this app"] {
        assert!(words(&page).contains(expected), "{expected} is missing in: {}", words(&page));
    }
    app.connect(&mut ada, "links:read").await;
    // The warning is of use each time.
    ada.get(&app.request("links:read").path).await.expect(200).form("/oauth/authorize");
}

// CIMD-019
#[tokio::test]
async fn a_document_that_changed_is_asked_about_again_and_takes_nothing_away() {
    let site = DocumentSite::new().await;
    let example = site.example("snip");
    let app = site.app(&example);
    let mut ada = Browser::signed_in(&example, ADA).await;
    let tokens = app.connect(&mut ada, "links:read").await;
    let again = app.request("links:read");
    let silent = ada.get(&again.path).await.answer_to(CALLBACK);

    site.publish(json!({ "client_name": "Double Agent" }));
    let page = ada.get(&app.request("links:read").path).await.expect(200);
    assert!(words(&page).contains("Double Agent"), "{}", words(&page));
    let form = page.form("/oauth/authorize").press("decision", "approve");
    Tokens::of(&app.exchange(silent.code(), &again.verifier).await);
    let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    app.call("/links", &tokens.access).await.expect(200);

    // What was decided on is what the page showed.
    site.publish(json!({ "client_name": "Triple Agent" }));
    ada.submit(&form).await.expect_error_page(403);
    site.publish(json!({ "client_name": "Double Agent" }));
    ada.submit(&form).await.answer_to(CALLBACK).code();

    site.publish(json!({ "redirect_uris": ["https://elsewhere.example/cb"] }));
    ada.get(&app.request("links:read").path).await.expect_error_page(400);
    app.call("/links", &tokens.access).await.expect(200);
}

// CIMD-022, ATK-082
#[tokio::test]
async fn nothing_that_a_document_leads_to_is_fetched() {
    let silent = Silent::everywhere();
    let site = DocumentSite::new().await;
    let url = |path: &str| format!("https://127.0.0.1:{}/{path}", silent.port());
    site.publish(json!({
        "logo_uri": url("logo"), "client_uri": url("client"), "policy_uri": url("policy"), "tos_uri": url("terms"),
        "redirect_uris": [url("callback")], "client_name": "Leads Elsewhere",
    }));
    for service in ["snip", "clyk"] {
        let example = site.example(service);
        let app = App::known(&example, &site.client_id(), &url("callback"));
        let mut ada = Browser::signed_in(&example, ADA).await;
        let page = ada.get(&app.request("links:read").path).await.expect(200);
        assert!(words(&page).contains("Leads Elsewhere"), "{service}: {}", words(&page));
        let (code, verifier) = app.code(&mut ada, "links:read").await;
        let access = app.exchange(&code, &verifier).await.expect(200).text("access_token");
        app.call("/links", &access).await.expect(200);
        assert!(ada.get("/connected").await.body.contains("Leads Elsewhere"));
        silent.expect_silence(service);
    }
}

// CIMD-012, CIMD-014, ATK-081
#[tokio::test]
async fn an_identifier_that_leads_inside_ends_in_an_error_page_and_in_no_connection() {
    let silent = Silent::everywhere();
    let port = silent.port();
    let example = Example::start_with(&[("DOCUMENT_PORT", &port.to_string())]);
    let (mut ada, mut nobody) = (Browser::signed_in(&example, ADA).await, Browser::new(&example));
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "user@localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
    ] {
        let id = format!("https://{host}:{port}/agent.json");
        let request = App::known(&example, &id, CALLBACK).request("links:read");
        for browser in [&mut ada, &mut nobody] {
            browser.get(&request.path).await.expect_error_page(400);
        }
        silent.expect_silence(host);
    }
}

// MCP-013, CIMD-024, CIMD-027
#[tokio::test]
async fn a_service_says_that_it_reads_documents_exactly_if_it_does() {
    for (service, reads) in
        [("snip", true), ("linkkit", false), ("clyk", true), ("trimlink", false), ("kit", false), ("klink", false)]
    {
        let site = DocumentSite::new().await;
        let example = site.example(service);
        let metadata = http_client().get(example.url("/.well-known/oauth-authorization-server")).send().await.unwrap();
        let metadata: Value = serde_json::from_str(&metadata.text().await.unwrap()).unwrap();
        let said = metadata.get("client_id_metadata_document_supported");
        assert_eq!(said, reads.then_some(&json!(true)), "{service}");

        let authorize = metadata["authorization_endpoint"].as_str().unwrap();
        let path = authorize.strip_prefix(&example.origin()).unwrap();
        let request = site.app(&example).request("");
        let query = request.path.split_once('?').unwrap().1;
        let reply = Browser::new(&example).get(&format!("{path}?{query}")).await;
        if reads {
            // Who is asked has to sign in first.
            reply.redirect();
        } else {
            reply.expect_error_page(400);
        }
        assert_eq!(site.fetches() > 0, reads, "{service}");
    }
}

// CIMD-025
#[tokio::test]
async fn whoever_opens_many_links_makes_the_server_fetch_only_so_often() {
    let site = DocumentSite::new().await;
    let example = site.example("snip");
    let request = site.app(&example).request("links:read");
    let mut nobody = Browser::new(&example);
    let mut opened = 0;
    let refused = loop {
        let reply = nobody.get(&request.path).await;
        if reply.status != 303 {
            break reply;
        }
        opened += 1;
        assert!(opened < 500, "there is no limit");
    };
    let refused = refused.expect_error_page(429);
    // 30 a minute, so one comes back in two seconds at most.
    assert!((1..=2).contains(&refused.header("retry-after").unwrap().parse::<u64>().unwrap()), "{refused:?}");
    assert_eq!(site.fetches(), opened);
}
