//! Which redirect URI is registered, and which can be none (RFC 6749 §3.1.2).

use serde_json::json;

use super::{expect_unacceptable, taken_apart};
use crate::testkit::protocol::{Failure, Feature};

/// What no client may be sent to, as nobody can say where it leads.
const NOT_ABSOLUTE: [&str; 6] =
    ["/cb", "//app.test/cb", "https:app.test/cb", "https:/app.test/cb", "https:///app.test/cb", "app.test/cb"];

/// What no client may be sent to without encryption.
const IN_THE_CLEAR: [&str; 4] =
    ["http://app.test/cb", "http://10.0.0.1/cb", "http://127.0.0.1.evil.test/cb", "http://localhost.evil.test/cb"];

/// What a browser would run, open or read instead of going there.
const DANGEROUS: [&str; 16] = [
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
];

/// What parsers disagree about.
const AMBIGUOUS: [&str; 10] = [
    "https://app.test\\@evil.test/cb",
    "https:\\\\evil.test/cb",
    "https://app.test/cb\r\nX: y",
    "https://app.test/c b",
    "https://app.test/cb\u{0}",
    "https://app\u{3002}test/cb",
    "https://\u{430}pp.test/cb",
    "https://app.test/cb\u{200d}",
    "https://app.test/cb\"",
    "https://app.test/<cb>",
];

/// What shows one host and goes to another.
const WITH_USER_INFO: [&str; 3] =
    ["https://app.test@evil.test/cb", "https://user:pw@app.test/cb", "https://@app.test/cb"];

/// The path with its last letter percent-encoded.
fn with_an_escape(path: &str) -> String {
    let at = path.rfind(|letter: char| letter.is_ascii_alphanumeric()).unwrap_or_default();
    let (before, rest) = path.split_at(at);
    let (letter, after) = rest.split_at(usize::from(!rest.is_empty()));
    letter.bytes().fold(before.to_owned(), |path, byte| format!("{path}%{byte:02x}")) + after
}

