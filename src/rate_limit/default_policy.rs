//! Limits that suit most services.

use super::{LimitedCall, Quota, RateLimit, RatePolicy, Stage};
use crate::observer::Endpoint;

/// Limits that honest callers do not meet, and guesses and floods do.
///
/// | what | counted under | quota |
/// |---|---|---|
/// | wrong secrets | the peer and the client that was named | 10 a minute, 20 at once |
/// | wrong secrets and tokens, whoever was named | the peer | 60 a minute, 100 at once |
/// | registrations | the peer | 60 an hour, 30 at once |
/// | token requests | the peer | 50 a second, 200 at once |
/// | token requests | the client, if it proved who it is | 50 a second, 200 at once |
/// | introspections | the client | 50 a second, 100 at once |
/// | decisions about what clients may have, also remembered ones | the user | 100 an hour, 200 at once |
/// | documents of clients that are fetched | the peer | 30 a minute, 30 at once |
///
/// Each quota can be another one, as in [`with_registrations`](Self::with_registrations).
///
/// Whoever has used up the wrong secrets is not listened to until one comes back; the right secret still works from
/// everywhere else. What the API may be called for is not limited: that is a matter of plans.
///
/// Two policies may share a limiter, such as one for most peers and one for those of a partner, as long as what is counted
/// under the client or the user has the same quota in both.
#[derive(Clone, Copy, Debug)]
pub struct DefaultRatePolicy {
    client_guesses: Quota,
    guesses: Quota,
    registrations: Quota,
    token_requests: Quota,
    client_token_requests: Quota,
    introspections: Quota,
    decisions: Quota,
    documents: Quota,
}

macro_rules! quotas {
    ($($(#[$doc:meta])* $name:ident, $with:ident;)*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub const fn $with(mut self, quota: Quota) -> Self {
                self.$name = quota;
                self
            }
        )*
    };
}

impl DefaultRatePolicy {
    /// The policy.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            client_guesses: Quota::per_minute(10).with_burst(20),
            guesses: Quota::per_minute(60).with_burst(100),
            registrations: Quota::per_hour(60).with_burst(30),
            token_requests: Quota::per_second(50).with_burst(200),
            client_token_requests: Quota::per_second(50).with_burst(200),
            introspections: Quota::per_second(50).with_burst(100),
            decisions: Quota::per_hour(100).with_burst(200),
            documents: Quota::per_minute(30),
        }
    }

    quotas! {
        /// Sets how many wrong secrets one peer may send in the name of one client (OAuth 2.1 §2.4.1).
        client_guesses, with_client_guesses;
        /// Sets how many wrong secrets and tokens one peer may send, whomever it names.
        guesses, with_guesses;
        /// Sets how many registrations one peer may send, refused ones among them (RFC 7591 §5).
        registrations, with_registrations;
        /// Sets how many token requests one peer may send.
        token_requests, with_token_requests;
        /// Sets how many token requests a client may send that proves who it is.
        client_token_requests, with_client_token_requests;
        /// Sets how many introspections a client may ask for (RFC 7662 §4).
        introspections, with_introspections;
        /// Sets how many decisions of one user are stored.
        decisions, with_decisions;
        /// Sets how many documents of clients are fetched for one peer (feature `cimd`).
        documents, with_documents;
    }

    fn counted_guesses(&self, call: &LimitedCall<'_>, limit: fn(String, Quota) -> RateLimit) -> Vec<RateLimit> {
        let Some(peer) = call.peer().map(|peer| peer.network()) else { return Vec::new() };
        let mut limits = vec![limit(format!("guesses:{peer}"), self.guesses)];
        if let Some(client) = call.claimed_client() {
            let client = client.as_str().get(..MAX_CLIENT).unwrap_or(client.as_str());
            limits.push(limit(format!("guesses:{peer}:{client}"), self.client_guesses));
        }
        limits
    }
}

