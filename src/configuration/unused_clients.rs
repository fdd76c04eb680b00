//! For how long clients are kept that nobody uses (RFC 7591 §5, OAuth 2.1 §7.9).

use std::time::Duration;

use crate::client::{Client, Vetting};
use crate::clock::Timestamp;

/// How often a client in use is looked at, within the time for which one is kept that is not any more.
const REVIEWS: u32 = 10;

/// What becomes of clients that registered themselves and that nobody uses.
///
/// A client is used while the store has a grant of it: live, or one that has ended and is not purged yet. One that is
/// forgotten is unknown from then on: it gets a 401 `invalid_client` at the token endpoint, whereupon clients register
/// anew, and a page at the authorization endpoint.
///
/// # Defaults
///
/// They are forgotten unless they get a grant within 24 hours, and 90 days after their last one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: they stay or they go")]
pub enum UnusedClients {
    /// They stay until somebody deletes them.
    Kept,
    /// [`purge`](crate::AuthorizationServer::purge) deletes them.
    Forgotten {
        /// How long after its registration a client must have its first grant. Where an administrator registers an app
        /// before anybody may use it, allow for that.
        unless_used_within: Duration,
        /// For how long a client is kept at least that has no grant any more. It is counted from when a purge finds that,
        /// which is up to a tenth of that time later.
        once_idle_for: Duration,
    },
}

/// What a review comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Look again then; `None` is never.
    Keep {
        review_at: Option<Timestamp>,
        seen_in_use_at: Option<Timestamp>,
    },
    Forget,
}

/// Whether the store has a grant of a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Usage {
    Granted,
    NotGranted,
}

impl UnusedClients {
    /// When to look first at a client that registers now.
    pub(crate) fn first_review(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Kept => None,
            Self::Forgotten { unless_used_within, .. } => Some(now.saturating_add(unless_used_within)),
        }
    }

    /// What becomes of a client that is due.
    pub(crate) fn review(self, client: &Client, usage: Usage, now: Timestamp) -> Verdict {
        let seen_in_use_at = client.seen_in_use_at();
        let keep = |review_at| Verdict::Keep { review_at, seen_in_use_at };
        let Self::Forgotten { unless_used_within, once_idle_for } = self else { return keep(None) };
        // Somebody has come to vouch for it.
        if client.vetting() != Vetting::SelfRegistered {
            return keep(None);
        }
        let between = once_idle_for / REVIEWS;
        if usage == Usage::Granted {
            return Verdict::Keep { review_at: Some(now.saturating_add(between)), seen_in_use_at: Some(now) };
        }
        // It may have been used until right before this review.
        let end = match seen_in_use_at {
            None => client.created_at().saturating_add(unless_used_within),
            Some(seen) => seen.saturating_add(between).saturating_add(once_idle_for),
        };
        if now < end { keep(Some(end)) } else { Verdict::Forget }
    }
}

impl Default for UnusedClients {
    fn default() -> Self {
        Self::Forgotten { unless_used_within: Duration::from_hours(24), once_idle_for: Duration::from_hours(90 * 24) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientId;

    const HOUR: Duration = Duration::from_hours(1);
    const RULE: UnusedClients =
        UnusedClients::Forgotten { unless_used_within: HOUR, once_idle_for: Duration::from_hours(100) };

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_unix_millis(0).saturating_add(HOUR * u32::try_from(hours).unwrap())
    }

    fn client() -> Client {
        Client::public(ClientId::parse("new").unwrap()).with_vetting(Vetting::SelfRegistered).with_created_at(at(0))
    }

    fn kept(review_at: Option<Timestamp>, seen_in_use_at: Option<Timestamp>) -> Verdict {
        Verdict::Keep { review_at, seen_in_use_at }
    }

    #[test]
    fn a_client_that_was_never_used_has_its_first_time_only() {
        assert_eq!(RULE.first_review(at(5)), Some(at(6)));
        assert_eq!(RULE.review(&client(), Usage::NotGranted, at(1)), Verdict::Forget);
        // The operator has become more patient meanwhile.
        let longer = UnusedClients::Forgotten { unless_used_within: HOUR * 3, once_idle_for: HOUR };
        assert_eq!(longer.review(&client(), Usage::NotGranted, at(1)), kept(Some(at(3)), None));
    }

    #[test]
    fn a_client_is_kept_for_as_long_as_it_is_used_and_for_its_time_after_that() {
        assert_eq!(RULE.review(&client(), Usage::Granted, at(1)), kept(Some(at(11)), Some(at(1))));
        let used = client().with_seen_in_use_at(Some(at(1)));
        // It may have been used until now.
        assert_eq!(RULE.review(&used, Usage::NotGranted, at(11)), kept(Some(at(111)), Some(at(1))));
        assert_eq!(RULE.review(&used, Usage::Granted, at(11)), kept(Some(at(21)), Some(at(11))));
        assert_eq!(RULE.review(&used, Usage::NotGranted, at(111)), Verdict::Forget);
        assert_eq!(RULE.review(&used, Usage::Granted, at(111)), kept(Some(at(121)), Some(at(111))));
    }

    #[test]
    fn whoever_is_vouched_for_or_is_to_be_kept_is_not_looked_at_again() {
        let vetted = client().with_vetting(Vetting::Vetted);
        assert_eq!(RULE.review(&vetted, Usage::NotGranted, at(1_000)), kept(None, None));
        assert_eq!(UnusedClients::Kept.first_review(at(0)), None);
        assert_eq!(UnusedClients::Kept.review(&client(), Usage::NotGranted, at(1_000)), kept(None, None));
    }

    #[test]
    fn times_beyond_all_bounds_are_never() {
        let never = UnusedClients::Forgotten { unless_used_within: Duration::MAX, once_idle_for: Duration::MAX };
        assert_eq!(never.first_review(at(0)), Some(Timestamp::MAX));
        let used = client().with_seen_in_use_at(Some(at(1)));
        assert_eq!(never.review(&used, Usage::NotGranted, at(9)), kept(Some(Timestamp::MAX), Some(at(1))));
    }
}
