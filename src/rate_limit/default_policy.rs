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
/// Whoever has used up the wrong secrets is not listened to until one comes back; the right secret still works from
/// everywhere else. What the API may be called for is not limited: that is a matter of plans.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct DefaultRatePolicy;

const GUESSES_FOR_A_CLIENT: Quota = Quota::per_minute(10).with_burst(20);
const GUESSES: Quota = Quota::per_minute(60).with_burst(100);
const REGISTRATIONS: Quota = Quota::per_hour(60).with_burst(30);
const TOKENS: Quota = Quota::per_second(50).with_burst(200);
const DOCUMENTS: Quota = Quota::per_minute(30);
const DECISIONS: Quota = Quota::per_hour(100).with_burst(200);
const INTROSPECTIONS: Quota = Quota::per_second(50).with_burst(100);

impl DefaultRatePolicy {
    /// The policy.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl RatePolicy for DefaultRatePolicy {
    fn limits(&self, call: &LimitedCall<'_>) -> Vec<RateLimit> {
        match call.stage() {
            Stage::Arrived => {
                let mut limits = guesses(call, RateLimit::look);
                if let Some(peer) = call.peer().map(|peer| peer.network()) {
                    match call.endpoint() {
                        Endpoint::Registration => {
                            limits.push(RateLimit::take(format!("registrations:{peer}"), REGISTRATIONS));
                        }
                        Endpoint::Token => limits.push(RateLimit::take(format!("tokens-from:{peer}"), TOKENS)),
                        _ => {}
                    }
                }
                limits
            }
            Stage::Failed => guesses(call, RateLimit::take),
            Stage::Authenticated => match (call.endpoint(), call.client()) {
                (Endpoint::Token, Some(client)) => vec![RateLimit::take(format!("tokens-for:{client}"), TOKENS)],
                (Endpoint::Introspection, Some(client)) => {
                    vec![RateLimit::take(format!("introspections:{client}"), INTROSPECTIONS)]
                }
                _ => Vec::new(),
            },
            Stage::Decided => {
                let subject = call.subject();
                subject.map(|subject| RateLimit::take(format!("decisions:{subject}"), DECISIONS)).into_iter().collect()
            }
            Stage::Fetching => {
                let peer = call.peer().map(|peer| peer.network());
                peer.map(|peer| RateLimit::take(format!("documents:{peer}"), DOCUMENTS)).into_iter().collect()
            }
        }
    }
}

/// How much of the identifier of a client a key has: as much as one has that is not a URL.
const MAX_CLIENT: usize = 255;

fn guesses(call: &LimitedCall<'_>, limit: fn(String, Quota) -> RateLimit) -> Vec<RateLimit> {
    let Some(peer) = call.peer().map(|peer| peer.network()) else { return Vec::new() };
    let mut limits = vec![limit(format!("guesses:{peer}"), GUESSES)];
    if let Some(client) = call.claimed_client() {
        let client = client.as_str().get(..MAX_CLIENT).unwrap_or(client.as_str());
        limits.push(limit(format!("guesses:{peer}:{client}"), GUESSES_FOR_A_CLIENT));
    }
    limits
}

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
}
