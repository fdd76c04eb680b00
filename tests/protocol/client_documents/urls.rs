//! Which identifiers are URLs of documents.

use std::time::Duration;

use grantor::client::{Client, Vetting};
use grantor::error::ErrorReason;
use grantor::{ErrorPage, Visitor};
use serde_json::json;

use super::{CALLBACK, ID, World, document};
use crate::browser::{expect_code, expect_page, page, refuse};
use crate::registration::{expect_registered, public, register};
use crate::support::Setup;

// CIMD-001, CIMD-014, ATK-081
#[tokio::test]
async fn what_is_no_client_identifier_url_is_refused_and_nothing_is_fetched() {
    let world = World::new().await;
    for id in [
        "http://client.test/meta.json",
        "https://client.test",
        "https://client.test/",
        "https://client.test/a/../b",
        "https://client.test/a/%2e%2e/b",
        "https://client.test/meta.json#x",
        "https://u@client.test/m",
        "https://u:p@client.test/m",
        "https://client.test./meta.json",
        "https://CLIENT.test/meta.json",
        "https://client.test:443/meta.json",
        "https://127.0.0.1/x",
        "https://127.1/x",
        "https://2130706433/x",
        "https://0x7f000001/x",
        "https://017700000001/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:7f00:1]/x",
        "https://[fd00:ec2::254]/x",
        "ftp://client.test/meta.json",
        "file:///etc/passwd",
        &format!("https://client.test/{}", "x".repeat(2_000)),
    ] {
        let request = world.request().set("client_id", id);
        expect_page(&refuse(&world.setup, &request.encode()).await, 400, &id);
    }
    assert_eq!(world.site.take(), [""; 0]);
}

// CIMD-001, ATK-087
#[tokio::test]
async fn a_url_with_a_query_or_a_port_is_another_client() {
    let world = World::with(|documents| documents.with_port(8443)).await;
    for id in ["https://client.test/meta.json?x", "https://client.test:8443/meta.json", "https://client.test/META.json"]
    {
        let request = world.request().set("client_id", id);
        expect_page(&refuse(&world.setup, &request.encode()).await, 400, &id);
        world.setup.clock.advance(Duration::from_mins(1));
        let mut document = document();
        document["client_id"] = json!(id);
        document["client_name"] = json!(format!("Another: {id}"));
        world.site.publish(id, &document);
        let pending = world.setup.pending(&request).await.unwrap();
        assert_eq!(pending.client().display_name(), format!("Another: {id}"));
        assert_eq!(world.site.take(), [id; 2]);
    }
    assert_eq!(world.setup.pending(&world.request()).await.unwrap().client().display_name(), "Example");
}

// CIMD-024
#[tokio::test]
async fn without_documents_a_url_is_an_unknown_client_also_if_it_was_kept_before() {
    let setup = Setup::memory().await;
    let request = setup.request("pub").set("client_id", ID).set("redirect_uri", CALLBACK);
    let reason = |page: ErrorPage| page.reason();
    assert_eq!(reason(page(&setup, &request.encode(), Visitor::SignedIn).await), ErrorReason::ClientUnknown);

    let kept = Client::public(ID.parse().unwrap()).with_redirect_uri(CALLBACK.parse().unwrap());
    setup.add(kept.with_vetting(Vetting::SelfRegistered)).await;
    assert_eq!(reason(page(&setup, &request.encode(), Visitor::SignedIn).await), ErrorReason::ClientUnknown);
    let exchange = setup.exchange("pub", "x").set("client_id", ID);
    setup.token(&exchange).await.expect_error(401, "invalid_client");
}

// CIMD-024, DCR-033
#[tokio::test]
async fn registration_never_hands_a_url_out() {
    let world = World::new().await;
    for _ in 0..20 {
        let mut metadata = public();
        metadata["client_id"] = json!(ID);
        let registered = expect_registered(register(&world.setup, &metadata).await);
        assert!(!registered.text("client_id").contains([':', '/']), "{registered:?}");
    }
    assert!(world.kept().await.is_none());
}

