//! Rate limits: who may call how often (OAuth 2.1 §2.4.1 and §7.9; RFC 6585 §4).
//!
//! The server asks a [`RateLimiter`] at the endpoints that clients call, and a
//! [`ResourceServer`](crate::ResourceServer) at the API. Whoever called too often gets 429, with `Retry-After`. Without
//! a limiter nobody is limited, and nothing is asked.
//!
//! Two limiters ship: `LocalRateLimiter` (feature `rate-limit`) counts within one process, and
//! `RedisRateLimiter` in [`store`](crate::store) (feature `redis`) for all processes that share a Redis. Both do what a
//! [`RatePolicy`] says: which keys to count under, and how many calls each may have. [`DefaultRatePolicy`] slows down
//! guesses and floods; the plans of a service are a function over what is known of a call:
//!
//! ```
//! use grantor::observer::Endpoint;
//! use grantor::rate_limit::{DefaultRatePolicy, LimitedCall, Quota, RateLimit, RatePolicy, Stage};
//!
//! # fn plan_of(tenant: &str) -> Option<u32> { Some(30) }
//! let plans = |call: &LimitedCall<'_>| {
//!     let mut limits = DefaultRatePolicy::new().limits(call);
//!     if call.endpoint() == Endpoint::Resource
//!         && call.stage() == Stage::Authenticated
//!         && let Some(tenant) = call.tenant()
//!         && let Some(per_minute) = plan_of(tenant.as_str())
//!     {
//!         limits.push(RateLimit::take(format!("plan:{tenant}"), Quota::per_minute(per_minute)));
//!     }
//!     limits
//! };
//! # let _: &dyn RatePolicy = &plans;
//! ```
//!
//! A plan that has to be read from a database first is read by a [`RateLimiter`] of your own, which hands the limits on
//! to `check_limits` of one that ships.
//!
//! # When it is asked
//!
//! | [`Stage`] | what is known | what it is good for |
//! |---|---|---|
//! | [`Arrived`](Stage::Arrived), before a store is read | the peer, and the client that the request names, which may be anybody's invention | floods, and those who guessed before |
//! | [`Failed`](Stage::Failed), after a secret or token that is wrong | the same | counting guesses |
//! | [`Authenticated`](Stage::Authenticated), before anything is done | the client, and at the API the subject and the tenant | plans |
//! | [`Decided`](Stage::Decided), before a user's decision at the authorization endpoint is stored | the subject, and the client that asked | users who fill the store |
//! | [`Fetching`](Stage::Fetching), before the document of a client is fetched | the peer, and the URL as the client that the request names | floods of links that make the server fetch |
//!
//! Nobody but the client itself is ever counted under [`LimitedCall::client`]: it is a confidential client that proved
//! who it is, or the one that an access token was issued to. A stranger who names somebody else's client can be limited
//! by [`LimitedCall::peer`] and [`LimitedCall::claimed_client`] together; **do not limit by the claimed client alone**,
//! or anybody can lock it out.
//!
//! # The peer
//!
//! Only the host knows who sent a request: behind a proxy it is what a header says that the proxy sets. It puts a
//! [`Peer`] into the extensions of the request for [`AuthorizationServer::handle`](crate::AuthorizationServer::handle),
//! or passes it to `with_peer` of the typed requests, that to the
//! authorization endpoint among them. Without it nobody is limited by where a request comes from.
//!
//! # A limiter that fails
//!
//! The call is let in, and the observer is told ([`Event::Failed`]): a limiter must not be what takes a service down.

mod call;
mod default_policy;
#[cfg(feature = "rate-limit")]
mod local;
mod policy;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use call::{LimitedCall, Peer, Stage};
pub use default_policy::DefaultRatePolicy;
#[cfg(feature = "rate-limit")]
pub use local::LocalRateLimiter;
#[cfg(feature = "redis")]
pub(crate) use policy::Consumption;
pub use policy::{Quota, RateLimit, RatePolicy};

use crate::error::StoreError;
use crate::observer::{Event, Operation};
use crate::telemetry::Telemetry;

/// Says whether a call may go on.
///
/// It is asked in the middle of requests, so it must be quick: it bounds by itself how long it waits.
#[async_trait]
pub trait RateLimiter: fmt::Debug + Send + Sync + 'static {
    /// Counts a call, and says whether it is one too many.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot tell; the call is let in then.
    async fn check(&self, call: &LimitedCall<'_>) -> Result<RateDecision, StoreError>;
}

/// What a [`RateLimiter`] says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: limiters build it, and nothing lies between")]
pub enum RateDecision {
    /// The call may go on.
    Allowed,
    /// The call is one too many.
    Limited {
        /// How long the caller should wait. It is told in whole seconds, rounded up, and at least one.
        retry_after: Duration,
    },
}

/// The limiter that is asked, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateLimits(Option<Arc<dyn RateLimiter>>);

/// How long the caller of a limited call should wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited(pub(crate) Duration);

impl RateLimits {
    pub(crate) const fn new(limiter: Option<Arc<dyn RateLimiter>>) -> Self {
        Self(limiter)
    }

    /// Whether there is a limiter.
    pub(crate) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) async fn check(
        &self,
        call: LimitedCall<'_>,
        operation: Operation,
        telemetry: &Telemetry,
    ) -> Result<(), Limited> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        match limiter.check(&call).await {
            Ok(RateDecision::Allowed) => Ok(()),
            Ok(RateDecision::Limited { retry_after }) => Err(Limited(retry_after)),
            Err(source) => {
                telemetry.observe(&Event::Failed { operation, source: &source });
                Ok(())
            }
        }
    }
}
