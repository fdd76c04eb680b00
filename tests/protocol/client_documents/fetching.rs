//! `HttpsFetcher` against real web servers, and against attempts to lead it inside.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use grantor::Visitor;
use grantor::cimd::{
    AddressPolicy, ClientIdMetadataDocuments, ClientIdUrl, DocumentFetcher as _, FetchError, HttpsFetcher,
    MAX_DOCUMENT, SystemResolver,
};
use grantor::error::ErrorReason;
use http::Response;

use super::authority::Authority;
use super::document;
use super::silent::Silent;
use super::web_server::{Behaviour, Names, WebServer};
use crate::browser::page;
use crate::support::Setup;

const HOST: &str = "client.test";

/// A fetcher that trusts the authority, and may connect to this network of this machine.
fn fetcher(authority: &Authority, names: &Arc<Names>, network: &str) -> HttpsFetcher {
    let addresses = AddressPolicy::public().with_network(network).unwrap();
    let fetcher = HttpsFetcher::new().with_resolver(names.clone()).with_addresses(addresses);
    fetcher.with_root_certificate(authority.der()).unwrap()
}

fn url(port: u16) -> ClientIdUrl {
    format!("https://{HOST}:{port}/meta.json?v=1").parse().unwrap()
}

/// What comes back from a web server that does this.
async fn fetched(behaviour: Behaviour) -> Result<Response<Bytes>, FetchError> {
    let authority = Authority::new();
    let server = WebServer::start(&authority, behaviour).await;
    let names = Names::of(HOST, &[&["127.0.0.1"]]);
    fetcher(&authority, &names, "127.0.0.1/32").fetch(&url(server.port())).await
}

/// An answer with this status line, these headers and this body.
fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat()
}

// CIMD-002, CIMD-028
#[tokio::test]
async fn a_document_is_asked_for_once_by_a_request_that_tells_nothing_of_the_service() {
    let authority = Authority::new();
    let body = document().to_string();
    let head = format!(
        "200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nCache-Control: no-store",
        body.len()
    );
    let server = WebServer::start(&authority, Behaviour::Sends(answer(&head, body.as_bytes()))).await;
    let names = Names::of(HOST, &[&["127.0.0.1"]]);
    let fetcher = fetcher(&authority, &names, "127.0.0.1/32");
    let response = fetcher.fetch(&url(server.port())).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body()), (200, &Bytes::from(body)));
    assert_eq!(response.headers()["cache-control"], "no-store");

    let requests = server.requests();
    let mut lines: Vec<_> = requests[0].trim_end().split("\r\n").collect();
    lines[1..].sort_unstable();
    let expected = [
        "GET /meta.json?v=1 HTTP/1.1".to_owned(),
        "accept: application/json".to_owned(),
        format!("host: {HOST}:{}", server.port()),
        concat!("user-agent: grantor/", env!("CARGO_PKG_VERSION")).to_owned(),
    ];
    assert_eq!(lines, expected);
    assert_eq!((requests.len(), names.asked()), (1, 1));
}

// CIMD-012, ATK-081
#[tokio::test]
async fn no_address_of_the_inside_is_connected_to_not_even_beside_one_that_may_be() {
    let authority = Authority::new();
    let silent = Silent::everywhere();
    for refused in [
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
    ] {
        // 127.0.0.2 stands for a public address here.
        for meanings in [&[refused][..], &["127.0.0.2", refused], &[refused, "127.0.0.2"]] {
            let names = Names::of(HOST, &[meanings]);
            let fetcher = fetcher(&authority, &names, "127.0.0.2/32");
            let error = fetcher.fetch(&url(silent.port())).await.unwrap_err();
            let expected: IpAddr = refused.parse().unwrap();
            assert!(matches!(error, FetchError::AddressRefused(address) if address == expected), "{error:?}");
            silent.expect_silence(refused);
        }
    }
}

// CIMD-012: what the operating system says of a name counts as well.
#[tokio::test]
async fn a_name_of_this_very_machine_is_not_connected_to() {
    let silent = Silent::everywhere();
    let url = format!("https://localhost:{}/meta.json", silent.port()).parse().unwrap();
    let error = HttpsFetcher::new().with_resolver(Arc::new(SystemResolver::new())).fetch(&url).await.unwrap_err();
    assert!(matches!(error, FetchError::AddressRefused(address) if address.is_loopback()), "{error:?}");
    silent.expect_silence("localhost");
}

