//! What a person is told of a client that nobody vouches for.

use std::sync::Arc;

use grantor::Client;
use grantor::cimd::ClientIdMetadataDocuments;
use grantor::grant::ClientWarning;
use grantor::testkit::TestServer;
use serde_json::json;

use super::site::Site;
use super::{CALLBACK, ID, World, document, with};
use crate::browser::expect_code;
use crate::support::Setup;

// CIMD-021, CONS-004, CONS-005, MCP-015
#[tokio::test]
async fn a_page_can_tell_who_asks_where_the_answer_goes_and_what_to_beware_of() {
    let loopback = ["http://127.0.0.1/cb", "http://localhost/cb", "http://[::1]/cb"];
    for (uris, uri, host, warnings) in [
        (json!([CALLBACK]), CALLBACK, "client.test", &[][..]),
        (json!([CALLBACK, loopback[0]]), "http://127.0.0.1:5100/cb", "127.0.0.1", &[]),
        (json!(loopback), "http://localhost:5100/cb", "localhost", &[ClientWarning::LoopbackOnly]),
        (json!([loopback[2]]), "http://[::1]:5100/cb", "[::1]", &[ClientWarning::LoopbackOnly]),
        (
            json!([CALLBACK, "https://other.test/cb"]),
            "https://other.test/cb",
            "other.test",
            &[ClientWarning::OtherHost],
        ),
        (json!(["com.example.app:/cb"]), "com.example.app:/cb", "com.example.app:", &[]),
    ] {
        let world = World::new().await;
        world.site.publish(ID, &with("redirect_uris", uris));
        let pending = world.setup.pending(&world.request().set("redirect_uri", uri)).await.unwrap();
        assert_eq!(pending.client_id_host().as_deref(), Some("client.test"));
        assert_eq!(pending.redirect_uri().display_host(), host);
        assert_eq!(pending.warnings().collect::<Vec<_>>(), warnings, "{uri}");
    }
}

// CONS-004: also of a client that registered itself; nothing is said against one that somebody vouches for.
#[tokio::test]
async fn whoever_nobody_vouches_for_is_warned_of() {
    let setup = Setup::memory().await;
    let native = setup.pending(&setup.request("native")).await.unwrap();
    assert_eq!((native.warnings().count(), native.client_id_host()), (0, None));
    let uri = "http://127.0.0.1/cb";
    let client = Client::public("cli".parse().unwrap()).with_redirect_uri(uri.parse().unwrap());
    setup.add(client.with_vetting(grantor::client::Vetting::SelfRegistered)).await;
    let request = setup.request("native").set("client_id", "cli");
    let pending = setup.pending(&request).await.unwrap();
    assert_eq!(pending.warnings().collect::<Vec<_>>(), [ClientWarning::LoopbackOnly]);
}

// ATK-019, CONS-002: any program of the machine could be the one that asks.
#[tokio::test]
async fn a_client_on_the_persons_own_machine_is_asked_about_every_time() {
    for world in World::both().await {
        let uri = "http://127.0.0.1:5100/cb";
        world.site.publish(ID, &with("redirect_uris", json!(["http://127.0.0.1/cb"])));
        let request = world.request().set("redirect_uri", uri);
        for _ in 0..2 {
            let code = expect_code(&world.setup.approve(&request).await, uri, &request);
            world.setup.token(&world.exchange(&code).set("redirect_uri", uri)).await.expect_ok();
            let pending = world.setup.pending(&request).await.unwrap();
            let recall = world.setup.server.recall(pending, &world.setup.alice).await.unwrap();
            assert!(matches!(recall, grantor::Recall::Ask(_)));
        }
    }
}

// CIMD-021, CIMD-022, CONS-004, CONS-005, ATK-088, UI-015
#[tokio::test]
async fn the_page_shows_the_whole_identifier_its_host_the_destination_and_the_warning_and_no_picture() {
    let id = "https://pages.test/~mallory/m.json";
    let site = Arc::new(Site::default());
    let mut document = document();
    document["client_id"] = json!(id);
    document["client_name"] = json!("\"><img src=x onerror=alert(1)>");
    document["redirect_uris"] = json!(["http://localhost/callback"]);
    document["logo_uri"] = json!("https://pages.test/~mallory/logo.png");
    site.publish(id, &document);
    let server = TestServer::with(|builder| builder.client_id_metadata_documents(ClientIdMetadataDocuments::new(site)));
    let client = Client::public(id.parse().unwrap()).with_redirect_uri("http://localhost/callback".parse().unwrap());
    let page = server.client().existing(client).authorize().with("redirect_uri", "http://localhost:5100/callback");
    let page = page.send().await.expect_status(200);
    for shown in [id, "pages.test", "localhost", "Any program on this computer can pass for this app", "&lt;img src=x"]
    {
        assert!(page.body().contains(shown), "{shown}: {}", page.body());
    }
    for never in ["<img", "logo.png", "src=\"http"] {
        assert!(!page.body().contains(never), "{never}: {}", page.body());
    }
}
