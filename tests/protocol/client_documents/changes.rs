//! What a changed document means.

use std::sync::Arc;
use std::time::Duration;

use grantor::cimd::ClientIdMetadataDocuments;
use grantor::client::ApplicationType;
use grantor::error::ErrorReason;
use grantor::store::MemoryStore;
use grantor::{Approval, AuthorizationServer, Issuer, Recall, Stores, Visitor};
use serde_json::{Value, json};

use super::site::Site;
use super::{CALLBACK, ID, World, document, with};
use crate::browser::{expect_code, expect_page, page};
use crate::support::Setup;

/// Long enough for everything that is known to be out of date.
const LATER: Duration = Duration::from_hours(25);

fn publish_later(world: &World, document: &Value) {
    world.site.publish(ID, document);
    world.setup.clock.advance(LATER);
}

// CIMD-019, ATK-086
#[tokio::test]
async fn a_document_that_changes_after_consent_changes_nothing_about_the_code() {
    for world in World::both().await {
        let code = world.code().await;
        world.site.publish(ID, &with("redirect_uris", json!(["https://evil.test/cb"])));
        let evil = world.exchange(&code).set("redirect_uri", "https://evil.test/cb");
        world.setup.token(&evil).await.expect_error(400, "invalid_grant");
        world.setup.token(&world.exchange(&code)).await.expect_ok();
        assert_eq!(world.site.take(), [ID], "the token endpoint fetches nothing");

        let code = world.code().await;
        world.site.vanish(ID);
        world.setup.token(&world.exchange(&code)).await.expect_ok();
    }
}

// CIMD-019, ATK-086: the redirect URI of an old code is that of the consent, also once the new document is known.
#[tokio::test]
async fn a_code_is_for_its_own_redirect_uri_also_once_the_document_has_another() {
    for world in World::both().await {
        let (other, both) = ("https://client.test/new", json!([CALLBACK, "https://client.test/new"]));
        world.site.publish_with(ID, &document(), "cache-control", "no-store");
        let code = world.code().await;
        world.site.publish_with(ID, &with("redirect_uris", both), "cache-control", "no-store");
        let request = world.request().set("redirect_uri", other);
        let newer = expect_code(&world.setup.approve(&request).await, other, &request);
        world.setup.token(&world.exchange(&code).set("redirect_uri", other)).await.expect_error(400, "invalid_grant");
        world.setup.token(&world.exchange(&newer)).await.expect_error(400, "invalid_grant");
        world.setup.token(&world.exchange(&code)).await.expect_ok();
        world.setup.token(&world.exchange(&newer).set("redirect_uri", other)).await.expect_ok();
    }
}

// CIMD-019, ATK-086, RURI-019
#[tokio::test]
async fn a_decision_about_a_page_that_showed_another_document_is_none() {
    for change in [
        ("client_name", json!("Somebody Else")),
        ("redirect_uris", json!([CALLBACK, "https://evil.test/cb"])),
        ("logo_uri", json!("https://client.test/logo.png")),
        ("client_uri", json!("https://client.test/home")),
        ("policy_uri", json!("https://client.test/privacy")),
        ("tos_uri", json!("https://client.test/terms")),
    ] {
        for kept in [false, true] {
            let world = World::new().await;
            world.site.publish_with(ID, &document(), "cache-control", "no-store");
            if kept {
                world.code().await;
            }
            let before = world.setup.granted().await.len();
            let shown = world.setup.pending(&world.request()).await.unwrap();
            let token = world.setup.consent_token(&shown);
            world.site.publish(ID, &with(change.0, change.1.clone()));
            let changed = world.setup.pending(&world.request()).await.unwrap();
            let error = changed.confirm(&world.setup.session, &world.setup.alice, &token).unwrap_err();
            assert_eq!(error.reason(), ErrorReason::ConsentTokenInvalid, "{change:?} {kept}");
            assert_eq!(world.setup.granted().await.len(), before);
        }
    }
}

// CONS-007, CIMD-019
#[tokio::test]
async fn a_client_that_looks_different_or_sends_answers_elsewhere_is_asked_about_again() {
    for (member, value) in [
        ("client_name", json!("Somebody Else")),
        ("redirect_uris", json!([CALLBACK, "https://evil.test/cb"])),
        ("logo_uri", json!("https://client.test/logo.png")),
        ("client_uri", json!("https://client.test/home")),
        ("policy_uri", json!("https://client.test/privacy")),
        ("tos_uri", json!("https://client.test/terms")),
    ] {
        for world in World::both().await {
            world.tokens().await;
            assert!(!world.asks().await, "{member}");
            publish_later(&world, &with(member, value.clone()));
            assert!(world.asks().await, "{member}");
            // Somebody else's yes to the change is not alice's.
            let bob = "bob".parse().unwrap();
            let shown = world.setup.pending(&world.request()).await.unwrap();
            let token = shown.consent_token(&world.setup.session, &bob);
            let confirmed = shown.confirm(&world.setup.session, &bob, &token).unwrap();
            drop(world.setup.server.approve(confirmed, Approval::all()).await.unwrap());
            assert!(world.asks().await, "{member}");
            world.tokens().await;
            assert!(!world.asks().await, "{member}");
        }
    }
}

