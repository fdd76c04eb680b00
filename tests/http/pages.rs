//! What holds for every page: headers, escaping, accessibility, and nothing from elsewhere.

use scraper::Html;
use serde_json::json;

use super::support::html::{select, text};
use super::support::reply::Reply;
use super::support::{ADA, App, Browser, Example, http_client};

/// One of each kind: who is signed out and who is signed in, with and without an error.
async fn every_page(example: &Example) -> Vec<(String, Reply)> {
    let mut visitor = Browser::new(example);
    let mut ada = Browser::signed_in(example, ADA).await;
    let app = App::public(example).await;
    app.connect(&mut ada, "links:read").await;
    let consent = app.request_with("links:read", &[("prompt", "consent")]).path;

    let mut pages = Vec::new();
    for path in ["/", "/signin", "/demo", "/no/such/page", "/nosuch", "/assets/nosuch", "/oauth/authorize", "/links"] {
        pages.push((format!("visitor {path}"), visitor.get(path).await));
    }
    for path in [
        "/",
        "/connected",
        "/tokens",
        "/developers",
        "/demo",
        consent.as_str(),
        "/oauth/authorize?client_id=nobody",
        "/links",
    ] {
        pages.push((format!("ada {path}"), ada.get(path).await));
    }
    let register = ada.get("/developers").await.form("/developers");
    let refused = ada.submit(&register.clone().with("name", "No way back")).await;
    pages.push(("ada registers nothing".to_owned(), refused.expect(422)));
    let registered = register.with("name", "Page App").with("redirect_uris", "https://page.example/cb");
    let registered = ada.submit(&registered.with("type", "confidential")).await.expect(200);
    let own = format!("/developers/app?client_id={}", registered.texts(".facts code")[0]);
    pages.push(("ada registers an app".to_owned(), registered));
    let rotate = ada.get(&own).await.form("/developers/rotate-secret");
    pages.push(("ada rotates a secret".to_owned(), ada.submit(&rotate).await.expect(200)));
    let page = ada.get(&own).await;
    let [edit, end, secure] =
        ["edit", "end-secret", "secure"].map(|action| page.form(&format!("/developers/{action}")));
    pages.push(("ada has an app with two secrets".to_owned(), page));
    pages.push(("ada edits nothing".to_owned(), ada.submit(&edit.with("name", "")).await.expect(422)));
    let ended = ada.submit(&end).await;
    pages.push(("ada ends a secret".to_owned(), ada.visit(ended.redirect()).await));
    ada.submit(&secure.press("secure", "off")).await.expect(303);
    pages.push(("ada has an app without a secret".to_owned(), ada.get(&own).await));
    pages.push(("ada rotates nothing".to_owned(), ada.submit(&rotate).await.expect(422)));
    let token = ada.get("/tokens").await.form("/tokens").with("name", "Page token");
    pages.push(("ada issues nothing".to_owned(), ada.submit(&token).await.expect(422)));
    pages.push(("ada issues a token".to_owned(), ada.submit(&token.tick("scope", "links:read")).await.expect(200)));
    pages.push(("ada has a token".to_owned(), ada.get("/tokens").await));
    pages.push(("ada has an app and a token".to_owned(), ada.get("/connected").await));
    let reset = ada.get("/tokens").await.form("/tokens/reset");
    pages.push(("ada resets a token".to_owned(), ada.submit(&reset).await.expect(200)));
    pages.push(("ada resets nothing".to_owned(), ada.submit(&reset).await.expect(422)));
    let link = ada.get("/").await.form("/links").with("url", "ftp://files.example/");
    pages.push(("ada shortens nonsense".to_owned(), ada.submit(&link).await.expect(422)));
    let forged = ada.get("/").await.form("/links").without("csrf");
    pages.push(("a forged form".to_owned(), ada.submit(&forged).await.expect(403)));
    let page = visitor.get("/signin").await;
    let wrong = visitor.submit_sign_in(&page, "nobody", "wrong").await;
    pages.push(("a wrong password".to_owned(), wrong));
    for (path, media_type, body, status) in [
        ("/signin", "application/json", "{}".to_owned(), 415),
        ("/signin", "application/x-www-form-urlencoded", "a=".repeat(200_000), 413),
        ("/connected", "application/x-www-form-urlencoded", String::new(), 405),
    ] {
        let request = http_client().post(example.url(path)).header("content-type", media_type).body(body);
        pages.push((format!("{status} at {path}"), Reply::of(request.send().await.unwrap()).await.expect(status)));
    }
    pages
}

