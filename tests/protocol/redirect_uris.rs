//! Redirect URIs: comparison by character, and nothing dangerous even if it is registered.

use grantor::client::Client;
use grantor::redirect_uri::{InvalidRedirectUri, LocalhostRedirects, RedirectUri, RedirectUriPolicy};

use crate::browser::{expect_code, expect_page};
use crate::support::{Setup, redirect_uri};

/// Registers a public client with these redirect URIs.
async fn add(setup: &Setup, id: &str, uris: &[&str]) {
    let client = Client::public(id.parse().unwrap());
    setup.add(uris.iter().fold(client, |client, uri| client.with_redirect_uri(uri.parse().expect(uri)))).await;
}

/// What no client may be sent to, whatever is registered.
const UNACCEPTABLE: [&str; 46] = [
    // RURI-004
    "https://app.test/cb#",
    "https://app.test/cb#x",
    "/cb",
    "//app.test/cb",
    "https:app.test/cb",
    "https:/app.test/cb",
    "https:///app.test/cb",
    "app.test/cb",
    // RURI-008
    "http://app.test/cb",
    "http://10.0.0.1/cb",
    "http://127.0.0.1.evil.test/cb",
    // RURI-009
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript:alert(1)",
    "java%0ascript:alert(1)",
    "javascript://app.test/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "DATA:text/html;base64,PHNjcmlwdD4=",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://app.test/x",
    "about:blank",
    "view-source:https://app.test/cb",
    "intent://app.test/cb#Intent;end",
    "filesystem:https://app.test/x",
    "mailto:a@app.test",
    // RURI-010
    "https://app.test\\@evil.test/cb",
    "https:\\\\evil.test/cb",
    "https://app.test/cb\r\nX: y",
    "https://app.test/c b",
    "https://app.test/cb\u{0}",
    "https://app。test/cb",
    "https://аpp.test/cb",
    "https://app.test/cb\u{200D}",
    "https://app.test/cb\"",
    "https://app.test/<cb>",
    // RURI-011
    "https://app.test@evil.test/cb",
    "https://user:pw@app.test/cb",
    "https://@app.test/cb",
    "https://app.test%25@evil.test/",
    // ATK-018
    "https://*.app.test/cb",
    "https://app.test/*",
    // NAT-006
    "https://app.test:99999/cb",
    "https://app.test:0/cb",
];