// CIMD-013, ATK-083
#[tokio::test]
async fn a_name_that_means_something_else_a_moment_later_leads_nowhere() {
    let authority = Authority::new();
    let silent = Silent::on(std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap());
    let behaviour = Behaviour::Sends(answer("200 OK\r\nContent-Length: 2", b"{}"));
    let port = silent.port();
    let server = WebServer::start_at([127, 0, 0, 2].into(), port, &authority, HOST, 4_000, behaviour).await;
    let names = Names::of(HOST, &[&["127.0.0.2"], &["127.0.0.1"]]);
    let fetcher = fetcher(&authority, &names, "127.0.0.2/32");

    let response = fetcher.fetch(&url(port)).await.unwrap();
    assert_eq!((response.body().as_ref(), names.asked(), server.requests().len()), (&b"{}"[..], 1, 1));
    silent.expect_silence("the first time");
    let error = fetcher.fetch(&url(port)).await.unwrap_err();
    assert!(matches!(error, FetchError::AddressRefused(_)), "{error:?}");
    silent.expect_silence("the second time");
}

// CIMD-013: the certificate is the host's, good, and of somebody who is trusted.
#[tokio::test]
async fn a_host_that_cannot_prove_its_name_hears_no_request() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (signer, host, until) in [
        (&other, HOST, 4_000),
        (&authority, "other.test", 4_000),
        (&authority, "sub.client.test", 4_000),
        (&authority, "127.0.0.1", 4_000),
        (&authority, HOST, 2_001),
    ] {
        let behaviour = Behaviour::Sends(answer("200 OK\r\nContent-Length: 2", b"{}"));
        let server = WebServer::start_at([127, 0, 0, 1].into(), 0, signer, host, until, behaviour).await;
        let names = Names::of(HOST, &[&["127.0.0.1"]]);
        let error = fetcher(&authority, &names, "127.0.0.1/32").fetch(&url(server.port())).await.unwrap_err();
        assert!(matches!(error, FetchError::Insecure(_)), "{host} {until}: {error:?}");
        assert!(server.requests().is_empty(), "{host} {until}");
    }
    assert!(HttpsFetcher::new().with_root_certificate(b"no certificate").is_err());
}

// CIMD-004, ATK-084
#[tokio::test]
async fn a_redirect_is_an_answer_and_its_target_hears_nothing() {
    let silent = Silent::everywhere();
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent", "300 Choices"] {
        for target in [format!("https://localhost:{}/", silent.port()), format!("http://127.0.0.1:{}/", silent.port())]
        {
            let head = format!("{status}\r\nLocation: {target}\r\nRefresh: 0;url={target}\r\nContent-Length: 0");
            let response = fetched(Behaviour::Sends(answer(&head, b""))).await.unwrap();
            assert_eq!(response.status().as_str(), &status[..3]);
            silent.expect_silence(status);
        }
    }
}

// CIMD-015, ATK-085
#[tokio::test]
async fn a_body_is_read_up_to_its_bound_however_it_is_sent() {
    let chunk = [b"2000\r\n".as_slice(), &[b' '; 0x2000], b"\r\n"].concat();
    let endless = [b"1\r\n \r\n".as_slice()].concat();
    for (head, rest) in [
        ("200 OK\r\nContent-Length: 5000000", vec![b' '; 8_192]),
        ("200 OK\r\nTransfer-Encoding: chunked", chunk),
        ("200 OK\r\nTransfer-Encoding: chunked", endless),
        ("200 OK\r\nConnection: close", vec![b' '; 8_192]),
    ] {
        let error = fetched(Behaviour::Floods(answer(head, b""), rest)).await.unwrap_err();
        assert!(matches!(error, FetchError::TooLarge), "{head}: {error:?}");
    }
    let full = vec![b' '; MAX_DOCUMENT];
    let response = fetched(Behaviour::Sends(answer("200 OK\r\nConnection: close", &full))).await.unwrap();
    assert_eq!(response.body().len(), MAX_DOCUMENT);
}

// CIMD-015: a compressed body is what it is, and as long as it was sent.
#[tokio::test]
async fn nothing_is_decompressed() {
    let bomb = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03";
    let head = format!("200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}", bomb.len());
    let response = fetched(Behaviour::Sends(answer(&head, bomb))).await.unwrap();
    assert_eq!(
        (response.body().as_ref(), &response.headers()["content-encoding"]),
        (&bomb[..], &"gzip".parse().unwrap())
    );
}

// CIMD-015: of an answer that does not count, the body does not matter.
#[tokio::test]
async fn the_body_of_an_error_is_not_read() {
    let response = fetched(Behaviour::Floods(answer("500 Oops\r\nConnection: close", b""), vec![b'x'; 8_192])).await;
    let response = response.unwrap();
    assert!(response.status() == 500 && response.body().is_empty());
}

// What speaks something else, or has no end of headers, is no web server.
#[tokio::test]
async fn what_is_no_http_is_refused() {
    let header = format!("X: {}\r\n", "x".repeat(1_000)).into_bytes();
    for behaviour in [
        Behaviour::Sends(b"220 mail.test ESMTP\r\n".to_vec()),
        Behaviour::Sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}".to_vec()),
        Behaviour::Sends(Vec::new()),
        Behaviour::Sends(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}".to_vec()),
        Behaviour::Floods(b"HTTP/1.1 200 OK\r\n".to_vec(), header),
        Behaviour::Floods(b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: b\r\n".to_vec()),
    ] {
        let error = fetched(behaviour.clone()).await.unwrap_err();
        assert!(matches!(error, FetchError::Malformed(_)), "{behaviour:?}: {error:?}");
    }
}

