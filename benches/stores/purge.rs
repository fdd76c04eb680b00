//! Purging beside live traffic: how fast it is, and what the traffic notices of it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use grantor::clock::Timestamp;

use crate::arguments::{Arguments, StoreKind};
use crate::backends::Backend;
use crate::dataset::{self, Dataset, Dice, HOUR};
use crate::load::Samples;
use crate::operation::{Call, Store};
use crate::report::{Table, grouped, micros};

/// How many rows one call deletes: what a host would say that purges every few minutes.
const BATCH: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

/// How many bearer checks come to one exchange.
const CHECKS: u32 = 9;

/// How long callers pause after each round, so that there is something left of the machine.
const PAUSE: Duration = Duration::from_millis(2);

/// Redis evicts a minute after the expiry.
const EVICTION_MARGIN: i64 = 60_000;

#[derive(Default)]
struct Traffic {
    checks: Samples,
    exchanges: Samples,
}

pub(crate) struct Purged {
    store: StoreKind,
    connections: u32,
    tokens: u64,
    phases: Vec<(&'static str, Traffic)>,
    rows: u64,
    elapsed: Duration,
    /// Empty if the backend purged by itself.
    batches: Samples,
}

pub(crate) async fn measure(
    backend: &Arc<dyn Backend>,
    arguments: &Arguments,
    store: StoreKind,
    tokens: u64,
    connections: u32,
) -> Purged {
    let live = Dataset::live(tokens);
    backend.load(&live).await;
    let evicts = backend.evicted().await.is_some();
    if !evicts {
        backend.load(&Dataset::expired(arguments.expired)).await;
    }
    // Long enough for a checkpoint or two to show in either.
    let time = arguments.time * 4;
    let (opened, _) = backend.open(connections + 1).await;
    let mut phases = vec![("before", traffic(&opened, &live, connections, Until::Passed(time)).await)];
    let ended = Arc::new(AtomicBool::new(false));
    let purge = if evicts {
        let at = dataset::now() + HOUR / 60;
        backend.load(&Dataset::expiring_at(arguments.expired, at)).await;
        // A moment before it begins, to see how many keys there are.
        let wait = u64::try_from(at + EVICTION_MARGIN - 500 - dataset::now()).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(wait)).await;
        tokio::spawn(watch(Arc::clone(backend), Arc::clone(&ended)))
    } else {
        tokio::spawn(purge(Arc::clone(&opened), Arc::clone(&ended)))
    };
    phases.push(("during", traffic(&opened, &live, connections, Until::Set(&ended)).await));
    let (rows, elapsed, batches) = purge.await.expect("the purge");
    phases.push(("after", traffic(&opened, &live, connections, Until::Passed(time)).await));
    Purged { store, connections, tokens, phases, rows, elapsed, batches }
}

/// Purges until nothing is left to purge, as the server does: tokens, and codes once no tokens are left.
async fn purge(store: Arc<dyn Store>, ended: Arc<AtomicBool>) -> (u64, Duration, Samples) {
    let before = Timestamp::from_unix_millis(dataset::now() - HOUR);
    let (begun, mut rows, mut batches) = (Instant::now(), 0, Samples::default());
    loop {
        let called = Instant::now();
        let mut deleted = store.purge_tokens(before, BATCH).await.expect("purge_tokens");
        if deleted < BATCH.get() {
            deleted += store.purge_codes(before, BATCH).await.expect("purge_codes");
        }
        batches.push(called.elapsed());
        rows += u64::from(deleted);
        if deleted < BATCH.get() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let elapsed = begun.elapsed();
    ended.store(true, Ordering::Relaxed);
    (rows, elapsed, batches)
}

/// Waits until the backend has evicted what is due.
async fn watch(backend: Arc<dyn Backend>, ended: Arc<AtomicBool>) -> (u64, Duration, Samples) {
    let (begun, first) = (Instant::now(), backend.evicted().await.unwrap_or_default());
    let (mut last, mut since) = (first, begun);
    // Over when nothing has gone for a while.
    while since.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let evicted = backend.evicted().await.unwrap_or_default();
        if evicted > last {
            (last, since) = (evicted, Instant::now());
        }
    }
    ended.store(true, Ordering::Relaxed);
    (last - first, since - begun, Samples::default())
}