// What nobody sees is nobody's question; it is kept with the next approval.
#[tokio::test]
async fn a_client_that_says_anything_else_is_not_asked_about_again() {
    for world in World::both().await {
        world.tokens().await;
        let consented_at = world.kept().await.unwrap().updated_at();
        let mut changed = with("software_version", json!("2.0"));
        changed["application_type"] = json!("web");
        publish_later(&world, &changed);
        let pending = world.setup.pending(&world.request()).await.unwrap();
        let recall = world.setup.server.recall(pending, &world.setup.alice).await.unwrap();
        let Recall::Remembered(confirmed) = recall else { panic!("alice is asked") };
        drop(world.setup.server.approve(confirmed, Approval::all()).await.unwrap());
        let kept = world.kept().await.unwrap();
        assert_eq!(kept.metadata().application_type(), Some(ApplicationType::Web));
        assert_eq!(kept.updated_at(), consented_at);
    }
}

// CIMD-011, RURI-019
#[tokio::test]
async fn a_redirect_uri_that_is_gone_is_refused_and_live_tokens_go_on() {
    for world in World::both().await {
        let tokens = world.tokens().await;
        publish_later(&world, &with("redirect_uris", json!(["https://client.test/new"])));
        let answer = world.approve().await;
        expect_page(&answer, 400, &CALLBACK);
        let tokens = world.setup.token(&world.refresh(&tokens)).await.expect_ok();
        let request = world.request().set("redirect_uri", "https://client.test/new");
        expect_code(&world.setup.approve(&request).await, "https://client.test/new", &request);
        let tokens = world.setup.token(&world.refresh(&tokens)).await.expect_ok();

        publish_later(&world, &json!({ "client_id": ID }));
        let shown = page(&world.setup, &request.encode(), Visitor::SignedIn).await;
        assert_eq!(shown.reason(), ErrorReason::ClientDocumentUnusable);
        world.setup.token(&world.refresh(&tokens)).await.expect_ok();
    }
}

// A change that is taken back is none.
#[tokio::test]
async fn a_document_that_is_what_it_was_needs_no_new_consent() {
    let world = World::new().await;
    world.tokens().await;
    publish_later(&world, &with("client_name", json!("Somebody Else")));
    assert!(world.asks().await);
    publish_later(&world, &document());
    assert!(!world.asks().await);
}

// What the operator decided about a client outlives its changes.
#[tokio::test]
async fn what_the_operator_decided_is_not_the_documents_to_change() {
    for world in World::both().await {
        world.tokens().await;
        world.setup.change(ID, |client| client.with_tenant("acme".parse().unwrap())).await;
        publish_later(&world, &with("client_name", json!("Example 2")));
        world.tokens().await;
        let kept = world.kept().await.unwrap();
        assert_eq!((kept.tenant().map(grantor::Tenant::as_str), kept.display_name()), (Some("acme"), "Example 2"));
    }
}

/// Another process of the same service: its own memory, the same store.
fn process(store: &Arc<MemoryStore>, site: &Arc<Site>, setup: &Setup) -> AuthorizationServer {
    AuthorizationServer::builder(Issuer::parse("https://as.test").unwrap(), Stores::from(Arc::clone(store)))
        .scope("read", "Read your things")
        .client_id_metadata_documents(ClientIdMetadataDocuments::new(site.clone()))
        .paths(grantor::configuration::EndpointPaths::under("/oauth"))
        .clock(setup.clock.clone())
        .build()
        .unwrap()
}

// CIMD-019, CIMD-026
#[tokio::test]
async fn every_process_knows_a_client_that_one_of_them_was_told_about() {
    let setup = Setup::memory().await;
    let (store, site) = (Arc::new(MemoryStore::new()), Arc::new(Site::default()));
    site.publish(ID, &document());
    let [one, two, three] = std::array::from_fn(|_| process(&store, &site, &setup));
    let query = setup.request("pub").set("client_id", ID).set("redirect_uri", CALLBACK).encode();

    // The page is made by one, and decided at another, before anything is kept of the client.
    let token = setup.consent_token(&one.authorize(&query).await.unwrap());
    let confirmed = two.authorize(&query).await.unwrap().confirm(&setup.session, &setup.alice, &token).unwrap();
    let location = two.approve(confirmed, Approval::all()).await.unwrap().location().to_owned();
    let (_, code) =
        url::Url::parse(&location).unwrap().query_pairs().into_owned().find(|(name, _)| name == "code").unwrap();
    site.vanish(ID);

    let exchange = setup.exchange("pub", &code).set("client_id", ID).set("redirect_uri", CALLBACK);
    let request = http::Request::post("/oauth/token").header("content-type", "application/x-www-form-urlencoded");
    let answer = three.handle(request.body(exchange.encode()).unwrap()).await;
    assert_eq!(answer.status(), 200, "{}", answer.body());
    assert_eq!(site.take(), [ID; 2], "the token endpoint fetches nothing");
}