rows! {
    $ __protocol_rows_redirect_uri_comparison;

    /// A redirect URI is compared by character: nothing of it is folded, decoded or tidied up.
    ["RURI-001", Must, "OAuth 2.1 §2.3.1, §4.1.1; RFC 9700 §4.1.3"]
    async fn ruri_001_comparison_is_by_character(run) {
        let client = &run.profile().public;
        let uri = client.redirect_uri.as_str();
        let (scheme, authority, path) = taken_apart(uri)?;
        let request = run.request(client);
        run.approve(&request).await?.expect_code(&request)?;
        let mut others = vec![
            format!("{uri}/"),
            format!("{scheme}://{}{path}", authority.to_uppercase()),
            format!("{}://{authority}{path}", scheme.to_uppercase()),
            format!("{scheme}://{authority}{}", with_an_escape(path)),
            format!("{scheme}://{authority}/.{path}"),
            format!("{scheme}://{authority}/x/..{path}"),
            format!("{scheme}://{authority}/{path}"),
            format!("{scheme}://{authority}{}", path.to_uppercase()),
            format!("{scheme}://{authority}.{path}"),
            format!("{uri}?"),
            format!("{uri}#"),
            format!(" {uri}"),
            format!("{uri} "),
            format!("{uri}\n"),
            format!("{uri}%20"),
            format!("{uri}%00"),
            uri.replace("://", "%3A%2F%2F"),
            format!("{scheme}:{authority}{path}"),
        ];
        if !authority.contains(':') {
            others.push(format!("{scheme}://{authority}:443{path}"));
        }
        others.retain(|other| other != uri);
        run.expect_shown(client, others).await?;
    }

    /// Nothing matches by its beginning, its end, its domain or a wildcard.
    ["RURI-002", Must, "OAuth 2.1 §2.3.1, §4.1.1; RFC 9700 §4.1.3"]
    async fn ruri_002_nothing_matches_in_part(run) {
        let client = &run.profile().public;
        let uri = client.redirect_uri.as_str();
        let (scheme, authority, path) = taken_apart(uri)?;
        let request = run.request(client);
        run.approve(&request).await?.expect_code(&request)?;
        let (host, port) = authority.split_once(':').map_or((authority, ""), |(host, port)| (host, port));
        let mut others = vec![
            format!("{uri}/extra"),
            format!("{uri}x"),
            format!("{uri}?extra=1"),
            format!("{uri};x=1"),
            format!("{scheme}://{host}.evil.test{path}"),
            format!("{scheme}://sub.{authority}{path}"),
            format!("{scheme}://evil{authority}{path}"),
            format!("{scheme}://{host}:444{port}{path}"),
            format!("{scheme}://{authority}"),
            format!("{scheme}://{authority}/"),
            format!("{scheme}://{authority}/*"),
            format!("{scheme}://*{path}"),
            format!("https://evil.test/?{uri}"),
            format!("https://evil.test/{uri}"),
            uri.get(1..).unwrap_or_default().to_owned(),
            uri.get(..uri.len() - 1).unwrap_or_default().to_owned(),
        ];
        others.retain(|other| other != uri);
        run.expect_shown(client, others).await?;
    }

    /// The query of a redirect URI takes part in the comparison, with its order and its encoding.
    ["RURI-003", Must, "OAuth 2.1 §2.3.1, §4.1.1; RFC 9700 §4.1.3"]
    async fn ruri_003_the_query_is_compared_too(run) {
        let client = &run.profile().multi;
        let uri = client.redirect_uri.as_str();
        let (place, query) = uri.split_once('?').ok_or_else(|| Failure::new("the redirect URI has no query"))?;
        let reversed: Vec<_> = query.split('&').rev().collect();
        let (first, _) = query.split_once('&').unwrap_or((query, ""));
        let mut others = vec![
            format!("{place}?{}", reversed.join("&")),
            uri.replace("%20", "+"),
            uri.replace("%20", " "),
            uri.replace('%', "%25"),
            place.to_owned(),
            format!("{place}?"),
            format!("{place}?{first}"),
            format!("{uri}&z"),
            format!("{uri}&"),
            format!("{place}?&{query}"),
            format!("{place}?{}", query.to_uppercase()),
        ];
        // The query of one on the path of another.
        let elsewhere = client.redirect_uris.iter().filter(|own| !own.contains('?'));
        others.extend(elsewhere.map(|own| format!("{own}?{query}")));
        others.retain(|other| !client.redirect_uris.contains(other));
        run.expect_shown(client, others).await?;
        for uri in &client.redirect_uris {
            let request = run.request(client).with("redirect_uri", uri);
            run.approve(&request).await?.expect_code(&request)?;
        }
    }

    /// A redirect URI is absolute and has no fragment, not even an empty one.
    ["RURI-004", Must, "RFC 6749 §3.1.2"]
    async fn ruri_004_a_redirect_uri_is_absolute_and_has_no_fragment(run) {
        expect_unacceptable(run, &NOT_ABSOLUTE).await?;
        let public = &run.profile().public;
        let fragments = ["#", "#x", "#code=1", "?x=1#y"].map(|fragment| format!("{}{fragment}", public.redirect_uri));
        run.expect_shown(public, &fragments).await?;
        run.expect_unregistrable(&fragments).await?;
    }

    /// The only redirect URI that is registered stands for a missing one (profile decision D3).
    ["RURI-005", Must, "RFC 6749 §3.1.2.3"]
    async fn ruri_005_the_only_redirect_uri_stands_for_a_missing_one(run) {
        for client in [&run.profile().public, &run.profile().web] {
            let named = run.request(client);
            for request in [named.clone().without("redirect_uri"), named.clone().with("redirect_uri", "")] {
                let reply = run.approve(&request).await?;
                let code = reply.expect_code(&named)?;
                // The exchange need not name it either, and may name the one that was used (D4).
                let form = run.exchange(client, &code);
                let form = if request.get("redirect_uri").is_none() { form.without("redirect_uri") } else { form };
                run.tokens_for(&form).await?;
            }
        }
    }

    /// A loopback redirect URI never stands for a missing one: the port would be lost.
    ["RURI-007", Must, "practice"]
    async fn ruri_007_a_loopback_redirect_uri_stands_for_no_missing_one(run) {
        run.requires(Feature::Registration)?;
        for (uri, used) in
            [("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"), ("http://[::1]/cb", "http://[::1]:51004/cb")]
        {
            let client = run.self_registered(&[uri], json!({ "application_type": "native" })).await?;
            let request = run.request(&client).with("redirect_uri", used);
            run.approve(&request).await?.expect_code(&request)?;
            for request in [request.clone().without("redirect_uri"), request.with("redirect_uri", "")] {
                run.authorize(&request).await?.expect_page(400)?;
            }
        }
    }

    /// A redirect URI with `http` is refused unless it is a loopback address.
    ["RURI-008", Must, "RFC 9700 §2.6"]
    async fn ruri_008_plain_http_is_for_loopback_only(run) {
        expect_unacceptable(run, &IN_THE_CLEAR).await?;
        let public = &run.profile().public;
        run.expect_shown(public, [public.redirect_uri.replacen("https:", "http:", 1)]).await?;
    }

    /// Schemes that a browser acts upon are refused, however they are spelled.
    ["RURI-009", Must, "practice"]
    async fn ruri_009_dangerous_schemes_are_refused(run) {
        expect_unacceptable(run, &DANGEROUS).await?;
    }

    /// Control characters, spaces, backslashes and characters beyond ASCII are refused anywhere in a redirect URI.
    ["RURI-010", Must, "practice"]
    async fn ruri_010_what_parsers_disagree_about_is_refused(run) {
        expect_unacceptable(run, &AMBIGUOUS).await?;
    }

    /// A redirect URI has no user info.
    ["RURI-011", Must, "practice"]
    async fn ruri_011_user_info_is_refused(run) {
        expect_unacceptable(run, &WITH_USER_INFO).await?;
        let public = &run.profile().public;
        let (scheme, authority, path) = taken_apart(&public.redirect_uri)?;
        let uris = ["x", "x:y", "", "evil.test"].map(|user| format!("{scheme}://{user}@{authority}{path}"));
        run.expect_shown(public, uris).await?;
    }
}
