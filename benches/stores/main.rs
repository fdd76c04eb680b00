//! Every operation of every store, at several sizes: what a call costs, beside the least that it can cost on the same backend,
//! and how that grows with what is stored; what a token takes; and what a purge does to the traffic beside it.
//!
//! Callers make calls one after the other without a pause. "Connections" is how many of them there are at once, and how many
//! connections a pool has. A token is an access or a refresh token: so many grants have one of each that there are as many as
//! the table says. Times include reading the clock twice.
//!
//! ```text
//! cargo bench --bench stores
//! tests/servers/run cargo bench --bench stores -- --store postgres,redis,cluster --tokens 10000,1000000,10000000
//! ```

mod arguments;
mod backends;
mod dataset;
mod load;
mod operation;
mod purge;
mod report;

use std::sync::Arc;
use std::time::Instant;

use arguments::{Arguments, Part, StoreKind, USAGE};
use backends::Backend;
use dataset::Dataset;
use load::{Queues, Samples};
use operation::{Call, Caller, Operation, Target};
use report::{Measured, Table, grouped};

/// In so many turns an operation and its floor are measured, so that both see the same moods of the machine.
const TURNS: u32 = 4;

/// How many rows are enough to see what purging costs.
const STALE_GRANTS: usize = 4_000;

#[tokio::main]
async fn main() {
    let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
        eprint!("{USAGE}");
        std::process::exit(2);
    };
    let mut results = Results::default();
    for &kind in &arguments.stores {
        for &tokens in &arguments.tokens {
            if arguments.measures_operations() || arguments.includes(Part::Bytes) {
                with_backend(kind, async |backend| size(&backend, &arguments, kind, tokens, &mut results).await).await;
            }
            if arguments.includes(Part::Purge) {
                for &connections in &arguments.connections {
                    with_backend(kind, async |backend| {
                        let purged = purge::measure(&backend, &arguments, kind, tokens, connections).await;
                        results.purged.push(purged);
                    })
                    .await;
                }
            }
        }
    }
    results.report();
}

#[derive(Default)]
struct Results {
    measured: Vec<Measured>,
    purged: Vec<purge::Purged>,
    weighed: Vec<(StoreKind, u64, u64, f64)>,
}

impl Results {
    fn report(&self) {
        println!();
        if !self.measured.is_empty() {
            report::operations(&self.measured);
            report::requests(&self.measured);
        }
        if !self.weighed.is_empty() {
            let mut table = Table::new(&["size", "store", "tokens", "bytes", "bytes per token", "load seconds"]);
            for (store, tokens, bytes, seconds) in &self.weighed {
                table.row(vec![
                    "live tokens".to_owned(),
                    store.name().to_owned(),
                    grouped(*tokens),
                    grouped(*bytes),
                    grouped(bytes / tokens),
                    format!("{seconds:.1}"),
                ]);
            }
            table.print();
        }
        if !self.purged.is_empty() {
            purge::report(&self.purged);
        }
    }
}

/// Lends an empty backend, and clears it.
async fn with_backend(kind: StoreKind, body: impl AsyncFnOnce(Arc<dyn Backend>)) {
    let Some(backend) = backends::backend(kind).await else { return };
    body(Arc::clone(&backend)).await;
    backend.clear().await;
}

