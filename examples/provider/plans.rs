//! The plans on which users may call the API.

use std::num::NonZeroU32;

use grantor::rate_limit::Quota;

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

    /// What that is.
    pub const fn quota(self) -> Quota {
        Quota::per_minute(match self {
            Self::Free => 10,
            Self::Pro => 30,
            Self::Bulk => 100,
            Self::Enterprise(calls) => calls.get(),
        })
    }
}
