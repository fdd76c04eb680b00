//! Each endpoint in process on `MemoryStore`, beside the least work that the operation can be.
//!
//! A floor parses, hashes, looks up, makes, inserts and prints, in a bare loop over `HashMap`s and without any check: the ratio of
//! the two is what the checks, the contracts and the types cost. Both run over the same number of live tokens.

mod floor;
mod limits;
mod setup;
mod signed;

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

use floor::Floor;
use setup::{Setup, ready};

/// How many live tokens are in the store before anything is measured.
const LIVE: usize = 100_000;

fn authorize(criterion: &mut Criterion) {
    let setup = Setup::with_live_tokens(LIVE);
    let mut floor = Floor::with_live_tokens(LIVE);
    let mut group = criterion.benchmark_group("authorize → approve → code");
    group.bench_function("grantor", |bencher| bencher.iter(|| black_box(setup.decide())));
    group.bench_function("floor", |bencher| bencher.iter(|| black_box(floor.authorize(setup.query()))));
    group.finish();
}

fn exchange(criterion: &mut Criterion) {
    let setup = Setup::with_live_tokens(LIVE);
    let mut floor = Floor::with_live_tokens(LIVE);
    let mut group = criterion.benchmark_group("exchange, PKCE, public client");
    group.bench_function("grantor", |bencher| {
        bencher.iter_batched(
            || setup.exchange_form(&setup.code()),
            |form| black_box(setup.token(&form)),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("floor", |bencher| {
        let forms = |floor: &mut Floor| setup.exchange_form(&floor.authorize(setup.query()));
        let floor = std::cell::RefCell::new(&mut floor);
        bencher.iter_batched(
            || forms(&mut floor.borrow_mut()),
            |form| black_box(floor.borrow_mut().exchange(&form)),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn refresh(criterion: &mut Criterion) {
    let setup = Setup::with_live_tokens(LIVE);
    let mut floor = Floor::with_live_tokens(LIVE);
    let mut group = criterion.benchmark_group("refresh, rotating");
    group.bench_function("grantor", |bencher| {
        bencher.iter_batched(
            || setup.refresh_form(&setup.refresh_token()),
            |form| black_box(setup.token(&form)),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("floor", |bencher| {
        let floor = std::cell::RefCell::new(&mut floor);
        bencher.iter_batched(
            || setup.refresh_form(&floor.borrow_mut().refresh_token()),
            |form| black_box(floor.borrow_mut().refresh(&form)),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn bearer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bearer check");
    for live in [LIVE, 10 * LIVE] {
        let setup = Setup::with_live_tokens(live);
        let floor = Floor::with_live_tokens(live);
        // The clone puts a header where a web server has it that has just read it: in the cache. The store's rows are not.
        let mut tokens = setup.headers.iter().cycle();
        group.bench_function(format!("grantor, {live} live tokens"), |bencher| {
            bencher.iter_batched_ref(
                || tokens.next().expect("a live token").clone(),
                |headers| black_box(ready(setup.server.resource_server().verify(&*headers))).expect("a live token"),
                BatchSize::SmallInput,
            );
        });
        let mut tokens = floor.tokens.iter().cycle();
        group.bench_function(format!("floor, {live} live tokens"), |bencher| {
            bencher.iter_batched_ref(
                || tokens.next().expect("a live token").clone(),
                |token| black_box(floor.check(token)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(
    benches,
    authorize,
    exchange,
    refresh,
    bearer,
    signed::exchange,
    signed::verify,
    limits::local,
    limits::redis
);
criterion_main!(benches);
