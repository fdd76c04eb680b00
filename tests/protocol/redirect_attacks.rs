//! Attacks on the redirect URI (section 14.1), with the attackers' own payloads.
//!
//! A test passes when the attacker gets nothing, and the client that was attacked works as before.

use serde_json::json;

use crate::browser::{expect_code, expect_page};
use crate::registration::{public, register, with};
use crate::support::{Setup, redirect_uri};

/// Each payload as the redirect URI of a request; nothing is issued, and the honest request works afterwards.
pub async fn expect_shown(setup: &Setup, client: &str, payloads: &[&str]) {
    for payload in payloads {
        let request = setup.request(client).set("redirect_uri", payload);
        expect_page(&setup.approve(&request).await, 400, &request);
    }
    assert!(setup.granted().await.is_empty());
    let request = setup.request(client);
    expect_code(&setup.approve(&request).await, redirect_uri(client), &request);
}

/// Each payload as the redirect URI of a registration.
pub async fn expect_unregistrable(setup: &Setup, payloads: &[&str]) {
    for payload in payloads {
        let answer = register(setup, &with(public(), "redirect_uris", json!([payload]))).await;
        assert!(!answer.status.is_success(), "{payload:?} is registered");
        answer.expect_error(400, "invalid_redirect_uri");
    }
}

