//! Attacks by what surrounds a request: addresses to fetch, headers of proxies, names that look alike, what is out of
//! date (14.3).
//!
//! | row | why it is not here |
//! |---|---|
//! | ATK-081, ATK-083 to ATK-088 | about client identifier metadata documents, which are not among the suite's features |
//! | ATK-089 to ATK-093 | no client assertions, no request objects, no JWTs at all |
//! | ATK-094 to ATK-096 | no DPoP |
//! | ATK-097, ATK-098 | no pushed and no signed requests; AERR-014 says what happens to `request_uri` |
//! | ATK-099 to ATK-102 | no device grant |
//! | ATK-106 | decided by what is logged |
//! | ATK-107 | no token exchange |
//! | ATK-108 | the host's, whose users they are |

use std::io::ErrorKind;
use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::metadata::{document, path_of};
use super::registration::with;
use crate::testkit::Form;
use crate::testkit::protocol::{Failure, Feature, KnownClient, Run, User, from_origin, miscased, random};

/// What proxies put on requests, as whoever sends a request without one could do.
const FORWARDED: [(&str, &str); 7] = [
    ("x-forwarded-host", "evil.test"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-port", "666"),
    ("forwarded", "host=evil.test;proto=http"),
    ("x-original-url", "/evil"),
    ("x-host", "evil.test"),
];

/// Headers by their names.
fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    all.iter().map(pair).collect()
}

/// Whether somebody has connected; a connection that is on its way would be there already.
fn was_called(listener: &TcpListener) -> Result<bool, Failure> {
    match listener.accept() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(Failure::new(format!("the listener is broken: {error}"))),
    }
}

