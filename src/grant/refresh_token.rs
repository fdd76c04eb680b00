//! The refresh token: whether a request may use it, and what a use of a retired one means (RFC 6749 §6, RFC 9700 §4.14).

use std::borrow::Cow;

use super::{Grant, RefreshTokenRecord, RefreshTokenState, Retirement, SuccessorState};
use crate::client::AuthenticatedClient;
use crate::clock::Timestamp;
use crate::configuration::{ScopeCatalog, narrow_resources};
use crate::error::ErrorReason;
use crate::policy::RefreshPolicy;
use crate::resource::Resources;
use crate::scope::Scope;

/// What a refresh request that is in order yields.
#[derive(Debug)]
pub(crate) struct Refreshable {
    pub(crate) scope: Scope,
    pub(crate) resource: Resources,
}

/// What the use of a retired refresh token means.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum RetiredUse {
    /// The client lost its answer: give it the same again.
    Retry,
    /// The client retries without end: refuse, and leave the grant alone.
    Exhausted,
    /// Two parties hold the token: revoke the grant.
    Replay,
}

impl RefreshTokenRecord {
    pub(crate) fn is_active(&self) -> bool {
        self.state == RefreshTokenState::Active
    }

    /// Checks everything that must hold before anything is spent: the client, the life, the scope, the resource.
    pub(crate) fn check(
        &self,
        grant: &Grant,
        client: &AuthenticatedClient,
        scopes: &ScopeCatalog,
        requested_scope: Option<&str>,
        requested_resources: &[Cow<'_, str>],
        now: Timestamp,
    ) -> Result<Refreshable, ErrorReason> {
        let client = client.client();
        if grant.client.as_ref() != Some(client.id()) {
            return Err(ErrorReason::RefreshTokenForeign);
        }
        // RFC 6749 §6: less may be asked for, and the refresh token keeps all of it.
        let scope = scopes.narrow(&grant.scope, requested_scope)?;
        let resource = narrow_resources(&grant.resource, requested_resources)?;
        if self.is_active() && self.expires_at.is_some_and(|at| at <= now) {
            return Err(ErrorReason::RefreshTokenExpired);
        }
        Ok(Refreshable { scope, resource })
    }
}

impl Retirement {
    /// Decides what the use of a token that was retired this way means, `now` and under this policy.
    pub(crate) fn judge(&self, policy: RefreshPolicy, retries: u32, now: Timestamp) -> RetiredUse {
        let RefreshPolicy::Rotate { grace } = policy else { return RetiredUse::Replay };
        let within = now < self.at.saturating_add(grace);
        match self.successor_state() {
            SuccessorState::Unused if within && retries <= RefreshPolicy::MAX_RETRIES => RetiredUse::Retry,
            SuccessorState::Unused if within => RetiredUse::Exhausted,
            SuccessorState::Unused | SuccessorState::Used => RetiredUse::Replay,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::secret::TokenHash;

    fn judge(grace: u64, successor: SuccessorState, retries: u32, now: i64) -> RetiredUse {
        let retirement = Retirement {
            at: Timestamp::from_unix_millis(1_000),
            nonce: match successor {
                SuccessorState::Unused => [1; 16],
                SuccessorState::Used => [0; 16],
            },
            successor: TokenHash::from_bytes([0; 32]),
            scope: Scope::empty(),
            resource: Resources::default(),
            access_expires_at: None,
        };
        let policy = RefreshPolicy::Rotate { grace: Duration::from_secs(grace) };
        retirement.judge(policy, retries, Timestamp::from_unix_millis(now))
    }

    #[test]
    fn a_retirement_does_not_show_its_nonce() {
        let retirement = Retirement {
            at: Timestamp::from_unix_millis(1_000),
            nonce: [0xAB; 16],
            successor: TokenHash::from_bytes([0; 32]),
            scope: Scope::empty(),
            resource: Resources::default(),
            access_expires_at: None,
        };
        let text = format!("{retirement:?}");
        assert!(!text.contains("nonce") && !text.contains("171"), "{text}");
    }

    #[test]
    fn a_retry_within_the_grace_is_answered_again() {
        assert_eq!(judge(10, SuccessorState::Unused, 1, 10_999), RetiredUse::Retry);
    }

    #[test]
    fn the_grace_ends_with_time_and_with_the_first_use_of_the_successor() {
        assert_eq!(judge(10, SuccessorState::Unused, 1, 11_000), RetiredUse::Replay);
        assert_eq!(judge(10, SuccessorState::Used, 1, 1_001), RetiredUse::Replay);
        assert_eq!(judge(0, SuccessorState::Unused, 1, 1_000), RetiredUse::Replay);
    }

    #[test]
    fn retries_are_limited_without_killing_the_grant() {
        assert_eq!(judge(10, SuccessorState::Unused, RefreshPolicy::MAX_RETRIES, 2_000), RetiredUse::Retry);
        assert_eq!(judge(10, SuccessorState::Unused, RefreshPolicy::MAX_RETRIES + 1, 2_000), RetiredUse::Exhausted);
    }
}