/// Measures one store at one size.
async fn size(backend: &Arc<dyn Backend>, arguments: &Arguments, kind: StoreKind, tokens: u64, results: &mut Results) {
    let live = Dataset::live(tokens);
    let (empty, begun) = (backend.bytes().await, Instant::now());
    backend.load(&live).await;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}: {} tokens loaded in {seconds:.1} s", kind.name(), grouped(live.tokens()));
    if arguments.includes(Part::Bytes) {
        let bytes = backend.bytes().await.saturating_sub(empty);
        results.weighed.push((kind, live.tokens(), bytes, seconds));
    }
    if !arguments.measures_operations() {
        return;
    }
    let evicts = backend.evicts().await.is_some();
    let mut caller = Caller::new(live);
    for operation in Operation::ALL {
        // A store that evicts has nothing to purge; it would not even take what expired long ago.
        let possible = !(evicts && operation == Operation::PurgeTokens);
        let asked = operation.has_floor() || arguments.includes(Part::Operations);
        for &connections in arguments.connections.iter().filter(|_| possible && asked) {
            let (samples, floor) = measure(backend, arguments, operation, connections, &mut caller).await;
            results.measured.push(Measured { operation, store: kind, connections, tokens, samples, floor });
        }
    }
}

/// Measures one operation, in turn with its floor if it has one.
async fn measure(
    backend: &Arc<dyn Backend>,
    arguments: &Arguments,
    operation: Operation,
    connections: u32,
    caller: &mut Caller,
) -> (Samples, Option<Samples>) {
    let (store, floor) = backend.open(connections).await;
    let (store, floor) = (Target::Store(store), Target::Floor(floor));
    let calls = prepare(arguments, operation, &store, &floor, caller).await;
    let (ours, bare) = if operation.has_floor() { deal(calls) } else { (calls, Vec::new()) };
    let (mut ours, mut bare) = (Queues::new(ours, connections), Queues::new(bare, connections));
    let (mut samples, mut floor_samples) = (Samples::default(), Samples::default());
    let turn = arguments.time / TURNS;
    ours.warm_up(&store, turn).await;
    bare.warm_up(&floor, turn).await;
    for _ in 0..TURNS {
        samples.add(ours.drive(&store, turn).await.0);
        floor_samples.add(bare.drive(&floor, turn).await.0);
    }
    (samples, operation.has_floor().then_some(floor_samples))
}

/// Makes calls, and stores what they are about where it is not stored yet.
async fn prepare(
    arguments: &Arguments,
    operation: Operation,
    store: &Target,
    floor: &Target,
    caller: &mut Caller,
) -> Vec<Call> {
    // What is added stays small beside what is there, and what is used up is enough for two numbers of connections.
    let tenth = usize::try_from(caller.live.grants / 10).unwrap_or(usize::MAX);
    let count = match operation {
        Operation::PurgeTokens => STALE_GRANTS,
        Operation::Rotate => (2 * tenth).min(100_000),
        Operation::RevokeAccessToken | Operation::RevokeGrant => tenth.min(100_000),
        Operation::Reuse | Operation::InsertCode | Operation::FindCode | Operation::Exchange => {
            tenth.clamp(2_000, 100_000)
        }
        _ => 400_000,
    };
    let calls = caller.calls(operation, count);
    if !matches!(operation, Operation::FindCode | Operation::Exchange | Operation::PurgeTokens) {
        return calls;
    }
    let (_, stored) = Queues::new(calls, 16).drive(store, arguments.time * 2).await;
    if let Target::Floor(floor) = floor {
        stored.iter().for_each(|call| floor.observe(call));
    }
    let now = grantor::clock::Timestamp::from_unix_millis(dataset::now() - dataset::HOUR);
    let follow = stored.iter().filter_map(|call| match (operation, call) {
        (Operation::FindCode, Call::InsertCode(code)) => Some(Call::FindCode(code.key)),
        (Operation::Exchange, Call::InsertCode(code)) => Some(Call::exchange(code)),
        _ => None,
    });
    match operation {
        // Three rows each, in the calls that it takes to delete them.
        Operation::PurgeTokens => vec![Call::PurgeTokens(now); stored.len() * 3 / 100],
        _ => follow.collect(),
    }
}

/// Every other call to each.
fn deal(calls: Vec<Call>) -> (Vec<Call>, Vec<Call>) {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for (at, call) in calls.into_iter().enumerate() {
        if at % 2 == 0 { one.push(call) } else { other.push(call) }
    }
    (one, other)
}
