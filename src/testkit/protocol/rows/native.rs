//! Native apps: loopback ports, private-use schemes, no silent second consent (RFC 8252, OAuth 2.1 §8).
//!
//! | row | why it is not here |
//! |---|---|
//! | NAT-009 | about schemes that the operator lists, which are none unless configured |

use http::Method;
use serde_json::{Value, json};

use crate::testkit::protocol::{Decision, Failure, Feature, KnownClient, Run, User, authorization};

/// The redirect URI of the native client that is on this host.
fn on<'a>(run: &Run<'a>, host: &str) -> Result<&'a str, Failure> {
    let start = format!("http://{host}/");
    let found = run.profile().native.redirect_uris.iter().find(|uri| uri.starts_with(&start));
    found.map(String::as_str).ok_or_else(|| Failure::new(format!("the native client has no redirect URI at {start}")))
}

/// The private-use redirect URI of the native client.
fn private_use<'a>(run: &Run<'a>) -> Result<&'a str, Failure> {
    let found = run.profile().native.redirect_uris.iter().find(|uri| !uri.starts_with("http"));
    found.map(String::as_str).ok_or_else(|| Failure::new("the native client has no private-use redirect URI"))
}

/// The same redirect URI with something in the place of its port.
fn with_port(uri: &str, port: &str) -> String {
    let at = uri.rfind('/').unwrap_or(uri.len());
    let (authority, path) = uri.split_at(at);
    format!("{authority}:{port}{path}")
}

/// A code of `client` can be had and redeemed at this redirect URI.
async fn expect_good(run: &Run<'_>, client: &KnownClient, uri: &str) -> Result<(), Failure> {
    let request = run.request(client).with("redirect_uri", uri);
    let granted = run.granted(client, &request, &Decision::Approve).await;
    granted.map(drop).map_err(|failure| Failure::new(format!("{uri:?} does not work: {failure}")))
}

