use super::*;

fn refused(text: &str) -> InvalidRedirectUri {
    RedirectUri::parse(text).expect_err(text)
}

#[test]
fn comparison_is_by_character() {
    let registered = RedirectUri::parse("https://app.test/cb").unwrap();
    assert!(registered.matches("https://app.test/cb"));
    for other in [
        "https://app.test/cb/",
        "https://APP.test/cb",
        "HTTPS://app.test/cb",
        "https://app.test:443/cb",
        "https://app.test/%63b",
        "https://app.test/./cb",
        "https://app.test/x/../cb",
        "https://app.test//cb",
        "https://app.test/cb?",
        "https://app.test/cb#",
        "https://app.test/CB",
        "https://app.test/cb/extra",
        "https://app.test/cbx",
        "https://app.test.evil.test/cb",
        "https://sub.app.test/cb",
        "https://app.test/cb?extra=1",
        "https://app.test:444/cb",
        "http://app.test/cb",
        "https://app.test@evil.test/cb",
        "https://app.test./cb",
        "https://app.test/cb/../evil",
        "",
    ] {
        assert!(!registered.matches(other), "{other}");
    }
}

#[test]
fn the_query_takes_part_in_the_comparison() {
    let registered = RedirectUri::parse("https://app.test/cb2?x=1&y=a%20b").unwrap();
    assert!(registered.matches("https://app.test/cb2?x=1&y=a%20b"));
    assert!(!registered.matches("https://app.test/cb2?y=a%20b&x=1"));
    assert!(!registered.matches("https://app.test/cb2?x=1&y=a+b"));
}

#[test]
fn the_port_of_a_loopback_uri_is_free_in_both_directions() {
    for (registered, requested) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"),
        ("http://127.0.0.1:33418/cb", "http://127.0.0.1:5000/cb"),
        ("http://127.0.0.1:33418/cb", "http://127.0.0.1/cb"),
        ("http://127.0.0.1:33418", "http://127.0.0.1:1"),
        ("http://[::1]/cb", "http://[::1]:61023/cb"),
        ("http://localhost/callback", "http://localhost:65535/callback"),
        ("http://127.0.0.1/cb?x=1", "http://127.0.0.1:9/cb?x=1"),
    ] {
        assert!(RedirectUri::parse(registered).unwrap().matches(requested), "{registered} {requested}");
    }
}

#[test]
fn loopback_hosts_are_distinct_and_nothing_but_the_port_is_free() {
    let registered = RedirectUri::parse("http://127.0.0.1/cb").unwrap();
    for other in [
        "http://localhost:1/cb",
        "http://[::1]:1/cb",
        "http://127.1:1/cb",
        "http://2130706433:1/cb",
        "http://0x7f.1:1/cb",
        "http://localhost.:1/cb",
        "http://0.0.0.0:1/cb",
        "http://127.0.0.2:1/cb",
        "http://127.0.0.1:51004/cb/",
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/cb?x=1",
        "http://127.0.0.1:80@evil.test/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:+80/cb",
        "http://127.0.0.1:8 0/cb",
        "http://127.0.0.1:%38/cb",
        "http://127.0.0.1:080/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:１２/cb",
        "http://127.0.0.1:/cb",
        "https://127.0.0.1:8443/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1:1/cb#",
        "HTTP://127.0.0.1:1/cb",
    ] {
        assert!(!registered.matches(other), "{other}");
    }
    let v6 = RedirectUri::parse("http://[::1]/cb").unwrap();
    assert!(!v6.matches("http://[0:0:0:0:0:0:0:1]:1/cb"));
}

#[test]
fn https_on_a_loopback_address_matches_exactly() {
    let registered = RedirectUri::parse("https://127.0.0.1:8443/cb").unwrap();
    assert!(!registered.matches("https://127.0.0.1:8444/cb"));
}

#[test]
fn malformed_and_relative_uris_are_refused() {
    for text in [
        "/cb",
        "//app.test/cb",
        "https:app.test/cb",
        "https:/app.test/cb",
        "https:///evil.test",
        "cb",
        "",
        "https://",
        "com.example.app:",
    ] {
        assert_eq!(refused(text), InvalidRedirectUri::NotAbsolute, "{text}");
    }
    for text in [
        "https://app.test:99999/cb",
        "https://app.test:0/cb",
        "https://app.test:/cb",
        "https://app.test:080/cb",
        "https://app%2etest/cb",
    ] {
        assert_eq!(refused(text), InvalidRedirectUri::NotAbsolute, "{text}");
    }
}

