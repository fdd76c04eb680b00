//! Rate limits: what a limiter adds to each call.
//!
//! The local one should take less than a microsecond. The one in Redis should take one round trip, as `PING` does; it is measured
//! where `GRANTOR_TEST_REDIS` names a server: `tests/servers/run cargo bench --bench endpoints -- limits`.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use criterion::Criterion;
use grantor::client::ClientId;
use grantor::observer::Endpoint;
use grantor::rate_limit::{
    DefaultRatePolicy, LimitedCall, LocalRateLimiter, Peer, Quota, RateDecision, RateLimit, RateLimiter as _, Stage,
};
use grantor::store::{RedisRateLimiter, RedisStore};
use redis::{Client, cmd};
use tokio::runtime::Runtime;

use crate::setup::ready;

/// How many callers there are at a time.
const CALLERS: u32 = 10_000;

/// What nobody uses up while it is measured.
fn quota() -> Quota {
    Quota::per_second(1_000_000)
}

/// The limits of one caller after the other.
fn callers(limits: impl Fn(u32) -> Vec<RateLimit>) -> impl Iterator<Item = Vec<RateLimit>> {
    let all: Vec<_> = (0..CALLERS).map(limits).collect();
    (0..).map(move |at: usize| all[at * 7_919 % all.len()].clone())
}

fn one(caller: u32) -> Vec<RateLimit> {
    vec![RateLimit::take(format!("plan:workspace-{caller}"), quota())]
}

fn three(caller: u32) -> Vec<RateLimit> {
    let guesses = |key: &str| RateLimit::look(format!("{key}:{caller}"), quota());
    vec![guesses("guesses"), guesses("guesses-for-a-client"), RateLimit::take(format!("tokens-from:{caller}"), quota())]
}

pub(crate) fn local(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limits, local");
    let limiter = LocalRateLimiter::new(DefaultRatePolicy::new());
    let bench_limits = |name: &str, limits: fn(u32) -> Vec<RateLimit>| {
        let mut callers = callers(limits);
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || callers.next().expect("endless"),
                |limits| assert_eq!(black_box(limiter.check_limits(limits)), RateDecision::Allowed),
                criterion::BatchSize::SmallInput,
            );
        });
    };
    let mut bench_limits = bench_limits;
    bench_limits("one limit", one);
    bench_limits("three limits", three);
    let client: ClientId = "app".parse().expect("an id");
    let mut caller = 0_u32;
    group.bench_function("a token request under the default policy", |bencher| {
        bencher.iter(|| {
            caller = (caller + 7_919) % CALLERS;
            let peer = Peer::new(IpAddr::V4(Ipv4Addr::from_bits(caller)));
            let call = LimitedCall::new(Endpoint::Token, Stage::Arrived);
            let call = call.with_peer(Some(peer)).with_claimed_client(Some(&client));
            black_box(ready(limiter.check(&call))).expect("no store is asked")
        });
    });
    group.finish();
}

pub(crate) fn redis(criterion: &mut Criterion) {
    let Ok(url) = std::env::var("GRANTOR_TEST_REDIS") else {
        println!("limits, Redis: not measured; run tests/servers/run cargo bench --bench endpoints -- limits");
        return;
    };
    let runtime = Runtime::new().expect("a runtime");
    let store = runtime.block_on(RedisStore::connect(&url)).expect("Redis");
    let limiter = RedisRateLimiter::new(&store.with_key_prefix("grantor-bench-limits:"), DefaultRatePolicy::new());
    let client = Client::open(url).expect("a URL");
    let mut connection = runtime.block_on(client.get_multiplexed_async_connection()).expect("Redis");
    let mut group = criterion.benchmark_group("limits, Redis");
    for (name, limits) in [("one limit", one as fn(u32) -> Vec<RateLimit>), ("three limits", three)] {
        let mut callers = callers(limits);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let limits = callers.next().expect("endless");
                let decision = runtime.block_on(limiter.check_limits(&limits)).expect("Redis");
                assert_eq!(decision, RateDecision::Allowed);
            });
        });
    }
    group.bench_function("PING", |bencher| {
        bencher.iter(|| {
            let pong: String = runtime.block_on(cmd("PING").query_async(&mut connection)).expect("Redis");
            black_box(pong)
        });
    });
    group.finish();
}