rows! {
    $ __protocol_rows_native;

    /// The port of a loopback redirect URI is chosen when the app asks; everything else must match.
    ["NAT-001", Must, "OAuth 2.1 §8.4.2, §4.1.1; RFC 9700 §4.1.3; RFC 8252 §7.3"]
    async fn nat_001_the_port_of_a_loopback_redirect_uri_is_free(run) {
        let uri = on(run, "127.0.0.1")?;
        for good in [uri.to_owned(), with_port(uri, "51004"), with_port(uri, "1"), with_port(uri, "65535")] {
            expect_good(run, &run.profile().native, &good).await?;
        }
        let uri = with_port(uri, "51004");
        let origin = uri.rsplit_once('/').map_or("", |(origin, _)| origin);
        run.expect_shown(
            &run.profile().native,
            &[
                format!("{uri}/"),
                format!("{uri}x"),
                format!("{uri}?x=1"),
                format!("{uri}?"),
                format!("{uri}#"),
                format!("{uri}/../other"),
                format!("{origin}/other"),
                origin.to_owned(),
                format!("{origin}/"),
                uri.to_uppercase(),
                uri.replacen("http:", "HTTP:", 1),
                uri.replacen("http:", "https:", 1),
            ],
        )
        .await?;
    }

    /// So it is for the loopback address of IPv6, in the spelling that was registered.
    ["NAT-002", Must, "OAuth 2.1 §8.4.2, §4.1.1; RFC 9700 §4.1.3; RFC 8252 §7.3"]
    async fn nat_002_so_it_is_for_ipv6(run) {
        let uri = on(run, "[::1]")?;
        for good in [uri.to_owned(), with_port(uri, "61023")] {
            expect_good(run, &run.profile().native, &good).await?;
        }
        let spelt = |host: &str| with_port(uri, "1").replacen("[::1]", host, 1);
        let others =
            ["[0:0:0:0:0:0:0:1]", "[::0001]", "[::1%25lo]", "::1", "[::]", "[::2]", "[::ffff:127.0.0.1]", "[]"];
        run.expect_shown(&run.profile().native, &others.map(spelt)).await?;
    }

    /// So it is for `localhost`.
    ["NAT-003", Must, "RFC 9700 §4.1.3; this catalogue's profile"]
    async fn nat_003_so_it_is_for_localhost(run) {
        let uri = on(run, "localhost")?;
        for good in [uri.to_owned(), with_port(uri, "38123")] {
            expect_good(run, &run.profile().native, &good).await?;
        }
        run.expect_shown(&run.profile().native, &[format!("{}/", with_port(uri, "38123"))]).await?;
    }

    /// The three loopback hosts are three hosts, and have one spelling each.
    ["NAT-004", Must, "this catalogue's profile"]
    async fn nat_004_no_other_host_is_loopback(run) {
        let uri = on(run, "127.0.0.1")?;
        let spelt = |host: &str| uri.replacen("127.0.0.1", host, 1);
        let others = [
            "127.0.0.2",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "127.0.0.01",
            "127.0.0.1.evil.test",
            "0.0.0.0",
            "0",
            "localhost.",
            "LOCALHOST",
            "app.localhost",
            "localhost.evil.test",
        ];
        run.expect_shown(&run.profile().native, &others.map(spelt)).await?;
        run.expect_shown(&run.profile().native, &others.map(|host| with_port(&spelt(host), "1"))).await?;

        let hosts = ["127.0.0.1", "[::1]", "localhost"];
        for registered in hosts {
            let client = run.self_registered(&[&format!("http://{registered}/cb")], Value::Null).await?;
            let others: Vec<_> = hosts.iter().filter(|host| **host != registered).collect();
            let uris: Vec<_> =
                others.iter().flat_map(|host| [format!("http://{host}/cb"), format!("http://{host}:1/cb")]).collect();
            run.expect_shown(&client, &uris).await?;
        }
    }

    /// A loopback redirect URI that was registered with a port may be asked for with another, or with none.
    ["NAT-005", Must, "practice"]
    async fn nat_005_a_registered_port_is_free_too(run) {
        for (registered, requested) in [
            ("http://127.0.0.1:33418/cb", ["http://127.0.0.1:5000/cb", "http://127.0.0.1/cb"]),
            ("http://127.0.0.1:33418/", ["http://127.0.0.1:33419/", "http://127.0.0.1/"]),
            ("http://[::1]:33418/cb", ["http://[::1]:5000/cb", "http://[::1]/cb"]),
            ("http://localhost:33418/cb?x=1", ["http://localhost:5000/cb?x=1", "http://localhost/cb?x=1"]),
        ] {
            let client = run.self_registered(&[registered], Value::Null).await?;
            for uri in requested.into_iter().chain([registered]) {
                expect_good(run, &client, uri).await?;
            }
        }
    }

    /// A port is a number from 1 to 65535 in plain digits, and nothing hides in its place.
    ["NAT-006", Must, "practice"]
    async fn nat_006_a_port_is_plain_digits(run) {
        let ports = [
            "80@evil.test",
            "99999",
            "65536",
            "0",
            "00",
            "080",
            "+80",
            "-1",
            "8 0",
            " 80",
            "80 ",
            "%38",
            "１２",
            "",
            "8e1",
            "0x50",
            "80:80",
            "80\\",
            "80\\@evil.test",
            "80?@evil.test",
            "80#@evil.test",
            "18446744073709551617",
            "80%2Fcb",
            "*",
        ];
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            let uri = on(run, host)?;
            run.expect_shown(&run.profile().native, &ports.map(|port| with_port(uri, port))).await?;
        }
    }

    /// The port is free for `http` at a loopback host, and nowhere else.
    ["NAT-007", Must, "practice"]
    async fn nat_007_the_port_is_free_for_http_on_loopback_only(run) {
        let public = &run.profile().public;
        let uri = public.redirect_uri.as_str();
        run.expect_shown(public, &[&with_port(uri, "444"), &with_port(uri, "443"), &with_port(uri, "80")]).await?;
        run.expect_shown(
            &run.profile().native,
            &[with_port(on(run, "127.0.0.1")?, "8443").replacen("http:", "https:", 1)],
        )
        .await?;

        let (registered, other) = ("https://newcomer.test:8443/cb", "https://newcomer.test:8444/cb");
        let client = run.self_registered(&[registered], Value::Null).await?;
        expect_good(run, &client, registered).await?;
        run.expect_shown(&client, &[other, "https://newcomer.test/cb"]).await?;
        // A server may not take `https` on loopback at all.
        let uri = "https://127.0.0.1:8443/cb";
        if let Some(client) = run.self_registered_if_accepted(&[uri], Value::Null).await? {
            run.expect_shown(&client, &["https://127.0.0.1:8444/cb", "https://127.0.0.1/cb"]).await?;
        }
    }

    /// A private-use scheme has a dot in it, and its redirect URI is matched exactly.
    ["NAT-008", Should, "OAuth 2.1 §2.3.1, §8.4.3; RFC 8252 §7.1"]
    async fn nat_008_a_private_use_scheme_has_a_dot_and_is_matched_exactly(run) {
        let uri = private_use(run)?;
        expect_good(run, &run.profile().native, uri).await?;
        let (scheme, path) = uri.split_once(':').unwrap_or_default();
        run.expect_shown(
            &run.profile().native,
            &[
                format!("{uri}/"),
                format!("{scheme}:{}", path.to_uppercase()),
                format!("{}:{path}", scheme.to_uppercase()),
                format!("{scheme}:{}", path.trim_start_matches('/')),
                format!("{scheme}:/{path}"),
                format!("{scheme}://{path}"),
                format!("{uri}?x=1"),
                format!("{scheme}s:{path}"),
                format!("{scheme}:"),
            ],
        )
        .await?;
        run.expect_unregistrable(&["myapp:/cb", "x:/cb"]).await?;
        run.self_registered(&["com.example.newcomer:/cb"], Value::Null).await?;
    }

    /// A native app needs no shared secret, and is given none.
    ["NAT-010", Must, "OAuth 2.1 §8.1"]
    async fn nat_010_a_native_app_needs_no_secret(run) {
        run.tokens(&run.profile().native).await?;
        let metadata = json!({ "application_type": "native" });
        let client = run.self_registered(&["com.example.newcomer:/cb"], metadata).await?;
        ensure!(client.secret.is_none(), "an app that is to authenticate with none is given a secret");
        run.tokens(&client).await?;
    }

    /// What kind of client it is, is kept.
    ["NAT-011", Must, "OAuth 2.1 §8.1.1"]
    async fn nat_011_the_kind_of_client_is_kept(run) {
        for (kind, uri) in [("native", "com.example.newcomer:/cb"), ("web", "https://newcomer.test/cb")] {
            let metadata = json!({
                "redirect_uris": [uri],
                "token_endpoint_auth_method": "none",
                "application_type": kind,
            });
            let registered = run.register(&metadata).await?.expect_json()?;
            let text = |name: &str| registered.get(name).and_then(Value::as_str).unwrap_or_default();
            ensure!(text("application_type") == kind, "{kind} is registered as {:?}", text("application_type"));
            let token = text("registration_access_token");
            let headers = authorization(&format!("Bearer {token}"))?;
            let read = run.send(Method::GET, text("registration_client_uri"), headers, "").await?.expect_ok()?;
            for member in ["application_type", "token_endpoint_auth_method"] {
                let (then, now) = (metadata.get(member), read.get(member));
                ensure!(then == now, "{member} was registered as {then:?} and is read as {now:?}");
            }
        }
    }

    /// A native public client is not approved a second time without asking.
    ["NAT-012", Should, "OAuth 2.1 §7.3.1"]
    async fn nat_012_a_native_app_is_not_approved_silently(run) {
        let client = &run.profile().native;
        for uri in [with_port(on(run, "127.0.0.1")?, "51004"), private_use(run)?.to_owned()] {
            expect_good(run, client, &uri).await?;
            let request = run.request(client).with("redirect_uri", &uri);
            let page = run.authorize(&request).await?;
            run.fill_in(&page, &Decision::Approve)?;
        }
        // Nor is one that has just registered itself and was approved at another port.
        let client = run.self_registered(&["http://127.0.0.1/cb"], json!({ "application_type": "native" })).await?;
        expect_good(run, &client, "http://127.0.0.1:51004/cb").await?;
        let mut alice = run.signed_in(User::Alice).await?;
        run.ask(&mut alice, &run.request(&client).with("redirect_uri", "http://127.0.0.1:6666/cb")).await?;
    }

    /// A native app may register redirect URIs of several kinds together.
    ["NAT-013", May, "OpenID Connect Dynamic Client Registration §2"]
    async fn nat_013_redirect_uris_of_several_kinds_may_be_registered_together(run) {
        run.requires(Feature::Registration)?;
        let uris =
            ["http://127.0.0.1/cb", "http://localhost/cb", "https://newcomer.test/cb", "com.example.newcomer:/cb"];
        for changes in [json!({ "application_type": "native" }), Value::Null] {
            let client = run.self_registered(&uris, changes).await?;
            for uri in uris {
                expect_good(run, &client, uri).await?;
            }
        }
    }

    /// The redirect to a private-use scheme is one that the system can follow, with the exact text of the scheme.
    ["NAT-014", Must, "practice"]
    async fn nat_014_a_private_use_redirect_has_the_exact_text(run) {
        let uri = private_use(run)?;
        let request = run.asking(&run.profile().native).with("redirect_uri", uri);
        for decision in [Decision::Approve, Decision::Deny] {
            run.decide(&request, &decision).await?.expect_response(&request)?;
        }
    }
}
