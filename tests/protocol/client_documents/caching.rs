//! How often a document is fetched.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use grantor::Visitor;
use grantor::error::ErrorReason;
use serde_json::json;

use super::{ID, World, document, with};
use crate::browser::page;

const SECOND: Duration = Duration::from_secs(1);

/// How often the document is fetched for one request.
async fn fetches(world: &World) -> usize {
    drop(world.setup.pending(&world.request()).await.unwrap());
    world.site.take().len()
}

async fn reason(world: &World) -> ErrorReason {
    page(&world.setup, &world.request().encode(), Visitor::SignedIn).await.reason()
}

// CIMD-017
#[tokio::test]
async fn a_document_is_used_for_as_long_as_its_host_says_within_bounds() {
    for (value, lifetime) in [
        ("max-age=60", 60),
        ("public, max-age=1000000000", 24 * 3_600),
        ("public", 5 * 60),
        ("max-age=60, s-maxage=30", 30),
    ] {
        let world = World::new().await;
        world.site.publish_with(ID, &document(), "cache-control", value);
        assert_eq!(fetches(&world).await, 1, "{value}");
        world.setup.clock.advance(SECOND * (lifetime - 1));
        assert_eq!(fetches(&world).await, 0, "{value}");
        world.setup.clock.advance(SECOND);
        assert_eq!(fetches(&world).await, 1, "{value}");
    }
    for value in ["no-store", "no-cache", "private, max-age=60", "max-age=0"] {
        let world = World::new().await;
        world.site.publish_with(ID, &document(), "cache-control", value);
        for _ in 0..3 {
            assert_eq!(fetches(&world).await, 1, "{value}");
        }
    }
}

// CIMD-018, ATK-087
#[tokio::test]
async fn a_failure_is_forgotten_after_a_few_seconds() {
    let bad = |member| with(member, serde_json::Value::Null).to_string();
    for (status, body) in
        [(500, String::new()), (404, String::new()), (200, bad("client_name")), (200, bad("client_id"))]
    {
        let world = World::new().await;
        let headers = [("content-type", "application/json"), ("cache-control", "max-age=86400")];
        world.site.answer(ID, status, &headers, body);
        let first = reason(&world).await;
        world.site.publish(ID, &document());
        assert_eq!(reason(&world).await, first);
        assert_eq!(world.site.take(), [ID], "it is not asked again at once");
        world.setup.clock.advance(SECOND * 10);
        assert_eq!(fetches(&world).await, 1);
        world.code().await;
    }
}

// CIMD-018: whoever takes a document away is believed, once what is known is out of date.
#[tokio::test]
async fn nothing_is_used_beyond_its_time_and_what_was_granted_goes_on() {
    for world in World::both().await {
        let tokens = world.tokens().await;
        world.site.vanish(ID);
        assert!(!world.asks().await, "it is still known");
        world.setup.clock.advance(SECOND * 5 * 60);
        assert_eq!(reason(&world).await, ErrorReason::ClientDocumentUnavailable);
        let tokens = world.setup.token(&world.refresh(&tokens)).await.expect_ok();
        world.site.publish(ID, &document());
        world.setup.clock.advance(SECOND * 10);
        assert!(!world.asks().await, "the same client as before");
        world.setup.token(&world.refresh(&tokens)).await.expect_ok();
    }
}

// ATK-085
#[tokio::test]
async fn of_many_requests_at_once_one_fetches() {
    let world = Arc::new(World::new().await);
    let asking = (0..50).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.setup.pending(&world.request()).await.map(|pending| pending.client().clone()) })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.unwrap().unwrap().display_name(), "Example");
    }
    assert_eq!(world.site.take(), [ID]);
}

// A browser that goes away takes nothing with it.
#[tokio::test]
async fn a_request_that_is_dropped_while_it_fetches_leaves_the_next_one_to_fetch() {
    let world = World::new().await;
    {
        let request = world.request();
        let asking = std::pin::pin!(world.setup.pending(&request));
        assert!(asking.now_or_never().is_none(), "it waits for the document");
    }
    assert_eq!(world.site.take(), [ID]);
    assert_eq!(fetches(&world).await, 1);
    assert_eq!(fetches(&world).await, 0);
}

// ATK-087: one client's document is never another's.
#[tokio::test]
async fn what_is_known_of_one_url_is_not_known_of_another() {
    let world = World::new().await;
    assert_eq!(fetches(&world).await, 1);
    let other = "https://client.test/meta.json?";
    let mut copy = document();
    copy["client_name"] = json!("Copy");
    world.site.publish(other, &copy);
    let request = world.request().set("client_id", other);
    let shown = page(&world.setup, &request.encode(), Visitor::SignedIn).await;
    assert_eq!(shown.reason(), ErrorReason::ClientDocumentMalformed, "the copy names another client");
    assert_eq!(world.site.take(), [other]);
    let pending = world.setup.pending(&world.request()).await.unwrap();
    assert_eq!(pending.client().display_name(), "Example");
}
