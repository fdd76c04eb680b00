//! How often each operation allocates, from the body of the request to the body of the response: the peers spend most of their
//! time there, so more than this is a regression.

#[path = "../benches/endpoints/setup.rs"]
#[expect(dead_code, reason = "the benches need more of it")]
mod setup;

use allocation_counter::measure;
use setup::{Setup, ready};

/// The fewest allocations of some runs: what the operation needs, without a map that happens to grow.
fn fewest(mut run: impl FnMut() -> u64) -> u64 {
    (0..50).map(|_| run()).min().unwrap_or_default()
}

#[test]
fn a_code_costs_at_most_twelve_allocations() {
    let setup = Setup::with_live_tokens(1);
    let count = fewest(|| measure(|| drop(setup.decide())).count_total);
    assert!((1..=12).contains(&count), "{count}");
}

#[test]
fn an_exchange_costs_at_most_ten_allocations() {
    let setup = Setup::with_live_tokens(1);
    let count = fewest(|| {
        let form = setup.exchange_form(&setup.code());
        measure(|| drop(setup.token(&form))).count_total
    });
    assert!((1..=10).contains(&count), "{count}");
}

#[test]
fn a_refresh_costs_at_most_eight_allocations() {
    let setup = Setup::with_live_tokens(1);
    let count = fewest(|| {
        let form = setup.refresh_form(&setup.refresh_token());
        measure(|| drop(setup.token(&form))).count_total
    });
    assert!((1..=8).contains(&count), "{count}");
}

#[test]
fn a_bearer_check_costs_at_most_two_allocations() {
    let setup = Setup::with_live_tokens(1);
    let headers = &setup.headers[0];
    let check = || drop(ready(setup.server.resource_server().verify(headers)).unwrap());
    let count = fewest(|| measure(check).count_total);
    assert!((1..=2).contains(&count), "{count}");
}
