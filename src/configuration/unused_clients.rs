//! For how long clients are kept that nobody uses (RFC 7591 §5, OAuth 2.1 §7.9).

use std::time::Duration;

use crate::client::{Client, Vetting};
use crate::clock::Timestamp;

/// Into how many parts the time is divided for which a client is kept without a grant: so often its use is noted.
const PARTS: u32 = 10;

/// What becomes of clients that registered themselves and that nobody uses.
///
/// A client is used while the store has a grant of it: live, or one that has ended and is not purged yet. One that is
/// forgotten is unknown from then on: it gets a 401 `invalid_client` at the token endpoint, whereupon clients register
/// anew, and a page at the authorization endpoint.
///
/// That it is used is noted with the client when it is granted something, and when a purge finds that it has a grant, but not
/// more often than ten times within `once_idle_for`: by default one decision in nine days has one more write.
///
/// # Defaults
///
/// They are forgotten unless they get a grant within 24 hours, and 90 days after their last one has ended.
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
        /// For how long a client is kept at least after its last grant has ended. It may be up to three tenths longer.
        once_idle_for: Duration,
    },
}

/// What a review comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Look again then; `None` is never.
    Keep {
        review_at: Option<Timestamp>,
        used_at: Option<Timestamp>,
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

    /// Whether it is time to note that a client is granted something.
    pub(crate) fn is_to_be_noted(self, client: &Client, now: Timestamp) -> bool {
        match self {
            Self::Kept => false,
            Self::Forgotten { once_idle_for, .. } => {
                let due = |used_at: Timestamp| now >= used_at.saturating_add(once_idle_for / PARTS);
                client.review_at().is_some() && client.used_at().is_none_or(due)
            }
        }
    }

    /// What becomes of a client that is due.
    pub(crate) fn review(self, client: &Client, usage: Usage, now: Timestamp) -> Verdict {
        let used_at = client.used_at();
        let keep = |review_at| Verdict::Keep { review_at, used_at };
        let Self::Forgotten { unless_used_within, once_idle_for } = self else { return keep(None) };
        // Somebody has come to vouch for it.
        if client.vetting() != Vetting::SelfRegistered {
            return keep(None);
        }
        let part = once_idle_for / PARTS;
        let next = now.saturating_add(part);
        if usage == Usage::Granted {
            return Verdict::Keep { review_at: Some(next), used_at: Some(now) };
        }
        // A grant that lasted for long was seen one part before it ended, and one that did not was made one part before, and
        // noted, or another one, one part before that.
        let end = match used_at {
            None => client.created_at().saturating_add(unless_used_within),
            Some(used_at) => used_at.saturating_add(part * 2).saturating_add(once_idle_for),
        };
        if now < end { keep(Some(end.min(next))) } else { Verdict::Forget }
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

    fn kept(review_at: Option<Timestamp>, used_at: Option<Timestamp>) -> Verdict {
        Verdict::Keep { review_at, used_at }
    }

    fn used(hours: u64) -> Client {
        client().with_used_at(Some(at(hours)))
    }

    #[test]
    fn a_client_that_was_never_used_has_its_first_time_only() {
        assert_eq!(RULE.first_review(at(5)), Some(at(6)));
        assert_eq!(RULE.review(&client(), Usage::NotGranted, at(1)), Verdict::Forget);
        // The operator has become more patient meanwhile.
        let longer = UnusedClients::Forgotten { unless_used_within: HOUR * 3, once_idle_for: HOUR * 100 };
        assert_eq!(longer.review(&client(), Usage::NotGranted, at(1)), kept(Some(at(3)), None));
    }

    #[test]
    fn a_client_is_kept_for_as_long_as_it_is_used_and_for_its_time_after_that() {
        assert_eq!(RULE.review(&client(), Usage::Granted, at(1)), kept(Some(at(11)), Some(at(1))));
        assert_eq!(RULE.review(&used(1), Usage::Granted, at(11)), kept(Some(at(21)), Some(at(11))));
        // It is looked at again and again: it may be used meanwhile.
        assert_eq!(RULE.review(&used(1), Usage::NotGranted, at(11)), kept(Some(at(21)), Some(at(1))));
        assert_eq!(RULE.review(&used(1), Usage::NotGranted, at(115)), kept(Some(at(121)), Some(at(1))));
        assert_eq!(RULE.review(&used(1), Usage::NotGranted, at(121)), Verdict::Forget);
        assert_eq!(RULE.review(&used(1), Usage::Granted, at(121)), kept(Some(at(131)), Some(at(121))));
    }

    #[test]
    fn a_use_is_noted_when_it_is_the_first_or_the_last_one_was_long_ago() {
        let reviewed = |client: Client| client.with_review_at(Some(at(1)));
        assert!(RULE.is_to_be_noted(&reviewed(client()), at(0)));
        assert!(!RULE.is_to_be_noted(&reviewed(used(1)), at(10)));
        assert!(RULE.is_to_be_noted(&reviewed(used(1)), at(11)));
        assert!(!RULE.is_to_be_noted(&client(), at(0)), "nobody looks at it ever");
        assert!(!UnusedClients::Kept.is_to_be_noted(&reviewed(client()), at(0)));
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
        assert_eq!(never.review(&used(1), Usage::NotGranted, at(9)), kept(Some(Timestamp::MAX), Some(at(1))));
        assert!(!never.is_to_be_noted(&used(1).with_review_at(Some(at(1))), at(9)));
    }
}