on_both_stores! {
    // RURI-001, RURI-002, BCP-001, ATK-006, ATK-008, ATK-009, ATK-010
    async fn a_redirect_uri_is_compared_by_character(setup) {
        for uri in [
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
            "https://app.test",
            "https://app.test/",
            "http://app.test/cb",
            "https://app.test:444/cb",
            " https://app.test/cb",
            "https://app.test/cb ",
            "https://app.test/cb\n",
            "https://app.test/cb%20",
            "https%3A%2F%2Fapp.test%2Fcb",
            "https://app.test/cb;x=1",
            "https://app.test/c",
            "ttps://app.test/cb",
        ] {
            let request = setup.request("pub").set("redirect_uri", uri);
            expect_page(&setup.approve(&request).await, 400, &request);
        }
        assert!(setup.granted().await.is_empty());
    }

    // RURI-003
    async fn the_query_of_a_redirect_uri_takes_part_in_the_comparison(setup) {
        for uri in [
            "https://app.test/cb2?y=a%20b&x=1",
            "https://app.test/cb2?x=1&y=a+b",
            "https://app.test/cb2?x=1&y=a b",
            "https://app.test/cb2",
            "https://app.test/cb2?x=1",
            "https://app.test/cb2?x=1&y=a%20b&z",
            "https://app.test/cb2?X=1&y=a%20b",
            "https://app.test/cb?x=1",
        ] {
            let request = setup.request("multi").set("redirect_uri", uri);
            expect_page(&setup.approve(&request).await, 400, &request);
        }
        for uri in ["https://app.test/cb2?x=1&y=a%20b", "https://app.test/cb"] {
            let request = setup.request("multi").set("redirect_uri", uri);
            expect_code(&setup.approve(&request).await, uri, &request);
        }
    }

    // RURI-004, RURI-008 to RURI-011, ATK-006, ATK-007, ATK-011, ATK-014
    async fn an_unacceptable_redirect_uri_is_shown_and_never_redirected(setup) {
        for client in ["pub", "native", "self"] {
            for uri in UNACCEPTABLE {
                let request = setup.request(client).set("redirect_uri", uri);
                let shown = match setup.pending(&request).await {
                    Ok(pending) => panic!("{uri:?} is accepted: {pending:?}"),
                    Err(error) => setup.answer(error, grantor::Visitor::SignedIn),
                };
                expect_page(&shown, 400, &request);
            }
        }
    }

    // RURI-005, D3
    async fn the_only_registered_redirect_uri_stands_for_a_missing_one(setup) {
        for request in [setup.request("pub").without("redirect_uri"), setup.request("pub").set("redirect_uri", "")] {
            let code = expect_code(&setup.approve(&request).await, redirect_uri("pub"), &request);
            setup.token(&setup.exchange("pub", &code).without("redirect_uri")).await.expect_ok();
        }
        let code = setup.code_for(&setup.request("pub").without("redirect_uri")).await;
        setup.token(&setup.exchange("pub", &code)).await.expect_ok();
    }

    // RURI-007
    async fn a_loopback_redirect_uri_never_stands_for_a_missing_one(setup) {
        for (id, uri) in
            [("v4", "http://127.0.0.1/cb"), ("v6", "http://[::1]/cb"), ("name", "http://localhost:5000/cb")]
        {
            add(&setup, id, &[uri]).await;
            let request = setup.request("pub").set("client_id", id).without("redirect_uri");
            expect_page(&setup.approve(&request).await, 400, &request);
        }
    }

    // RURI-012
    async fn an_existing_query_is_kept_byte_for_byte_and_joined(setup) {
        let request = setup.request("multi");
        let answer = setup.approve(&request).await;
        let location = answer.header("location").unwrap();
        assert!(location.starts_with("https://app.test/cb2?x=1&y=a%20b&code="), "{location}");
        let request = request.set("scope", "bogus");
        let answer = setup.approve(&request).await;
        assert!(
            answer.header("location").unwrap().starts_with("https://app.test/cb2?x=1&y=a%20b&error="),
            "{answer:?}"
        );
    }

    // RURI-013, RURI-014, NAT-014
    async fn a_location_begins_with_exactly_the_text_that_was_registered(setup) {
        let uris = [
            "https://App.test:8443",
            "https://app.test",
            "https://app.test/",
            "com.example.app:/cb",
            "com.example.app://cb",
            "COM.Example.app:/Cb",
            "https://app.test/a%2Fb",
            "https://app.test/a%2fb/../c",
            "https://app.test:443/cb",
            "https://app.test/~a/%7Ea",
            "https://app.test/cb;v=1",
            "https://xn--e1afmkfd.test/cb",
            "https://app.test?x",
            "https://app.test/cb?x=%20&y=+",
            "https://[2001:db8::1]/cb",
        ];
        add(&setup, "exact", &uris).await;
        for uri in uris {
            let request = setup.request("pub").set("client_id", "exact").set("redirect_uri", uri);
            let answer = setup.approve(&request).await;
            expect_code(&answer, uri, &request);
            let joint = if uri.contains('?') { '&' } else { '?' };
            assert!(answer.header("location").unwrap().starts_with(&format!("{uri}{joint}code=")), "{answer:?}");
        }
    }

    // RURI-017, NAT-001
    async fn a_code_is_bound_to_the_redirect_uri_that_was_used_port_included(setup) {
        let request = setup.request("native").set("redirect_uri", "http://127.0.0.1:5555/cb");
        let code = setup.code_for(&request).await;
        let exchange = setup.exchange("native", &code);
        for other in
            ["http://127.0.0.1:6666/cb", "http://127.0.0.1/cb", "http://localhost:5555/cb", "http://127.0.0.1:5555/cb/"]
        {
            setup.token(&exchange.clone().set("redirect_uri", other)).await.expect_error(400, "invalid_grant");
        }
        setup.token(&exchange.set("redirect_uri", "http://127.0.0.1:5555/cb")).await.expect_ok();
    }

    // RURI-019, RURI-018
    async fn a_redirect_uri_that_was_taken_away_meanwhile_is_not_redirected_to(setup) {
        let request = setup.request("multi");
        let token = setup.consent_token(&setup.pending(&request).await.unwrap());
        setup
            .change("multi", |client| {
                let left =
                    Client::public(client.id().clone()).with_redirect_uri("https://app.test/cb".parse().unwrap());
                left.with_version(client.version())
            })
            .await;
        expect_page(&setup.approve(&request).await, 400, &request);
        let elsewhere = setup.pending(&request.set("redirect_uri", "https://app.test/cb")).await.unwrap();
        let error = elsewhere.confirm(&setup.session, &setup.alice, &token).unwrap_err();
        expect_page(&setup.answer(error, grantor::Visitor::SignedIn), 403, &"the token of another redirect URI");
        assert!(setup.granted().await.is_empty());
    }

    // RURI-001
    async fn a_client_is_not_sent_to_the_redirect_uri_of_another(setup) {
        for (client, other) in [("pub", "web"), ("web", "pub"), ("native", "pub"), ("multi", "other-pub")] {
            let request = setup.request(client).set("redirect_uri", redirect_uri(other));
            expect_page(&setup.approve(&request).await, 400, &request);
        }
    }
}

