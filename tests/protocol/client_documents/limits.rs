//! Whoever opens links makes the server fetch, but not without end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use grantor::error::ErrorReason;
use grantor::observer::Endpoint;
use grantor::rate_limit::{DefaultRatePolicy, LimitedCall, LocalRateLimiter, Peer, RateLimit, RatePolicy, Stage};
use grantor::testkit::ManualClock;
use grantor::{AuthorizationRequest, Finding, Visitor};

use super::{ID, World};
use crate::support::Setup;

const HOME: [u8; 4] = [203, 0, 113, 7];
const ELSEWHERE: [u8; 4] = [198, 51, 100, 2];

async fn limited(policy: impl RatePolicy) -> (World, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new());
    let limiter = Arc::new(LocalRateLimiter::new(policy).with_clock(clock.clone()));
    let start = Setup::memory_start();
    (World::start(start, |documents| documents, |builder| builder.rate_limiter(limiter)).await, clock)
}

/// Why somebody is refused who opens a link from there; `None` if they are not.
async fn reason(world: &World, peer: [u8; 4], id: &str) -> Option<ErrorReason> {
    let query = world.request().set("client_id", id).encode();
    let request = AuthorizationRequest::new(&query).with_peer(Peer::new(peer.into()));
    world.setup.server.authorize(request).await.err().map(|error| error.reason())
}

// CIMD-025, ATK-085, DCR-027
#[tokio::test]
async fn a_flood_of_links_makes_the_server_fetch_only_so_often() {
    let (world, clock) = limited(DefaultRatePolicy::new()).await;
    let mut throttled = 0;
    for number in 0..1_000 {
        match reason(&world, HOME, &format!("https://x.test/{number}")).await {
            Some(ErrorReason::RateLimited) => throttled += 1,
            other => assert_eq!(other, Some(ErrorReason::ClientDocumentUnavailable)),
        }
    }
    assert_eq!((throttled, world.site.take().len()), (970, 30));
    assert_eq!(reason(&world, HOME, ID).await, Some(ErrorReason::RateLimited));
    assert_eq!(reason(&world, ELSEWHERE, ID).await, None);
    assert_eq!(reason(&world, HOME, ID).await, None, "nothing has to be fetched");
    clock.advance(Duration::from_secs(2));
    assert_eq!(reason(&world, HOME, "https://x.test/1000").await, Some(ErrorReason::ClientDocumentUnavailable));
}

// CIMD-016, ATK-085
#[tokio::test]
async fn whoever_names_hosts_that_all_hang_keeps_nobody_else_out() {
    let world = World::new().await;
    let links = (0..40).map(|number| world.request().set("client_id", &format!("https://h{number}.test/m")).encode());
    let links: Vec<_> = links.collect();
    let home = |link| AuthorizationRequest::new(link).with_peer(Peer::new(HOME.into()));
    let mut hanging: Vec<_> = links.iter().map(|link| Box::pin(world.setup.server.authorize(home(link)))).collect();
    let refused: Vec<_> = hanging.iter_mut().filter_map(FutureExt::now_or_never).map(Result::unwrap_err).collect();
    assert!(refused.len() < 40, "some are waited for");
    for error in refused {
        assert_eq!(error.reason(), ErrorReason::RateLimited);
        assert!(error.retry_after().unwrap() <= Duration::from_secs(5), "the longest that a host may hang");
    }
    assert_eq!(reason(&world, ELSEWHERE, ID).await, None);
}

// CIMD-025: 429, and a page.
#[tokio::test]
async fn whoever_opens_too_many_links_is_told_so() {
    let (world, _) = limited(|call: &LimitedCall<'_>| match (call.endpoint(), call.stage(), call.claimed_client()) {
        (Endpoint::Authorization, Stage::Fetching, Some(client)) => {
            vec![RateLimit::take(client.to_string(), grantor::rate_limit::Quota::per_hour(1))]
        }
        _ => Vec::new(),
    })
    .await;
    world.site.vanish(ID);
    assert_eq!(reason(&world, HOME, ID).await, Some(ErrorReason::ClientDocumentUnavailable));
    world.setup.clock.advance(Duration::from_mins(1));
    let error = world.setup.pending(&world.request()).await.unwrap_err();
    // Of one an hour, one comes back after an hour; the limiter's own clock has not moved.
    assert_eq!(error.retry_after(), Some(Duration::from_hours(1)));
    crate::browser::expect_page(&world.setup.answer(error, Visitor::SignedIn), 429, &ID);
    assert_eq!(world.site.take(), [ID]);
}

// A client that was registered is not described by a document, and nothing is counted.
#[tokio::test]
async fn a_registered_client_costs_no_fetch() {
    let (world, _) = limited(|call: &LimitedCall<'_>| match call.stage() {
        Stage::Fetching => vec![RateLimit::take("fetches", grantor::rate_limit::Quota::per_hour(1))],
        _ => Vec::new(),
    })
    .await;
    for _ in 0..5 {
        drop(world.setup.pending(&world.setup.request("pub")).await.unwrap());
    }
    drop(world.setup.pending(&world.request()).await.unwrap());
    assert_eq!(world.site.take(), [ID]);
}

#[tokio::test]
async fn an_operator_who_fetches_without_a_limit_is_told() {
    let told = async |setup: &Setup| {
        setup.server.check().await.iter().any(|finding| matches!(finding, Finding::UnlimitedClientDocuments))
    };
    assert!(told(&World::new().await.setup).await);
    assert!(!told(&limited(DefaultRatePolicy::new()).await.0.setup).await);
    assert!(!told(&Setup::memory().await).await);
}
