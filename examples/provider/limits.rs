//! How often anybody may call.

use grantor::observer::Endpoint;
use grantor::rate_limit::{DefaultRatePolicy, LimitedCall, Quota, RateLimit, RatePolicy, Stage};

use super::plans::Plan;

/// Whether calls are limited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limits {
    /// To what the plan has; and guesses, registrations, token requests and decisions to what honest callers never need.
    On(Plan),
    /// Only what nobody has to sign in for: guesses, registrations, token requests, documents of clients that are fetched.
    Strangers,
    /// Not at all: for load tests.
    Off,
}

/// What this very machine may do. Tests and tools are run here, a hundred clients a minute; and behind a proxy that does not
/// say whom it speaks for, this is everybody. A flood ends here, too: 1,000 registrations within a minute, or 50 wrong
/// secrets at once.
const THIS_MACHINE: DefaultRatePolicy = DefaultRatePolicy::new()
    .with_registrations(Quota::per_minute(120).with_burst(850))
    .with_client_guesses(Quota::per_second(10).with_burst(45))
    .with_guesses(Quota::per_second(10).with_burst(1_000))
    .with_token_requests(Quota::per_second(500).with_burst(2_000))
    .with_documents(Quota::per_minute(60).with_burst(120));

/// The limits of every call, with all users on one plan. A service with customers would look up theirs.
impl RatePolicy for Limits {
    fn limits(&self, call: &LimitedCall<'_>) -> Vec<RateLimit> {
        let plan = match self {
            Self::On(plan) => plan,
            Self::Strangers if call.stage() != Stage::Decided => return usual(call),
            Self::Strangers | Self::Off => return Vec::new(),
        };
        let mut limits = usual(call);
        if call.endpoint() == Endpoint::Resource && call.stage() == Stage::Authenticated {
            let key = match (call.subject(), call.tenant(), call.client()) {
                (Some(user), _, _) => format!("api:user:{user}"),
                (None, Some(tenant), _) => format!("api:tenant:{tenant}"),
                (None, None, Some(client)) => format!("api:client:{client}"),
                (None, None, None) => return limits,
            };
            limits.push(RateLimit::take(key, plan.quota()));
        }
        limits
    }
}

fn usual(call: &LimitedCall<'_>) -> Vec<RateLimit> {
    if !call.peer().is_some_and(|peer| peer.address().is_loopback()) {
        return DefaultRatePolicy::new().limits(call);
    }
    match (call.endpoint(), call.stage()) {
        // A client has one quota from everywhere, which is not for all that are tried out here.
        (Endpoint::Token, Stage::Authenticated) => Vec::new(),
        _ => THIS_MACHINE.limits(call),
    }
}