// CIMD-016, ATK-085
#[tokio::test]
async fn a_host_that_sends_nothing_or_a_little_at_a_time_is_given_up() {
    let a_byte_at_a_time = |head: &str| Behaviour::Trickles(answer(head, b""));
    for behaviour in [
        Behaviour::IsSilent,
        a_byte_at_a_time("200 OK\r\nContent-Length: 10000"),
        a_byte_at_a_time("200 OK\r\nConnection: close"),
        Behaviour::Trickles(b"HTTP/1.1 200 OK\r\nX:".to_vec()),
    ] {
        let authority = Authority::new();
        let server = WebServer::start(&authority, behaviour.clone()).await;
        let names = Names::of(HOST, &[&["127.0.0.1"]]);
        let fetcher = fetcher(&authority, &names, "127.0.0.1/32").with_timeout(Duration::from_millis(200));
        let error = fetcher.fetch(&url(server.port())).await.unwrap_err();
        assert!(matches!(error, FetchError::TimedOut), "{behaviour:?}: {error:?}");
        server.gone().await;
    }
}

// Whoever does not wait any more keeps no connection open.
#[tokio::test]
async fn a_fetch_that_is_dropped_closes_its_connection() {
    let authority = Authority::new();
    let server = WebServer::start(&authority, Behaviour::IsSilent).await;
    let names = Names::of(HOST, &[&["127.0.0.1"]]);
    let (fetcher, url) = (fetcher(&authority, &names, "127.0.0.1/32"), url(server.port()));
    let fetching = tokio::spawn(async move { fetcher.fetch(&url).await });
    server.heard().await;
    fetching.abort();
    server.gone().await;
}

// An address that does not accept is no reason to give up the others.
#[tokio::test]
async fn the_next_address_is_tried_if_one_does_not_accept() {
    let authority = Authority::new();
    let behaviour = Behaviour::Sends(answer("200 OK\r\nContent-Length: 2", b"{}"));
    let server = WebServer::start(&authority, behaviour).await;
    let names = Names::of(HOST, &[&["127.0.0.7", "127.0.0.1"], &["127.0.0.7"], &[]]);
    let fetcher = fetcher(&authority, &names, "127.0.0.0/8");
    assert_eq!(fetcher.fetch(&url(server.port())).await.unwrap().status(), 200);
    for _ in 0..2 {
        let error = fetcher.fetch(&url(server.port())).await.unwrap_err();
        assert!(matches!(error, FetchError::Unreachable(_)), "{error:?}");
    }
}

// CIMD-023, ATK-063, ATK-081
#[tokio::test]
async fn a_page_does_not_tell_what_there_is_at_a_place_that_only_the_server_can_reach() {
    let authority = Authority::new();
    let silent = Silent::everywhere();
    let html = answer("200 OK\r\nContent-Type: text/html\r\nContent-Length: 4", b"<p>\n");
    let json = answer("200 OK\r\nContent-Type: application/json\r\nContent-Length: 1", b"{");
    let missing = answer("404 Not Found\r\nContent-Length: 0", b"");
    let mut seen = Vec::new();
    for (meaning, behaviour) in [
        ("127.0.0.1", html),
        ("127.0.0.1", json),
        ("127.0.0.1", missing),
        ("127.0.0.9", Vec::new()),
        ("169.254.169.254", Vec::new()),
        ("::1", Vec::new()),
    ] {
        let server = WebServer::start(&authority, Behaviour::Sends(behaviour)).await;
        let names = Names::of(HOST, &[&[meaning]]);
        let addresses = ["127.0.0.1/32", "127.0.0.9/32"];
        let addresses =
            addresses.iter().fold(AddressPolicy::public(), |policy, network| policy.with_network(network).unwrap());
        let fetcher = fetcher(&authority, &names, "127.0.0.1/32").with_addresses(addresses);
        let fetcher = fetcher.with_timeout(Duration::from_millis(200));
        let documents =
            ClientIdMetadataDocuments::new(Arc::new(fetcher)).with_port(server.port()).with_port(silent.port());
        let setup = Setup::memory_with(|builder| builder.client_id_metadata_documents(documents)).await;
        for (host, port) in [(HOST, server.port()), ("unknown.test", server.port()), (HOST, silent.port())] {
            let id = format!("https://{host}:{port}/meta.json");
            let page = page(&setup, &setup.request("pub").set("client_id", &id).encode(), Visitor::SignedIn).await;
            assert!(matches!(
                page.reason(),
                ErrorReason::ClientDocumentUnavailable | ErrorReason::ClientDocumentMalformed
            ));
            seen.push((page.status(), page.description().to_owned(), page.text().to_owned()));
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}