/// A listener of this machine, and its address.
fn listen() -> Result<(TcpListener, String), Failure> {
    let broken = |error| Failure::new(format!("nothing can listen on this machine: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").map_err(broken)?;
    listener.set_nonblocking(true).map_err(broken)?;
    let address = listener.local_addr().map_err(broken)?;
    Ok((listener, format!("http://{address}")))
}

/// A path that says where the target believes to be.
fn expect_own(run: &Run<'_>, what: &str, text: &str) -> Result<(), Failure> {
    ensure!(!text.contains("evil"), "{what} changes what is answered at {}", run.profile().issuer);
    Ok(())
}

/// The SHA-256 of a secret, in every spelling that is common.
fn hashes(secret: &str) -> [String; 4] {
    let hash = Sha256::digest(secret);
    let lower = hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    [lower.to_uppercase(), lower, STANDARD.encode(hash), URL_SAFE_NO_PAD.encode(hash)]
}

rows! {
    $ __protocol_rows_surroundings;

    /// Addresses in a registration are not fetched: no server inside can be reached by them.
    ["ATK-082", Must, "RFC 7591 §5; RFC 9700; practice"]
    async fn atk_082_addresses_in_a_registration_are_not_fetched(run) {
        let (listener, address) = listen()?;
        let here = std::net::TcpStream::connect(address.trim_start_matches("http://"));
        ensure!(here.is_ok() && was_called(&listener)?, "the listener hears nothing");
        for member in [
            "jwks_uri",
            "logo_uri",
            "client_uri",
            "tos_uri",
            "policy_uri",
            "sector_identifier_uri",
            "backchannel_logout_uri",
            "initiate_login_uri",
        ] {
            let reply =
                run.register(&with(run.client_metadata(), member, json!(format!("{address}/{member}")))).await?;
            ensure!(matches!(reply.status().as_u16(), 201 | 400), "{member} is answered with {}", reply.status());
            if reply.status() == 201 {
                let request = run.request(&reply.expect_registered()?.client).with("prompt", "consent");
                run.authorize(&request).await?.expect_ui()?;
            }
            ensure!(!was_called(&listener)?, "{member} was fetched");
        }
        let request = run.request(&run.profile().public).and("request_uri", &format!("{address}/request"));
        run.approve(&request).await?;
        ensure!(!was_called(&listener)?, "request_uri was fetched");
    }

    /// A certificate that a header claims authenticates nobody.
    ["ATK-103", Must, "RFC 9440; practice"]
    async fn atk_103_a_certificate_in_a_header_authenticates_nobody(run) {
        let web = &run.profile().web;
        let exchange = run.exchange(web, &run.code(web).await?);
        let mut claimed = headers(&[
            ("client-cert", ":MIIB:"),
            ("x-client-cert", "MIIB"),
            ("x-ssl-client-cert", "MIIB"),
            ("x-ssl-client-verify", "SUCCESS"),
        ]);
        for (name, value) in [
            ("ssl-client-s-dn", format!("CN={}", web.id)),
            ("x-forwarded-client-cert", format!("Subject=\"CN={}\"", web.id)),
            ("x-remote-user", web.id.clone()),
        ] {
            let value = value.parse().map_err(|_| Failure::new(format!("{value:?} cannot be sent as a header")))?;
            claimed.insert(HeaderName::from_static(name), value);
        }
        let token = &run.profile().endpoints.token;
        let bare = exchange.clone().without("client_secret");
        run.post(token, &bare, claimed.clone()).await?.expect_error(401, "invalid_client")?;
        let wrong = exchange.clone().with("client_secret", &random());
        run.post(token, &wrong, claimed.clone()).await?.expect_error(401, "invalid_client")?;
        run.post(token, &exchange, claimed).await?.expect_ok()?;
    }

    /// Headers about the host, and another host, change neither names nor links nor redirects.
    ["ATK-104", Must, "RFC 9700 §4.13; practice"]
    async fn atk_104_headers_about_the_host_change_nothing(run) {
        let path = run.metadata_address();
        let expected = run.get(&path).await?;
        document(&expected)?;
        let request = run.request(&run.profile().public);
        let mut alice = run.signed_in(User::Alice).await?;
        for (name, value) in FORWARDED {
            let forged = headers(&[(name, value)]);
            let reply = run.send(Method::GET, &path, forged.clone(), "").await?;
            ensure!(reply.text() == expected.text(), "{name} changes the metadata");
            let reply =
                run.anonymous().send(Method::GET, &run.address(&request), forged.clone(), String::new()).await?;
            reply.expect_ui()?;
            expect_own(run, name, &format!("{:?} {}", reply.location(), reply.text()))?;
            let wrong = request.clone().with("scope", &random());
            let reply = alice.send(Method::GET, &run.address(&wrong), forged.clone(), String::new()).await?;
            reply.expect_redirect_error(&wrong, "invalid_scope")?;
            if run.profile().has(Feature::Api) {
                let reply = run.call_with(forged).await?;
                let challenge = reply.expect_bearer(401, None)?;
                expect_own(run, name, &format!("{challenge:?}"))?;
            }
        }
        for host in ["evil.test", "evil.test:443", "localhost@evil.test"] {
            let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
            let reply = run.send(Method::GET, &path, headers, "").await?;
            let refused = reply.status().is_client_error();
            ensure!(refused || reply.text() == expected.text(), "the host {host} changes the metadata");
            expect_own(
                run,
                host,
                &format!("{:?} {}", reply.location(), if refused { String::new() } else { reply.text() }),
            )?;
        }
    }

    /// No origin is reflected together with credentials, and pages are closed to every origin.
    ["ATK-105", Must, "RFC 9700 §2.6; Fetch, CORS protocol"]
    async fn atk_105_no_origin_is_let_in_with_credentials(run) {
        let mut alice = run.signed_in(User::Alice).await?;
        let address = run.address(&run.request(&run.profile().public).with("prompt", "consent"));
        for origin in ["https://evil.test", "https://app.test.evil.test", "null", "https://app.test"] {
            let page = alice.send(Method::GET, &address, from_origin(origin)?, String::new()).await?;
            page.expect_status(200)?.expect_unreadable()?;
            let token = &run.profile().endpoints.token;
            let reply = run.post(token, &Form::new(), from_origin(origin)?).await?;
            for reply in [reply, run.preflight(token, origin, &Method::POST, &["content-type"]).await?] {
                reply.expect_no_header(&ACCESS_CONTROL_ALLOW_CREDENTIALS)?;
                let allowed = reply.header(&ACCESS_CONTROL_ALLOW_ORIGIN);
                let open = allowed.is_none_or(|allowed| allowed == "*") || origin == "https://app.test";
                ensure!(open, "{origin} is reflected: {allowed:?}");
            }
        }
    }

    /// Identifiers are compared byte by byte: what only looks like a client's is nobody's.
    ["ATK-109", Must, "RFC 6749 §2.2; practice"]
    async fn atk_109_identifiers_are_compared_byte_by_byte(run) {
        let (public, web) = (&run.profile().public, &run.profile().web);
        let request = run.request(public);
        run.approve(&request).await?.expect_code(&request)?;
        let id = &public.id;
        let exchange = run.exchange(public, &run.code(public).await?);
        let (other, padded, led) = (miscased(id), format!("{id} "), format!(" {id}"));
        let (nul, behind, wide) = (format!("{id}\0"), format!("{id}\0x"), id.replacen('s', "\u{FF53}", 1));
        let (long, accent) = (id.replacen('s', "\u{017F}", 1), format!("{id}\u{0301}"));
        let alikes = [other, padded, led, nul, behind, wide, long, accent, format!("{id}\n")];
        // An identifier need not have a letter that looks like another.
        for alike in alikes.iter().filter(|alike| *alike != id) {
            run.authorize(&request.clone().with("client_id", alike)).await?.expect_page(400)?;
            run.token(&exchange.clone().with("client_id", alike)).await?.expect_refusal()?;
        }
        run.tokens_for(&exchange).await?;
        let default = &run.profile().scopes.default;
        for scope in [miscased(default), format!("{default}\u{0301}")] {
            let request = run.request(public).with("scope", &scope);
            run.approve(&request).await?.expect_redirect_error(&request, "invalid_scope")?;
        }
        if let Some(secret) = &web.secret {
            let exchange = run.exchange(web, &run.code(web).await?);
            for alike in [format!("{secret} "), format!("{secret}\0"), miscased(secret), format!(" {secret}")] {
                run.token(&exchange.clone().with("client_secret", &alike)).await?.expect_refusal()?;
            }
            run.tokens_for(&exchange).await?;
        }
    }

    /// No path can be bent to a metadata document: another spelling of its place is not its place.
    ["ATK-110", Must, "practice"]
    async fn atk_110_no_path_is_bent_to_metadata(run) {
        let path = run.metadata_address();
        document(&run.get(&path).await?)?;
        let issuer = path_of(&run.profile().issuer);
        let known = "oauth-authorization-server";
        for bent in [
            format!("/.well-known/x/../{known}{issuer}"),
            format!("/.well-known/%2e%2e/.well-known/{known}{issuer}"),
            format!("/.well-known/x%2f..%2f{known}{issuer}"),
            format!("/.well-known//{known}{issuer}"),
            format!("//.well-known/{known}{issuer}"),
            format!("/%2ewell-known/{known}{issuer}"),
            format!("/.well-known/{known}{issuer}/.."),
            format!("/.well-known/{known}/.well-known/{known}"),
            format!("/.WELL-KNOWN/{known}{issuer}"),
            format!("/.well-known/{known}{issuer};x=y"),
        ] {
            let reply = run.get(&bent).await?;
            ensure!(reply.status().is_client_error(), "{bent} is answered with {}", reply.status());
        }
    }

    /// What the client has no more is worth nothing: a redirect URI, a secret, the client itself.
    ["ATK-111", Must, "practice"]
    async fn atk_111_what_is_out_of_date_stops_working(run) {
        let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!("client_secret_post"));
        let registered = run.registered(&metadata).await?;
        let client = &registered.client;
        let metadata = with(metadata, "client_id", json!(client.id));
        let request = run.request(client);
        let (code, tokens) = (run.code(client).await?, run.tokens(client).await?);
        let moved = with(metadata.clone(), "redirect_uris", json!(["https://new.test/other"]));
        run.manage(Method::PUT, &registered, &moved).await?.expect_ok()?;
        run.authorize(&request).await?.expect_page(400)?;
        run.token(&run.exchange(client, &code)).await?.expect_error(400, "invalid_grant")?;

        // It becomes public: the secret that it had is none any more.
        let public = with(moved, "token_endpoint_auth_method", json!("none"));
        run.manage(Method::PUT, &registered, &public).await?.expect_ok()?;
        run.token(&run.refresh(client, &tokens.refresh)).await?.expect_error(401, "invalid_client")?;

        run.manage(Method::DELETE, &registered, &Value::Null).await?.expect_status(204)?;
        run.expect_access_dead(client, &tokens.access).await?;
        run.manage(Method::GET, &registered, &Value::Null).await?.expect_status(401)?;
        let now_public = KnownClient { secret: None, ..client.clone() };
        run.token(&run.refresh(&now_public, &tokens.refresh)).await?.expect_error(401, "invalid_client")?;
    }

    /// Nothing that the target says carries a secret that is kept, or what belongs to another client.
    ["ATK-112", Must, "practice"]
    async fn atk_112_no_answer_carries_what_is_secret(run) {
        let metadata = with(run.client_metadata(), "token_endpoint_auth_method", json!("client_secret_basic"));
        let (registered, other) = (run.registered(&metadata).await?, run.registered(&metadata).await?);
        let secret = registered.text("client_secret")?;
        let read = run.manage(Method::GET, &registered, &Value::Null).await?;
        read.expect_ok()?;
        let wrong = run.manage(Method::PUT, &registered, &json!({ "client_id": other.client.id })).await?;
        wrong.expect_status(400)?;
        let bare =
            Form::of([("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", &registered.client.id)]);
        let unproven = run.post(&run.profile().endpoints.token, &bare, HeaderMap::new()).await?;
        unproven.expect_error(401, "invalid_client")?;
        for reply in [&read, &wrong, &unproven] {
            let text = reply.text();
            for hash in hashes(secret).iter().chain(&hashes(registered.token()?)) {
                ensure!(!text.contains(hash), "an answer carries the hash of a secret");
            }
            for foreign in [other.client.id.as_str(), other.text("client_secret")?, other.token()?] {
                ensure!(!text.contains(foreign), "an answer carries what belongs to another client");
            }
        }
        ensure!(!wrong.text().contains(secret) && !unproven.text().contains(secret), "an error carries the secret");
    }
}
