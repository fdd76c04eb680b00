//! The plans on which users may call the API, and what else is limited.

use std::num::NonZeroU32;

use grantor::observer::Endpoint;
use grantor::rate_limit::{DefaultRatePolicy, LimitedCall, Quota, RateLimit, RatePolicy, Stage};

/// How often a user's programs may call the API, all together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Plan {
    /// 10 calls a minute.
    Free,
    /// 30 calls a minute.
    Pro,
    /// 100 calls a minute.
    Bulk,
    /// As many calls a minute as was agreed on.
    Enterprise(NonZeroU32),
}

impl Plan {
    /// What the operator writes for a plan: its name, or the calls a minute that were agreed on.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "free" => Some(Self::Free),
            "pro" => Some(Self::Pro),
            "bulk" => Some(Self::Bulk),
            calls => calls.parse().ok().map(Self::Enterprise),
        }
    }

    const fn quota(self) -> Quota {
        Quota::per_minute(match self {
            Self::Free => 10,
            Self::Pro => 30,
            Self::Bulk => 100,
            Self::Enterprise(calls) => calls.get(),
        })
    }
}

/// Whether calls are limited.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Limits {
    /// To what the plan has; and guesses, registrations and token requests to what honest callers never need.
    On(Plan),
    /// Only where visitors who need not even sign in make the server call others: how often documents of clients are fetched.
    Fetching,
    /// Not at all: for load tests, and for a service that never had limits.
    Off,
}

/// The limits of every call, with all users on one plan. A service with customers would look up theirs.
impl RatePolicy for Limits {
    fn limits(&self, call: &LimitedCall<'_>) -> Vec<RateLimit> {
        let plan = match self {
            Self::On(plan) => plan,
            Self::Fetching if call.stage() == Stage::Fetching => return DefaultRatePolicy::new().limits(call),
            Self::Fetching | Self::Off => return Vec::new(),
        };
        let mut limits = DefaultRatePolicy::new().limits(call);
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