on_both_stores! {
    // ATK-006
    async fn user_info_in_a_redirect_uri_is_refused(setup) {
        let payloads = [
            "https://app.test@evil.test/cb",
            "https://app.test%25@evil.test/",
            "https://user:pw@app.test/cb",
            "https://app.test:443@evil.test/cb",
        ];
        expect_shown(&setup, "pub", &payloads).await;
        expect_unregistrable(&setup, &payloads).await;
        expect_unregistrable(&setup, &["https://app.test%40evil.test"]).await;
    }

    // ATK-006
    async fn an_escaped_at_sign_does_not_pass_for_the_registered_host(setup) {
        expect_shown(
            &setup,
            "pub",
            &["https://app.test%40evil.test", "https://app.test%40evil.test/cb", "https://app.test%2540evil.test/cb"],
        )
        .await;
    }

    // ATK-007
    async fn misplaced_slashes_and_backslashes_are_refused(setup) {
        let payloads = [
            "https://evil.test\\@app.test/cb",
            "https:\\\\evil.test",
            "https:///evil.test",
            "https:evil.test",
            "//evil.test",
            "\\\\evil.test",
            "/\\evil.test",
            "https://app.test\\.evil.test/cb",
            "https:/evil.test/cb",
            "https://app.test/cb\\..\\evil",
        ];
        expect_shown(&setup, "pub", &payloads).await;
        expect_unregistrable(&setup, &payloads).await;
    }

    // ATK-008
    async fn a_traversed_path_is_another_path(setup) {
        expect_shown(
            &setup,
            "pub",
            &[
                "https://app.test/cb/../evil",
                "https://app.test/cb/%2e%2e/evil",
                "https://app.test/cb;/../x",
                "https://app.test/cb/..%2fevil",
                "https://app.test/evil/../cb",
                "https://app.test/cb/.",
                "https://app.test/cb/..",
                "https://app.test/cb%2f..%2fevil",
            ],
        )
        .await;
    }

    // ATK-009
    async fn another_port_is_another_place(setup) {
        expect_shown(
            &setup,
            "pub",
            &["https://app.test:444/cb", "https://app.test:443/cb", "https://app.test:/cb", "https://app.test:0443/cb"],
        )
        .await;
        expect_unregistrable(
            &setup,
            &[
                "https://app.test:65536/cb",
                "https://app.test:/cb",
                "https://app.test:0443/cb",
                "http://127.0.0.1:80@evil.test/",
            ],
        )
        .await;
    }

    // ATK-009
    async fn nothing_is_smuggled_into_the_port_of_a_loopback_uri(setup) {
        expect_shown(
            &setup,
            "native",
            &[
                "http://127.0.0.1:80@evil.test/",
                "http://127.0.0.1:80@evil.test/cb",
                "http://127.0.0.1:080/cb",
                "http://127.0.0.1:65536/cb",
                "http://127.0.0.1:１２/cb",
                "http://127.0.0.1:/cb",
                "http://127.0.0.1:80:81/cb",
                "http://127.0.0.1:80\\@evil.test/cb",
                "http://127.0.0.1:80?@evil.test/cb",
                "http://127.0.0.1:80#@evil.test/cb",
            ],
        )
        .await;
    }

    // ATK-010
    async fn another_letter_case_or_encoding_is_another_uri(setup) {
        expect_shown(
            &setup,
            "pub",
            &[
                "https://APP.TEST/cb",
                "HTTPS://app.test/cb",
                "Https://app.test/cb",
                "https://app.test%2Fcb",
                "https://app.test/%63b",
                "https://app.test/%43B",
                "https://app.test/cb?",
                "https://app.test/cb#",
                "https://app.test/cb%7E",
                "https://app.test/cb/",
            ],
        )
        .await;
    }

    // ATK-011
    async fn unicode_look_alikes_are_refused(setup) {
        let payloads = [
            "https://аpp.test/cb",
            "https://app。test/cb",
            "https://ａpp.test/cb",
            "https://app.test/ｃb",
            "https://a\u{AD}pp.test/cb",
            "https://ap\u{200D}p.test/cb",
            "https://app.teßt/cb",
            "https://app.te\u{17F}t/cb",
            "https://app.test\u{2044}cb",
            "https://app.test/cb\u{FEFF}",
        ];
        expect_shown(&setup, "pub", &payloads).await;
        expect_unregistrable(&setup, &payloads).await;
    }

    // ATK-012
    async fn other_spellings_of_the_loopback_host_are_refused(setup) {
        expect_shown(
            &setup,
            "native",
            &[
                "http://localhost./cb",
                "http://127.1/cb",
                "http://0x7f000001/cb",
                "http://2130706433/cb",
                "http://[::ffff:127.0.0.1]/cb",
                "http://127.0.0.1./cb",
                "http://0/cb",
                "http://[0:0:0:0:0:0:0:1]/cb",
                "http://017700000001/cb",
            ],
        )
        .await;
        expect_unregistrable(
            &setup,
            &["http://localhost./cb", "http://127.1/cb", "http://0x7f000001/cb", "http://[::ffff:127.0.0.1]/cb"],
        )
        .await;
    }

    // ATK-012
    async fn a_trailing_dot_makes_another_host(setup) {
        expect_shown(&setup, "pub", &["https://app.test./cb", "https://app.test../cb"]).await;
    }

    // ATK-014
    async fn script_and_local_schemes_are_refused(setup) {
        let payloads = [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "javascript://app.test/cb%0aalert(1)",
            "data:text/html,<script>alert(1)</script>",
            "DATA:x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://app.test/x",
            " javascript:alert(1)",
            "\tjavascript:alert(1)",
            "java\nscript:alert(1)",
            "java\tscript:alert(1)",
            "view-source:javascript:alert(1)",
            "view-source:https://app.test/cb",
            "jar:https://app.test!/cb",
        ];
        expect_shown(&setup, "pub", &payloads).await;
        expect_unregistrable(&setup, &payloads).await;
    }

    // ATK-018
    async fn wildcards_and_sub_domains_are_refused(setup) {
        expect_unregistrable(
            &setup,
            &["https://*.app.test/cb", "https://app.test/*", "https://*/cb", "*", "http://127.0.0.1:*/cb"],
        )
        .await;
        expect_shown(
            &setup,
            "pub",
            &[
                "https://sub.app.test/cb",
                "https://app.test.evil.test/cb",
                "https://evilapp.test/cb",
                "https://*.app.test/cb",
            ],
        )
        .await;
    }
}