// CIMD-024: an operator who vouches for a client says what it is.
#[tokio::test]
async fn a_url_that_the_operator_registered_is_what_was_registered() {
    for kept in [false, true] {
        for world in World::both().await {
            if kept {
                world.tokens().await;
                world.setup.clock.advance(Duration::from_hours(25));
                world.site.take();
            }
            let World { setup, site, .. } = world;
            let (elsewhere, grants) = ("https://elsewhere.test/cb", ["authorization_code", "refresh_token"]);
            let registration = json!({
                "client_id": ID, "client_name": "Vouched for", "token_endpoint_auth_method": "none",
                "redirect_uris": [elsewhere], "grant_types": grants,
            });
            setup.server.install_client(registration.to_string().as_bytes()).await.unwrap();
            let request = setup.request("pub").set("client_id", ID).set("redirect_uri", elsewhere);
            assert_eq!(setup.pending(&request).await.unwrap().warnings().count(), 0, "{kept}");
            let code = expect_code(&setup.approve(&request).await, elsewhere, &request);
            let exchange = setup.exchange("pub", &code).set("client_id", ID).set("redirect_uri", elsewhere);
            setup.token(&exchange).await.expect_ok();
            expect_page(&refuse(&setup, &request.set("redirect_uri", CALLBACK).encode()).await, 400, &kept);
            assert_eq!(site.take(), [""; 0], "{kept}");
        }
    }
}

// CIMD-020, CIMD-023
#[tokio::test]
async fn a_host_that_the_operator_does_not_want_is_refused_without_a_fetch_and_its_tokens_end() {
    let world = World::new().await;
    let tokens = world.tokens().await;
    world.site.take();
    let host = |text: &str| text.parse::<grantor::host_pattern::HostPattern>().unwrap();
    for (number, decided) in [
        World::with(|documents| documents.denying([host("client.test")])).await,
        World::with(|documents| documents.allowing_only([host("*.client.test"), host("other.test")])).await,
        World::with(|documents| documents.allowing_only([host("client.test")]).denying([host("client.test")])).await,
    ]
    .into_iter()
    .enumerate()
    {
        let request = decided.request().encode();
        let shown = page(&decided.setup, &request, Visitor::SignedIn).await;
        assert_eq!((shown.reason(), shown.status().as_u16()), (ErrorReason::ClientHostRefused, 400), "{number}");
        assert_eq!(decided.site.take(), [""; 0], "{number}");
        let kept = world.kept().await.unwrap();
        decided.setup.add(Client::clone(&kept)).await;
        decided.setup.token(&world.refresh(&tokens)).await.expect_error(401, "invalid_client");
    }
    world.setup.token(&world.refresh(&tokens)).await.expect_ok();
}

// A client that the operator disabled is unknown, and its document is of no interest.
#[tokio::test]
async fn a_disabled_client_is_unknown_and_nothing_is_fetched() {
    for world in World::both().await {
        let tokens = world.tokens().await;
        world.setup.change(ID, |client| client.with_status(grantor::client::ClientStatus::Disabled)).await;
        world.setup.clock.advance(Duration::from_hours(1));
        world.site.take();
        let shown = page(&world.setup, &world.request().encode(), Visitor::SignedIn).await;
        assert_eq!(shown.reason(), ErrorReason::ClientUnknown);
        world.setup.token(&world.refresh(&tokens)).await.expect_error(401, "invalid_client");
        assert_eq!(world.site.take(), [""; 0]);
    }
}

// CIMD-025: what no document could make right.
#[tokio::test]
async fn a_request_whose_redirect_uri_could_never_be_right_fetches_nothing() {
    let world = World::new().await;
    for uri in
        ["javascript:alert(1)", "http://evil.test/cb", "https://u@client.test/cb", "/cb", "https://client.test/cb#x"]
    {
        let request = world.request().set("redirect_uri", uri);
        expect_page(&refuse(&world.setup, &request.encode()).await, 400, &uri);
    }
    let twice = world.request().and("redirect_uri", CALLBACK);
    expect_page(&refuse(&world.setup, &twice.encode()).await, 400, &"twice");
    assert_eq!(world.site.take(), [""; 0]);
}
