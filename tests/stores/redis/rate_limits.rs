//! Rate limits that processes share: each limiter here has connections of its own, as another process would.

use std::time::Duration;

use futures_util::future::join_all;
use grantor::rate_limit::{LimitedCall, Quota, RateDecision, RateLimit};
use grantor::store::{RedisRateLimiter, RedisStore};

use crate::support::redis::{Fresh, cluster_urls, server_url};

fn limiter(store: &RedisStore) -> RedisRateLimiter {
    let nothing = |_: &LimitedCall<'_>| Vec::new();
    RedisRateLimiter::new(store, nothing).with_patience(Duration::from_secs(5))
}

/// So slow that nothing comes back while a test runs.
fn quota(burst: u32) -> Quota {
    Quota::per_hour(1).with_burst(burst)
}

async fn passed(limiters: &[RedisRateLimiter], calls: usize, limits: &[RateLimit]) -> usize {
    let decisions = limiters.iter().flat_map(|limiter| (0..calls).map(move |_| limiter.check_limits(limits)));
    let decisions = join_all(decisions).await;
    decisions.into_iter().filter(|decision| *decision.as_ref().unwrap() == RateDecision::Allowed).count()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn of_many_calls_from_several_processes_exactly_as_many_pass_as_the_quota_allows() {
    let fresh = Fresh::on_server().await;
    let mut limiters = Vec::new();
    for _ in 0..4 {
        let store = RedisStore::connect(&server_url()).await.unwrap().with_key_prefix(fresh.prefix());
        limiters.push(limiter(&store));
    }
    let limits = [RateLimit::take("both", quota(25)), RateLimit::take("wide", quota(1_000))];
    assert_eq!(passed(&limiters, 50, &limits).await, 25);
    // Of the wide one only those that passed took something.
    assert_eq!(passed(&limiters, 250, &limits[1..]).await, 975);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_cluster_counts_each_limit_where_its_key_is() {
    let fresh = Fresh::on_cluster().await;
    let urls = cluster_urls();
    let mut limiters = Vec::new();
    for _ in 0..2 {
        let store = RedisStore::connect_cluster(urls.iter().map(String::as_str)).await.unwrap();
        limiters.push(limiter(&store.with_key_prefix(fresh.prefix())));
    }
    // Keys in many slots, and such as would choose their own.
    for key in ["a", "b", "c", "{a}", "{b}x", "tokens:{}:%7B"] {
        let limits = [RateLimit::take(key, quota(10)), RateLimit::take(format!("{key}-wide"), quota(1_000))];
        assert_eq!(passed(&limiters, 20, &limits).await, 10, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn in_a_cluster_too_a_refused_call_takes_nothing_from_its_other_limits() {
    let fresh = Fresh::on_cluster().await;
    let limiters: Vec<_> = (0..2).map(|_| limiter(&fresh)).collect();
    let (narrow, wide) = (RateLimit::take("narrow", quota(5)), RateLimit::take("wide", quota(60)));
    let look = RateLimit::look("guesses", quota(3));
    for both in [[narrow.clone(), wide.clone()], [wide.clone(), narrow]] {
        // At once: some find enough when they look, and too little when they take.
        passed(&limiters, 20, &both).await;
        assert!(matches!(limiters[0].check_limits(&both).await.unwrap(), RateDecision::Limited { .. }));
    }
    assert_eq!(passed(&limiters, 40, &[wide.clone(), look.clone()]).await, 55, "five took of the wide one before");
    // What looks keeps out, and takes nothing.
    let guesses = [RateLimit::take("guesses", quota(3))];
    assert_eq!(passed(&limiters, 5, &guesses).await, 3);
    let other = RateLimit::take("other", quota(1));
    let RateDecision::Limited { retry_after } = limiters[0].check_limits(&[other.clone(), look]).await.unwrap() else {
        panic!("nothing is left of the guesses");
    };
    assert!(retry_after > Duration::from_secs(3_500), "{retry_after:?}");
    assert_eq!(limiters[0].check_limits(&[other]).await.unwrap(), RateDecision::Allowed);
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn keys_are_told_apart_and_go_when_their_quota_is_whole_again() {
    let fresh = Fresh::on_server().await;
    let limiter = limiter(&fresh);
    let look = |key: &str| RateLimit::look(key, quota(1));
    assert_eq!(limiter.check_limits(&[look("a")]).await.unwrap(), RateDecision::Allowed);
    assert!(fresh.keys().is_empty(), "a look leaves nothing behind");

    let took = limiter.check_limits(&[RateLimit::take("a", quota(1))]).await.unwrap();
    assert_eq!(took, RateDecision::Allowed);
    let RateDecision::Limited { retry_after } = limiter.check_limits(&[look("a")]).await.unwrap() else {
        panic!("nothing is left");
    };
    let hour = Duration::from_secs(3_600);
    assert!(retry_after <= hour && retry_after > hour - Duration::from_secs(60), "{retry_after:?}");
    assert_eq!(limiter.check_limits(&[look("b")]).await.unwrap(), RateDecision::Allowed);

    let keys = fresh.keys();
    assert_eq!(keys.len(), 1);
    let mut connection = crate::support::redis::connection();
    let left: i64 = redis::cmd("PTTL").arg(&keys[0]).query(&mut connection).unwrap();
    assert!(left > 3_540_000 && left <= 3_600_000, "{left}");
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_server_that_is_not_there_is_an_error_in_time() {
    // Nothing listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).unwrap();
    let limiter = limiter(&RedisStore::new(client));
    assert!(limiter.check_limits(&[RateLimit::take("a", quota(1))]).await.is_err());
}
