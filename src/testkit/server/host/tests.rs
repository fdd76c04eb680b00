//! What a browser meets.

use http::{HeaderMap, Request, Response, StatusCode};

use super::*;
use crate::client::Client;
use crate::testkit::block_on;

const HERE: &str = "/oauth/authorize?response_type=code&client_id=board&redirect_uri=https%3A%2F%2Fboard.example%2Fcb\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=read%20write&state=x";
const FORM: &str = "application/x-www-form-urlencoded";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A browser with its cookie.
struct Browser {
    server: TestServer,
    cookie: String,
}

type Reply = Response<Bytes>;

impl Browser {
    fn new() -> Self {
        let server = TestServer::new();
        let client = Client::public("board".parse().unwrap());
        block_on(server.insert_client(&client.with_redirect_uri("https://board.example/cb".parse().unwrap())));
        Self { server, cookie: String::new() }
    }

    fn signed_in() -> Self {
        let mut browser = Self::new();
        let reply = browser.post("/signin", &[("username", "alice"), ("next", HERE)], None);
        assert_eq!((reply.status(), header(&reply, "location")), (StatusCode::SEE_OTHER, HERE));
        browser
    }

    fn send(&mut self, request: http::request::Builder, body: String) -> Reply {
        let reply = block_on(self.server.respond(request.header("cookie", &self.cookie).body(body).unwrap()));
        if let Some(cookie) = reply.headers().get("set-cookie") {
            self.cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        reply
    }

    fn get(&mut self, path: &str) -> Reply {
        self.send(Request::get(path), String::new())
    }

    fn post(&mut self, path: &str, form: &[(&str, &str)], origin: Option<&str>) -> Reply {
        let mut request = Request::post(path).header("content-type", FORM);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        self.send(request, Form::of(form.iter().copied()).encode())
    }

    fn decide(&mut self, form: &[(&str, &str)], origin: Option<&str>) -> Reply {
        let page = self.get(HERE);
        let token = between(&text(&page), "name=\"consent_token\" value=\"", "\"").to_owned();
        let form = [&[("consent_token", token.as_str())], form].concat();
        self.post(HERE, &form, origin)
    }

    fn call(&mut self, method: &str, path: &str, token: &str) -> Reply {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        self.send(request, String::new())
    }
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body().to_vec()).unwrap()
}

fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}

#[track_caller]
fn assert_is_page(reply: &Reply, status: u16) {
    assert_eq!(reply.status(), status, "{}", text(reply));
    assert_eq!(header(reply, "content-type"), "text/html; charset=utf-8");
    assert_eq!(header(reply, "cache-control"), "no-store");
    assert_eq!(header(reply, "x-frame-options"), "DENY");
    assert!(reply.headers().get("location").is_none());
}