// RURI-004, RURI-008 to RURI-011, ATK-014, ATK-018
#[test]
fn an_unacceptable_redirect_uri_cannot_be_registered() {
    for uri in UNACCEPTABLE {
        assert!(RedirectUri::parse(uri).is_err(), "{uri:?}");
        assert!(serde_json::from_value::<RedirectUri>(uri.into()).is_err(), "{uri:?} out of a store");
    }
}

// RURI-015, ATK-016
#[test]
fn a_redirect_uri_whose_query_would_collide_with_the_response_cannot_be_registered() {
    for name in ["code", "state", "iss", "error", "error_description", "error_uri", "response", "c%6Fde"] {
        for uri in [format!("https://app.test/cb?{name}=1"), format!("https://app.test/cb?x=1&{name}")] {
            assert_eq!(RedirectUri::parse(&uri), Err(InvalidRedirectUri::ReservedParameter), "{uri}");
        }
    }
    assert!(RedirectUri::parse("https://app.test/cb?coder=1&my_state=2").is_ok());
}

// RURI-020
#[test]
fn a_redirect_uri_without_bounds_cannot_be_registered() {
    let of = |length: usize| format!("https://app.test/{}", "a".repeat(length - "https://app.test/".len()));
    assert!(RedirectUri::parse(&of(2_000)).is_ok());
    assert_eq!(RedirectUri::parse(&of(2_001)), Err(InvalidRedirectUri::TooLong));
    assert_eq!(RedirectUri::parse(&of(3_000)), Err(InvalidRedirectUri::TooLong));
}

// RURI-008, RURI-009, D11, D12: what is registered already is judged again at use.
#[tokio::test]
async fn a_registered_redirect_uri_that_the_operator_does_not_accept_any_more_is_not_redirected_to() {
    let strict = || RedirectUriPolicy::new().with_localhost(LocalhostRedirects::Refused);
    for setup in Setup::both_with(|builder| builder.redirect_uris(strict())).await {
        add(&setup, "dotless", &["cursor://anysphere.cursor-mcp/oauth/callback"]).await;
        add(&setup, "name", &["http://localhost/cb"]).await;
        for (client, uri) in [
            ("native", "http://localhost:5000/cb"),
            ("name", "http://localhost:5000/cb"),
            ("dotless", "cursor://anysphere.cursor-mcp/oauth/callback"),
        ] {
            let request = setup.request("pub").set("client_id", client).set("redirect_uri", uri);
            expect_page(&setup.approve(&request).await, 400, &request);
            let request = request.without("redirect_uri");
            expect_page(&setup.approve(&request).await, 400, &request);
        }
        let request = setup.request("native");
        expect_code(&setup.approve(&request).await, redirect_uri("native"), &request);
    }
}