#[tokio::test]
async fn every_page_has_its_protective_headers_and_no_redirect_has_less() {
    let example = Example::start();
    let mut pages = every_page(&example).await;
    for (name, page) in &pages {
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{name}");
    }
    // Redirects of our own, and the one to the app.
    let mut ada = Browser::signed_in(&example, ADA).await;
    let app = App::public(&example).await;
    let consent = ada.get(&app.request("links:read").path).await.form("/oauth/authorize").press("decision", "deny");
    pages.push(("to sign in".to_owned(), Browser::new(&example).get("/connected").await.expect(303)));
    pages.push(("to the app".to_owned(), ada.submit(&consent).await.expect(303)));

    for (name, page) in &pages {
        let policy = page.header("content-security-policy").unwrap_or_else(|| panic!("{name}: no policy"));
        for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.split(';').any(|own| own.trim() == directive), "{name}: {directive} in {policy}");
        }
        // Browsers apply it to the redirect that follows the form, and that leads to the app.
        assert!(!policy.contains("form-action"), "{name}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{name}: {policy}");
        for (header, expected) in [
            ("x-frame-options", &["DENY"][..]),
            ("x-content-type-options", &["nosniff"]),
            ("referrer-policy", &["no-referrer", "same-origin", "strict-origin"]),
            ("cache-control", &["no-store"]),
            ("x-robots-tag", &["noindex"]),
        ] {
            assert!(page.header(header).is_some_and(|value| expected.contains(&value)), "{name}: {header} in {page:?}");
        }
        assert!(page.headers.contains_key("permissions-policy"), "{name}");
        assert_ne!(page.header("cross-origin-opener-policy"), Some("same-origin"), "{name}");
        assert!(page.headers.keys().all(|header| !header.as_str().starts_with("access-control-")), "{name}: {page:?}");
        assert!(page.header("x-request-id").is_some_and(|id| id.len() >= 8), "{name}");
    }
    let mut ids: Vec<&str> = pages.iter().filter_map(|(_, page)| page.header("x-request-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), pages.len(), "each request has a name of its own");
}

#[tokio::test]
async fn every_page_is_whole_readable_by_machines_and_loads_nothing_from_elsewhere() {
    let example = Example::start();
    for (name, page) in every_page(&example).await {
        check_page(&name, &page);
    }
}

/// What holds for a page, whichever it is.
pub fn check_page(name: &str, page: &Reply) {
    let document = page.page();
    assert!(document.errors.is_empty(), "{name}: {:?}", document.errors);
    check_structure(name, &document);
    check_controls(name, &document);
    check_resources(name, &document);
}

fn check_structure(name: &str, page: &Html) {
    assert_eq!(select(page, "html[lang=en]").len(), 1, "{name}: the language");
    assert_eq!(select(page, "h1").len(), 1, "{name}: one heading");
    assert_eq!(select(page, "main").len(), 1, "{name}: one main part");
    assert_eq!(select(page, "meta[name=viewport]").len(), 1, "{name}: fits a phone");
    let title = text(select(page, "title")[0]);
    assert!(title.len() > " · Snip".len(), "{name}: {title}");
    let mut ids: Vec<&str> = select(page, "[id]").iter().filter_map(|element| element.attr("id")).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{name}: an id occurs twice");
}

/// Each control has a name that can be read out.
fn check_controls(name: &str, page: &Html) {
    for control in select(page, "input, textarea, select") {
        if control.attr("type") == Some("hidden") {
            continue;
        }
        let wrapped = control.ancestors().any(|node| node.value().as_element().is_some_and(|e| e.name() == "label"));
        let labelled = control.attr("id").is_some_and(|id| !select(page, &format!("label[for='{id}']")).is_empty());
        assert!(wrapped || labelled, "{name}: {}", control.html());
    }
    for button in select(page, "button, a[href]") {
        assert!(!text(button).is_empty() || button.attr("aria-label").is_some(), "{name}: {}", button.html());
    }
    for referrer in select(page, "[aria-describedby], [aria-labelledby]") {
        for attribute in ["aria-describedby", "aria-labelledby"] {
            for id in referrer.attr(attribute).unwrap_or_default().split_whitespace() {
                assert_eq!(select(page, &format!("[id='{id}']")).len(), 1, "{name}: {attribute} {id}");
            }
        }
    }
}

fn check_resources(name: &str, page: &Html) {
    assert!(select(page, "script, iframe, object, embed, base, style, [style]").is_empty(), "{name}");
    for element in select(page, "*") {
        for (attribute, value) in element.value().attrs() {
            assert!(!attribute.starts_with("on"), "{name}: {}", element.html());
            if attribute == "src" || attribute == "srcset" || (attribute == "href" && element.value().name() == "link")
            {
                assert!(value.starts_with('/') && !value.starts_with("//"), "{name}: {}", element.html());
            }
        }
    }
}

#[tokio::test]
async fn what_an_app_calls_itself_is_text_and_nothing_else() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    for name in [
        r#""><img src=x onerror=alert(1)>"#,
        "<script>alert(1)</script>",
        "</title><script>alert(1)</script>",
        "' autofocus onfocus='alert(1)",
        "{{ 7 * 7 }} &amp; &lt;b&gt;",
    ] {
        let app = App::register(&example, json!({ "client_name": name })).await;
        let consent = ada.get(&app.request("links:read").path).await.expect(200);
        app.connect(&mut ada, "links:read").await;
        let register = ada.get("/developers").await.form("/developers").with("name", name);
        let register = register.with("type", "confidential").with("description", name);
        let registered = ada.submit(&register.with("redirect_uris", "https://app.example/cb")).await.expect(200);
        let own = ada.get(&format!("/developers/app?client_id={}", registered.texts(".facts code")[0])).await;
        assert_eq!(own.form("/developers/edit").value("description"), name);
        let secret = ada.submit(&own.form("/developers/rotate-secret")).await.expect(200);
        let list = ada.get("/developers").await;
        // As typed, when the form has to be shown again.
        let again =
            ada.submit(&list.form("/developers").with("name", name).with("redirect_uris", name)).await.expect(422);
        assert_eq!(again.form("/developers").value("name"), name);
        assert_eq!(again.form("/developers").value("redirect_uris"), name);
        let issue = ada.get("/tokens").await.form("/tokens").with("name", name).tick("scope", "links:read");
        let issued = ada.submit(&issue).await.expect(200);
        let tokens = ada.get("/tokens").await;
        let connected = ada.get("/connected").await;
        for page in [&consent, &registered, &own, &secret, &list, &again, &connected, &issued, &tokens] {
            let document = page.page();
            check_resources(name, &document);
            assert!(select(&document, "img, b").is_empty(), "{name}: {}", page.body);
        }
        for (page, selector) in [
            (&consent, "h1 bdi"),
            (&connected, "h2 bdi"),
            (&connected, "h3 bdi"),
            (&list, "h3 bdi"),
            (&registered, "h1 bdi"),
            (&own, "h1 bdi"),
            (&secret, "h1 bdi"),
            (&issued, "h1 bdi"),
            (&tokens, "h3 bdi"),
        ] {
            let shown = page.texts(selector);
            assert!(shown.iter().any(|shown| shown == name), "{name} in {shown:?}");
        }
    }
}