impl Default for DefaultRatePolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl RatePolicy for DefaultRatePolicy {
    fn limits(&self, call: &LimitedCall<'_>) -> Vec<RateLimit> {
        match call.stage() {
            Stage::Arrived => {
                let mut limits = self.counted_guesses(call, RateLimit::look);
                if let Some(peer) = call.peer().map(|peer| peer.network()) {
                    match call.endpoint() {
                        Endpoint::Registration => {
                            limits.push(RateLimit::take(format!("registrations:{peer}"), self.registrations));
                        }
                        Endpoint::Token => {
                            limits.push(RateLimit::take(format!("tokens-from:{peer}"), self.token_requests))
                        }
                        _ => {}
                    }
                }
                limits
            }
            Stage::Failed => self.counted_guesses(call, RateLimit::take),
            Stage::Authenticated => match (call.endpoint(), call.client()) {
                (Endpoint::Token, Some(client)) => {
                    vec![RateLimit::take(format!("tokens-for:{client}"), self.client_token_requests)]
                }
                (Endpoint::Introspection, Some(client)) => {
                    vec![RateLimit::take(format!("introspections:{client}"), self.introspections)]
                }
                _ => Vec::new(),
            },
            Stage::Decided => {
                let subject = call.subject();
                subject
                    .map(|subject| RateLimit::take(format!("decisions:{subject}"), self.decisions))
                    .into_iter()
                    .collect()
            }
            Stage::Fetching => {
                let peer = call.peer().map(|peer| peer.network());
                peer.map(|peer| RateLimit::take(format!("documents:{peer}"), self.documents)).into_iter().collect()
            }
        }
    }
}

/// How much of the identifier of a client a key has: as much as one has that is not a URL.
const MAX_CLIENT: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientId;
    use crate::rate_limit::Peer;

    #[test]
    fn nobody_is_counted_under_a_client_that_was_only_named() {
        let client = ClientId::parse("app").unwrap();
        let peer = Peer::new([203, 0, 113, 7].into());
        for endpoint in [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection, Endpoint::Resource] {
            for stage in [Stage::Arrived, Stage::Failed] {
                let call = LimitedCall::new(endpoint, stage).with_claimed_client(Some(&client));
                assert!(DefaultRatePolicy::new().limits(&call).is_empty(), "{call:?}");
                let limits = DefaultRatePolicy::new().limits(&call.with_peer(Some(peer)));
                assert!(limits.len() >= 2 && limits.iter().all(|limit| limit.key().contains("203.0.113.7")));
            }
        }
    }

    #[test]
    fn only_what_failed_counts_as_a_guess() {
        let peer = Some(Peer::new([203, 0, 113, 7].into()));
        let takes = |stage| {
            let call = LimitedCall::new(Endpoint::Revocation, stage).with_peer(peer);
            DefaultRatePolicy::new().limits(&call).iter().map(RateLimit::takes).collect::<Vec<_>>()
        };
        assert_eq!(takes(Stage::Arrived), [false]);
        assert_eq!(takes(Stage::Failed), [true]);
        assert_eq!(takes(Stage::Authenticated), [] as [bool; 0]);
    }

    #[test]
    fn each_quota_is_the_one_that_was_set_and_the_others_stay() {
        let (client, subject) = (ClientId::parse("app").unwrap(), "alice".parse().unwrap());
        let quota = |calls| Quota::per_minute(calls);
        let policy = DefaultRatePolicy::new()
            .with_client_guesses(quota(1))
            .with_guesses(quota(2))
            .with_registrations(quota(3))
            .with_token_requests(quota(4))
            .with_client_token_requests(quota(5))
            .with_introspections(quota(6))
            .with_decisions(quota(7))
            .with_documents(quota(8));
        for (endpoint, stage, set) in [
            (Endpoint::Token, Stage::Failed, &[2, 1][..]),
            (Endpoint::Registration, Stage::Arrived, &[2, 1, 3]),
            (Endpoint::Token, Stage::Arrived, &[2, 1, 4]),
            (Endpoint::Token, Stage::Authenticated, &[5]),
            (Endpoint::Introspection, Stage::Authenticated, &[6]),
            (Endpoint::Authorization, Stage::Decided, &[7]),
            (Endpoint::Authorization, Stage::Fetching, &[8]),
        ] {
            let call = LimitedCall::new(endpoint, stage).with_peer(Some(Peer::new([203, 0, 113, 7].into())));
            let call = call.with_claimed_client(Some(&client)).with_client(Some(&client)).with_subject(Some(&subject));
            let limits = policy.limits(&call);
            let quotas: Vec<_> = limits.iter().map(RateLimit::quota).collect();
            assert_eq!(quotas, set.iter().map(|calls| quota(*calls)).collect::<Vec<_>>(), "{call:?}");
            // The same is counted under the same, whatever the quota.
            let usual = DefaultRatePolicy::new().limits(&call);
            assert_eq!(
                usual.iter().map(RateLimit::key).collect::<Vec<_>>(),
                limits.iter().map(RateLimit::key).collect::<Vec<_>>()
            );
        }
    }
}