#[test]
fn a_fragment_is_refused_even_when_empty() {
    assert_eq!(refused("https://app.test/cb#"), InvalidRedirectUri::Fragment);
    assert_eq!(refused("https://app.test/cb#x"), InvalidRedirectUri::Fragment);
}

#[test]
fn user_info_is_refused() {
    for text in ["https://app.test@evil.test/cb", "https://user:pw@app.test/cb", "https://app.test%25@evil.test/"] {
        assert_eq!(refused(text), InvalidRedirectUri::UserInfo, "{text}");
    }
}

#[test]
fn plain_http_is_for_loopback_hosts_only() {
    for text in [
        "http://app.test/cb",
        "http://127.1/cb",
        "http://0x7f000001/cb",
        "http://localhost./cb",
        "http://[::ffff:127.0.0.1]/cb",
        "http://127.0.0.1.evil.test/",
    ] {
        assert_eq!(refused(text), InvalidRedirectUri::PlainHttp, "{text}");
    }
}

#[test]
fn dangerous_schemes_are_refused_in_any_spelling() {
    for text in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://x",
        "about:blank",
        "view-source:x",
        "intent:x",
    ] {
        assert_eq!(refused(text), InvalidRedirectUri::Scheme, "{text}");
    }
    assert_eq!(refused(" javascript:alert(1)"), InvalidRedirectUri::Character);
    assert_eq!(refused("java\nscript:alert(1)"), InvalidRedirectUri::Character);
}

#[test]
fn characters_that_confuse_parsers_are_refused() {
    for text in [
        "https://app.test\\@evil.test/cb",
        "https://app.test/cb\r\nX: y",
        "https://app。test/cb",
        "https://аpp.test/cb",
        "https://*.app.test/cb",
        "https://app.test/a b",
    ] {
        assert_eq!(refused(text), InvalidRedirectUri::Character, "{text}");
    }
}

#[test]
fn a_query_that_would_repeat_a_response_parameter_is_refused() {
    for name in ["code", "state", "iss", "error", "response", "st%61te"] {
        assert_eq!(
            refused(&format!("https://app.test/cb?x=1&{name}=1")),
            InvalidRedirectUri::ReservedParameter,
            "{name}"
        );
    }
}

#[test]
fn a_long_uri_is_refused() {
    assert_eq!(refused(&format!("https://app.test/{}", "a".repeat(3_000))), InvalidRedirectUri::TooLong);
}

#[test]
fn the_text_is_kept_as_registered() {
    for text in [
        "https://App.test:8443",
        "com.example.app:/cb",
        "https://app.test/a%2Fb",
        "https://app.test",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ] {
        assert_eq!(RedirectUri::parse(text).unwrap().as_str(), text);
    }
}

#[test]
fn the_policy_decides_about_localhost_and_schemes_without_a_dot() {
    let localhost = RedirectUri::parse("http://localhost/cb").unwrap();
    let cursor = RedirectUri::parse("cursor://anysphere.cursor-mcp/oauth/callback").unwrap();
    let app = RedirectUri::parse("com.example.app:/cb").unwrap();
    let policy = RedirectUriPolicy::new();
    assert!(policy.accepts(&localhost) && policy.accepts(&app) && !policy.accepts(&cursor));
    let policy = policy.with_localhost(LocalhostRedirects::Refused).with_scheme("cursor");
    assert!(!policy.accepts(&localhost) && policy.accepts(&cursor));
}

#[test]
fn a_page_shows_the_host_without_the_port_or_the_scheme_of_an_app() {
    for (uri, shown) in [
        ("https://App.test:8443/cb", "app.test"),
        ("http://[::1]:7/cb", "[::1]"),
        ("http://[::1]/cb", "[::1]"),
        ("com.example.app:/cb", "com.example.app:"),
    ] {
        assert_eq!(RedirectUri::parse(uri).unwrap().display_host(), shown);
    }
}