#[tokio::test]
async fn what_a_link_leads_to_is_text_too_and_only_web_addresses_are_shortened() {
    let example = Example::start();
    let mut ada = Browser::signed_in(&example, ADA).await;
    for url in ["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", r#""><script>alert(1)</script>"#, ""]
    {
        let form = ada.get("/").await.form("/links").with("url", url);
        let page = ada.submit(&form).await.expect(422);
        check_resources(url, &page.page());
        assert_eq!(page.form("/links").value("url"), url);
    }
    let url = "https://long.example/?a=1&b=<b>\"'&copy=2";
    let form = ada.get("/").await.form("/links").with("url", url);
    let created = ada.submit(&form).await;
    let page = ada.visit(created.redirect()).await.expect(200);
    assert!(page.page().errors.is_empty());
    check_resources(url, &page.page());
    assert!(page.texts(".link-list li").iter().any(|row| row.contains("https://long.example/?a=1&b=")));
}

#[tokio::test]
async fn a_name_that_runs_the_wrong_way_is_refused_or_kept_apart() {
    let example = Example::shared();
    for name in ["Snip\u{202e}elgooG", "two\nlines", "nul\u{0}", "x".repeat(5_000).as_str()] {
        let metadata = json!({
            "client_name": name, "redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": "none",
        });
        let reply = http_client().post(example.url("/oauth/register")).json(&metadata).send().await.unwrap();
        Reply::of(reply).await.expect_error(400, "invalid_client_metadata");
    }
}

#[tokio::test]
async fn every_page_calls_the_service_by_its_own_name() {
    for (service, name) in [("clyk", "CLYK"), ("trimlink", "TrimLink"), ("klink", "K-LINK")] {
        let example = Example::start_with(&[("--service", service)]);
        let mut visitor = Browser::new(&example);
        let mut ada = Browser::signed_in(&example, ADA).await;
        let mut pages = Vec::new();
        for path in ["/", "/signin", "/demo", "/no/such/page", "/assets/nosuch"] {
            pages.push(visitor.get(path).await);
        }
        for path in ["/", "/connected", "/tokens", "/developers", "/demo"] {
            pages.push(ada.get(path).await);
        }
        let form = visitor.get("/demo").await.form("/demo/connect");
        let request = visitor.submit(&form).await.redirect().strip_prefix(&example.origin()).unwrap().to_owned();
        pages.push(visitor.visit(&request).await);
        pages.push(ada.visit(&request).await);
        pages.push(ada.get(&format!("/signin?again=1&next={}", "/x".repeat(8_000))).await);
        for page in pages {
            assert!(page.texts("title")[0].ends_with(&format!(" · {name}")), "{page:?}");
            assert_eq!(page.texts(".brand"), [name], "{page:?}");
            assert!(!page.body.contains("Snip"), "{page:?}");
        }
    }
}