#[test]
fn a_person_signs_in_approves_a_part_and_the_client_calls_the_api() {
    let mut browser = Browser::new();
    let reply = browser.get(HERE);
    assert_eq!(reply.status(), StatusCode::SEE_OTHER);
    let sign_in = browser.get(header(&reply, "location"));
    assert_is_page(&sign_in, 200);
    assert!(text(&sign_in).contains("value=\"/oauth/authorize?response_type=code&amp;client_id=board"));

    let mut browser = Browser::signed_in();
    let reply = browser.decide(&[("decision", "approve"), ("scope", "read")], Some("https://as.test"));
    assert_eq!(reply.status(), StatusCode::SEE_OTHER, "{}", text(&reply));
    let location = header(&reply, "location");
    assert!(location.ends_with("&state=x&iss=https%3A%2F%2Fas.test"), "{location}");
    let code = between(location, "https://board.example/cb?code=", "&");
    let (client, redirect_uri) = (("client_id", "board"), ("redirect_uri", "https://board.example/cb"));
    let grant = [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
    let reply = browser.post("/oauth/token", &[&grant[..], &[client, redirect_uri]].concat(), None);
    let tokens: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
    let token = tokens["access_token"].as_str().unwrap();

    let reply = browser.call("GET", "https://api.test/one", token);
    assert_eq!(text(&reply), r#"{"client_id":"board","scope":"read","subject":"alice"}"#);
    assert_eq!(browser.call("HEAD", "/one", token).body().len(), 0);
    assert_eq!(browser.call("POST", "/one", token).status(), StatusCode::FORBIDDEN);
    assert_eq!(browser.call("GET", "/two", token).status(), StatusCode::UNAUTHORIZED);
    assert_eq!(header(&browser.call("PUT", "/one", token), "allow"), "GET, POST");
}

#[test]
fn an_api_answers_a_preflight_and_says_where_its_metadata_is() {
    let mut browser = Browser::new();
    let reply = browser.send(Request::options("/one"), String::new());
    assert_eq!((reply.status(), header(&reply, "access-control-allow-origin")), (StatusCode::NO_CONTENT, "*"));
    let reply = browser.get("/one");
    assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
    let challenge = header(&reply, "www-authenticate");
    assert!(challenge.contains("resource_metadata=\"https://api.test/.well-known/oauth-protected-resource/one\""));
    let reply = browser.get("/.well-known/oauth-protected-resource/one");
    let document: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
    assert_eq!(document["resource"], "https://api.test/one");
    assert_eq!(header(&reply, "access-control-allow-origin"), "*");
    let reply = browser.post("/.well-known/oauth-protected-resource/one", &[], None);
    assert_eq!((reply.status(), header(&reply, "allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
}

#[test]
fn a_denial_goes_to_the_client() {
    let reply = Browser::signed_in().decide(&[("decision", "deny")], None);
    assert!(header(&reply, "location").starts_with("https://board.example/cb?error=access_denied"));
}

#[test]
fn a_decision_of_another_site_is_refused() {
    let mut browser = Browser::signed_in();
    let approve = [("decision", "approve"), ("scope", "read")];
    assert_is_page(&browser.decide(&approve, Some("https://elsewhere.example")), 403);
    assert_is_page(&browser.post(HERE, &approve, None), 403);
    assert_is_page(&browser.decide(&[("decision", "perhaps")], None), 400);
}

#[test]
fn another_subdomain_or_scheme_is_another_site() {
    let mut browser = Browser::new();
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 303), ("none", 303)] {
        let request = Request::post("/signin").header("content-type", FORM).header("sec-fetch-site", site);
        assert_eq!(browser.send(request, "username=alice".to_owned()).status(), status, "{site}");
    }
    for (origin, status) in [("http://localhost", 403), ("https://localhost", 303)] {
        let request = Request::post("/signin").header("content-type", FORM).header("host", "localhost");
        let request = request.header("origin", origin);
        assert_eq!(browser.send(request, "username=alice".to_owned()).status(), status, "{origin}");
    }
}

#[test]
fn a_posted_request_begins_with_the_page_and_keeps_the_session() {
    let mut browser = Browser::signed_in();
    let form = [("client_id", "board"), ("decision", "approve")];
    let reply = browser.post("/oauth/authorize", &form, Some("https://elsewhere.example"));
    assert_eq!(header(&reply, "location"), "/oauth/authorize?client_id=board&decision=approve");
    assert!(reply.headers().get("set-cookie").is_none());
    // What would not be the same request by GET is none.
    for body in ["client_id=board&state=a#b", "client_id=board&state=a b"] {
        let request = Request::post("/oauth/authorize").header("content-type", FORM);
        assert_is_page(&browser.send(request, body.to_owned()), 400);
    }
    let reply = browser.send(Request::post("/oauth/authorize"), "client_id=board".to_owned());
    assert_is_page(&reply, 415);
}

#[test]
fn what_no_client_can_be_told_is_a_page() {
    assert_is_page(&Browser::new().get("/oauth/authorize?client_id=nobody"), 400);
    for method in ["HEAD", "PUT", "OPTIONS"] {
        let reply = Browser::signed_in().send(Request::builder().method(method).uri(HERE), String::new());
        assert_eq!((reply.status(), header(&reply, "allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, POST"));
        assert!(reply.headers().get("access-control-allow-origin").is_none());
    }
}

#[test]
fn a_session_is_made_at_sign_in_and_ends_at_sign_out() {
    let mut browser = Browser::new();
    browser.cookie = "__Host-session=planted".to_owned();
    let reply = browser.post("/signin", &[("username", "mallory")], Some("https://elsewhere.example"));
    assert_is_page(&reply, 403);
    let reply = browser.post("/signin", &[("username", "alice"), ("next", "//elsewhere.example")], None);
    assert_eq!(header(&reply, "location"), "/");
    let cookie = header(&reply, "set-cookie").to_owned();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure") && !cookie.contains("planted"), "{cookie}");
    assert!(text(&browser.get("/")).contains("alice is signed in"));

    let before = browser.cookie.clone();
    assert_eq!(browser.post("/signout", &[], None).status(), StatusCode::SEE_OTHER);
    browser.cookie = before;
    assert!(text(&browser.get("/")).contains("Nobody is signed in"));
}

#[test]
fn somebody_who_has_to_sign_in_again_is_asked_once() {
    let mut browser = Browser::signed_in();
    let here = format!("{HERE}&prompt=login");
    assert!(header(&browser.get(&here), "location").starts_with("/signin?next="));
    let _ = browser.post("/signin", &[("username", "alice"), ("next", &here)], None);
    assert_is_page(&browser.get(&here), 200);
}

#[test]
fn what_pages_show_is_escaped() {
    let mut browser = Browser::new();
    let _ = browser.post("/signin", &[("username", "<b>&\"'"), ("next", HERE)], None);
    assert!(text(&browser.get(HERE)).contains("Signed in as &lt;b&gt;&amp;&quot;&#39;."));
    let headers = HeaderMap::new();
    assert!(Visitor::of(&browser.server, &headers).session().is_none());
}
