//! Attacks on the redirect URI: with the attackers' own payloads (RFC 9700 §4.1).

use crate::testkit::protocol::Run;

/// The redirect URI of the public client in parts: its scheme with `//`, its host, its path.
fn parts<'a>(run: &Run<'a>) -> (&'a str, &'a str, &'a str) {
    let uri = run.profile().public.redirect_uri.as_str();
    let authority = uri.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = uri.split_at_checked(authority).unwrap_or_default();
    let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or_default();
    (scheme, host, path)
}

rows! {
    $ __protocol_rows_front_channel_attacks_redirect_uris;

    /// User info before another host does not make that the registered one.
    ["ATK-006", Must, "RFC 9700 §4.1; practice"]
    async fn atk_006_user_info_in_a_redirect_uri_is_refused(run) {
        let (scheme, host, path) = parts(run);
        let payloads = [
            format!("{scheme}{host}@evil.test{path}"),
            format!("{scheme}{host}%25@evil.test/"),
            format!("{scheme}user:pw@{host}{path}"),
            format!("{scheme}@{host}{path}"),
            format!("{scheme}{host}:443@evil.test{path}"),
        ];
        run.expect_shown(&run.profile().public, &payloads).await?;
        let escaped = [
            format!("{scheme}{host}%40evil.test"),
            format!("{scheme}{host}%40evil.test{path}"),
            format!("{scheme}{host}%2540evil.test{path}"),
        ];
        run.expect_shown(&run.profile().public, &escaped).await?;
        run.expect_unregistrable(&[
            "https://newcomer.test@evil.test/cb",
            "https://newcomer.test%25@evil.test/",
            "https://user:pw@newcomer.test/cb",
            "https://newcomer.test:443@evil.test/cb",
            "https://newcomer.test%40evil.test",
        ])
        .await?;
    }

    /// Backslashes and misplaced slashes, which browsers read in their own way, are refused.
    ["ATK-007", Must, "RFC 9700 §4.1; practice"]
    async fn atk_007_misplaced_slashes_and_backslashes_are_refused(run) {
        let (scheme, host, path) = parts(run);
        let payloads = [
            format!("https://evil.test\\@{host}{path}"),
            format!("{scheme}{host}\\.evil.test{path}"),
            format!("{scheme}{host}{path}\\..\\evil"),
            format!("{scheme}evil.test\\{host}{path}"),
        ];
        run.expect_shown(&run.profile().public, &payloads).await?;
        let payloads = [
            "https://evil.test\\@newcomer.test/cb",
            "https:\\\\evil.test",
            "https:///evil.test",
            "https:evil.test",
            "https:/evil.test/cb",
            "//evil.test",
            "\\\\evil.test",
            "/\\evil.test",
            "https://newcomer.test/cb\\..\\evil",
        ];
        run.expect_shown(&run.profile().public, &payloads).await?;
        run.expect_unregistrable(&payloads).await?;
    }

    /// A path that leads elsewhere, or leads back, is another path.
    ["ATK-008", Must, "RFC 9700 §4.1"]
    async fn atk_008_a_traversed_path_is_another_path(run) {
        let (scheme, host, path) = parts(run);
        let uri = format!("{scheme}{host}{path}");
        let payloads = [
            format!("{uri}/../evil"),
            format!("{uri}/%2e%2e/evil"),
            format!("{uri};/../x"),
            format!("{uri}/..%2fevil"),
            format!("{uri}%2f..%2fevil"),
            format!("{uri}/."),
            format!("{uri}/.."),
            format!("{scheme}{host}/evil/..{path}"),
            format!("{scheme}{host}/.{path}"),
            format!("{scheme}{host}/{path}"),
        ];
        run.expect_shown(&run.profile().public, &payloads).await?;
    }

    /// Another port, or something else in its place, is another redirect URI.
    ["ATK-009", Must, "RFC 9700 §4.1.3"]
    async fn atk_009_another_port_is_another_place(run) {
        let (scheme, host, path) = parts(run);
        let ports = ["444", "443", "", "0443", "65536", "１２", "80@evil.test"];
        run.expect_shown(&run.profile().public, &ports.map(|port| format!("{scheme}{host}:{port}{path}"))).await?;
        let native = &run.profile().native;
        for uri in native.redirect_uris.iter().filter(|uri| uri.starts_with("http://")) {
            let (origin, path) = uri.split_at_checked(uri.rfind('/').unwrap_or(uri.len())).unwrap_or_default();
            let ports = ["80@evil.test", "080", "65536", "１２", "", "80:81", "80\\@evil.test", "80?@evil.test"];
            let payloads = ports.map(|port| format!("{origin}:{port}{path}"));
            run.expect_shown(native, &payloads).await?;
        }
        run.expect_unregistrable(&[
            "https://newcomer.test:65536/cb",
            "https://newcomer.test:/cb",
            "https://newcomer.test:0443/cb",
            "http://127.0.0.1:80@evil.test/",
        ])
        .await?;
    }

    /// Another letter case, another encoding of a letter or one character more is another redirect URI.
    ["ATK-010", Must, "RFC 9700 §4.1.3; OAuth 2.1 §4.1.1"]
    async fn atk_010_another_letter_case_or_encoding_is_another_uri(run) {
        let (scheme, host, path) = parts(run);
        let uri = format!("{scheme}{host}{path}");
        let encoded: String = path.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let payloads = [
            format!("{scheme}{}{path}", host.to_uppercase()),
            format!("{}{host}{path}", scheme.to_uppercase()),
            format!("{scheme}{host}{}", path.to_uppercase()),
            format!("{scheme}{host}/{}", encoded.trim_start_matches("%2f")),
            format!("{scheme}{host}{encoded}"),
            format!("{uri}?"),
            format!("{uri}#"),
            format!("{uri}/"),
            format!("{uri}%7E"),
            format!("{uri}%00"),
            format!("{uri} "),
            format!(" {uri}"),
        ];
        run.expect_shown(&run.profile().public, &payloads).await?;
    }

    /// Characters that look like others, or like nothing, are refused.
    ["ATK-011", Must, "practice"]
    async fn atk_011_look_alikes_are_refused(run) {
        let (scheme, host, path) = parts(run);
        let payloads = [
            format!("{scheme}{}{path}", host.replace('a', "а")),
            format!("{scheme}{}{path}", host.replace('.', "。")),
            format!("{scheme}{}{path}", host.replacen('t', "ｔ", 1)),
            format!("{scheme}{}{path}", host.replacen('t', "\u{AD}t", 1)),
            format!("{scheme}{}{path}", host.replacen('t', "\u{200D}t", 1)),
            format!("{scheme}{}{path}", host.replacen('s', "\u{17F}", 1)),
            format!("{scheme}{host}\u{2044}{}", path.trim_start_matches('/')),
            format!("{scheme}{host}{path}\u{FEFF}"),
        ];
        // A host without such a letter leaves the registered redirect URI, which would be no payload.
        let registered = &run.profile().public.redirect_uri;
        let payloads: Vec<_> = payloads.into_iter().filter(|payload| payload != registered).collect();
        run.expect_shown(&run.profile().public, &payloads).await?;
        run.expect_unregistrable(&[
            "https://nеwcomer.test/cb",
            "https://newcomer。test/cb",
            "https://ｎewcomer.test/cb",
            "https://newcomer.test/ｃb",
            "https://new\u{AD}comer.test/cb",
            "https://new\u{200D}comer.test/cb",
            "https://newcomer.teßt/cb",
            "https://newcomer.test\u{2044}cb",
            "https://newcomer.test/cb\u{FEFF}",
        ])
        .await?;
    }

    /// A trailing dot makes another host, and a loopback host has one spelling.
    ["ATK-012", Must, "RFC 9700 §4.1.3; practice"]
    async fn atk_012_another_spelling_of_a_host_is_another_host(run) {
        let (scheme, host, path) = parts(run);
        let hosts = [format!("{host}."), format!("{host}.."), format!(".{host}"), format!("{host}%2e")];
        run.expect_shown(&run.profile().public, &hosts.map(|host| format!("{scheme}{host}{path}"))).await?;
        let payloads = [
            "http://localhost./cb",
            "http://127.1/cb",
            "http://0x7f000001/cb",
            "http://2130706433/cb",
            "http://017700000001/cb",
            "http://127.0.0.1./cb",
            "http://0/cb",
            "http://[::ffff:127.0.0.1]/cb",
            "http://[0:0:0:0:0:0:0:1]/cb",
        ];
        run.expect_shown(&run.profile().native, &payloads).await?;
        run.expect_unregistrable(&[
            "http://localhost./cb",
            "http://127.1/cb",
            "http://0x7f000001/cb",
            "http://[::ffff:127.0.0.1]/cb",
        ])
        .await?;
    }

    /// Schemes that run something, or read what is local, are refused however they are written.
    ["ATK-014", Must, "RFC 9700 §4.1; practice"]
    async fn atk_014_script_and_local_schemes_are_refused(run) {
        let payloads = [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "javascript://newcomer.test/cb%0aalert(1)",
            " javascript:alert(1)",
            "\tjavascript:alert(1)",
            "java\nscript:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "DATA:x",
            "vbscript:x",
            "file:///etc/passwd",
            "blob:https://newcomer.test/x",
            "about:blank",
            "view-source:javascript:alert(1)",
            "view-source:https://newcomer.test/cb",
            "jar:https://newcomer.test!/cb",
            "intent://newcomer.test/cb",
        ];
        run.expect_shown(&run.profile().public, &payloads).await?;
        run.expect_unregistrable(&payloads).await?;
    }

    /// There are no wildcards, and a host is not all of its sub-domains.
    ["ATK-018", Must, "RFC 9700 §4.1.1; OAuth 2.1 §4.1.1"]
    async fn atk_018_wildcards_and_sub_domains_are_refused(run) {
        let (scheme, host, path) = parts(run);
        let hosts = [
            format!("sub.{host}"),
            format!("{host}.evil.test"),
            format!("evil{host}"),
            format!("*.{host}"),
            "*".to_owned(),
        ];
        run.expect_shown(&run.profile().public, &hosts.map(|host| format!("{scheme}{host}{path}"))).await?;
        run.expect_unregistrable(&[
            "https://*.newcomer.test/cb",
            "https://newcomer.test/*",
            "https://*/cb",
            "*",
            "http://127.0.0.1:*/cb",
        ])
        .await?;
    }
}