enum Until<'a> {
    Passed(Duration),
    Set(&'a Arc<AtomicBool>),
}

async fn traffic(store: &Arc<dyn Store>, live: &Dataset, callers: u32, until: Until<'_>) -> Traffic {
    let (end, ended) = match until {
        Until::Passed(time) => (Some(Instant::now() + time), Arc::default()),
        Until::Set(ended) => (None, Arc::clone(ended)),
    };
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (store, live, ended) = (Arc::clone(store), live.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                let mut traffic = Traffic::default();
                let mut dice = Dice(u64::from(caller));
                while !ended.load(Ordering::Relaxed) && end.is_none_or(|end| Instant::now() < end) {
                    round(&store, &live, &mut dice, &mut traffic).await;
                    tokio::time::sleep(PAUSE).await;
                }
                traffic
            })
        })
        .collect();
    let mut all = Traffic::default();
    for task in tasks {
        let traffic = task.await.expect("a caller");
        all.checks.add(traffic.checks);
        all.exchanges.add(traffic.exchanges);
    }
    all.checks.took(begun.elapsed());
    all.exchanges.took(begun.elapsed());
    all
}

async fn round(store: &Arc<dyn Store>, live: &Dataset, dice: &mut Dice, traffic: &mut Traffic) {
    for _ in 0..CHECKS {
        let call = Call::FindAccessToken(live.access_key(dice.below(live.grants)));
        let called = Instant::now();
        call.make(&**store).await;
        traffic.checks.push(called.elapsed());
    }
    let code = dataset::fresh_code(dice.below(live.grants));
    let exchange = Call::exchange(&code);
    Call::InsertCode(Box::new(code)).make(&**store).await;
    let called = Instant::now();
    exchange.make(&**store).await;
    traffic.exchanges.push(called.elapsed());
}

pub(crate) fn report(purged: &[Purged]) {
    let head = ["purge", "store", "connections", "tokens", "rows", "seconds", "rows per second", "batches"];
    let mut purges = Table::new(&[&head[..], &["batch p50 ms", "p99 ms", "longest ms"]].concat());
    let head = ["traffic", "store", "connections", "tokens", "checks per second", "check p50 µs", "p99 µs"];
    let mut traffic = Table::new(&[&head[..], &["exchange p50 µs", "p99 µs", "longest µs"]].concat());
    for one in purged {
        let seconds = one.elapsed.as_secs_f64();
        let millis = |value: f64| micros(value / 1e3);
        let start = |text: &str| {
            vec![text.to_owned(), one.store.name().to_owned(), one.connections.to_string(), grouped(one.tokens)]
        };
        let mut cells = start("1,000 a call");
        cells.extend([grouped(one.rows), format!("{seconds:.1}"), rate(one.rows, seconds)]);
        cells.extend([one.batches.count().to_string(), millis(one.batches.percentile(50))]);
        cells.extend([millis(one.batches.percentile(99)), millis(one.batches.longest())]);
        purges.row(cells);
        for (phase, both) in &one.phases {
            let mut cells = start(phase);
            cells.push(format!("{:.0}", both.checks.per_second()));
            cells.extend([50, 99].map(|percent| micros(both.checks.percentile(percent))));
            cells.extend([50, 99].map(|percent| micros(both.exchanges.percentile(percent))));
            cells.push(micros(both.exchanges.longest()));
            traffic.row(cells);
        }
    }
    purges.print();
    traffic.print();
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn rate(rows: u64, seconds: f64) -> String {
    format!("{:.0}", rows as f64 / seconds.max(1e-9))
}
