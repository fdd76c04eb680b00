//! Rate limits that all processes share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::RedisStore;
use super::calls::unexpected;
use super::join::all;
use super::scripts::LIMIT;
use crate::error::StoreError;
use crate::rate_limit::{LimitedCall, RateDecision, RateLimit, RateLimiter, RatePolicy};

/// How long a call may take: a limiter must not hold up what it guards.
const PATIENCE: Duration = Duration::from_millis(250);

/// Counts calls in Redis, for all processes that share it.
///
/// It uses the connections of a [`RedisStore`], which may be another than the one with the tokens: what is lost here is a
/// count, so a server that evicts and keeps nothing on disk will do. Clones share everything.
///
/// * The limits of a call are one script, in one round trip: a call that is refused by one of them takes nothing from the
///   others. In a Redis Cluster their keys lie on different nodes, so each limit is a script of its own, all at once, and
///   what the others took is taken.
/// * The clock is that of the Redis server, so those of the callers need not agree.
/// * A key is `grantor:limit:` and the limit's own key, and evicted when its quota is whole again: memory is bounded by how
///   many callers there are at a time.
///
/// ```no_run
/// use std::sync::Arc;
/// use grantor::rate_limit::DefaultRatePolicy;
/// use grantor::store::{RedisRateLimiter, RedisStore};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = RedisStore::connect("redis://127.0.0.1/").await?;
/// let limiter = RedisRateLimiter::new(&redis, DefaultRatePolicy::new());
///
/// let issuer: grantor::Issuer = "https://acme.example".parse()?;
/// let server = grantor::AuthorizationServer::builder(issuer, Arc::new(redis)).rate_limiter(Arc::new(limiter)).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisRateLimiter {
    redis: RedisStore,
    policy: Arc<dyn RatePolicy>,
}

impl fmt::Debug for RedisRateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRateLimiter").field("redis", &self.redis).finish_non_exhaustive()
    }
}

impl RedisRateLimiter {
    /// Limits calls as `policy` says, counted where `redis` is.
    #[must_use]
    pub fn new(redis: &RedisStore, policy: impl RatePolicy) -> Self {
        // A count need not survive a failover, so no replica is waited for.
        let redis = RedisStore { acknowledgement: None, ..redis.clone() };
        Self { redis: redis.with_patience(PATIENCE), policy: Arc::new(policy) }
    }

    /// Gives up after so long, a quarter of a second unless told otherwise; the call is let in then.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.redis = self.redis.with_patience(patience);
        self
    }

    /// Counts a call under these limits, whatever the policy says.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if Redis did not answer in time.
    pub async fn check_limits(&self, limits: &[RateLimit]) -> Result<RateDecision, StoreError> {
        if limits.is_empty() {
            return Ok(RateDecision::Allowed);
        }
        let wait = if self.redis.shared.reader.is_cluster() {
            let waits = all(limits.chunks(1).map(|limit| self.wait(limit))).await;
            waits.into_iter().try_fold(Duration::ZERO, |longest, wait| wait.map(|wait| longest.max(wait)))?
        } else {
            self.wait(limits).await?
        };
        Ok(if wait.is_zero() { RateDecision::Allowed } else { RateDecision::Limited { retry_after: wait } })
    }

    /// How long to wait; zero if the call may go on. The keys are all on one node.
    async fn wait(&self, limits: &[RateLimit]) -> Result<Duration, StoreError> {
        let keys: Vec<_> = limits.iter().map(|limit| self.redis.keys.limit(limit.key())).collect();
        let arguments: Vec<_> = limits.iter().flat_map(arguments).collect();
        let reply = self.redis.run(&LIMIT, &keys, &arguments).await?;
        let micros = std::str::from_utf8(reply.word()).ok().and_then(|micros| micros.parse().ok());
        micros.map(Duration::from_micros).ok_or_else(unexpected)
    }
}

fn arguments(limit: &RateLimit) -> [Vec<u8>; 3] {
    let quota = limit.quota();
    let consumption = if limit.takes() { "take" } else { "look" };
    [quota.interval().as_micros().to_string(), quota.burst().to_string(), consumption.to_owned()]
        .map(String::into_bytes)
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn check(&self, call: &LimitedCall<'_>) -> Result<RateDecision, StoreError> {
        self.check_limits(&self.policy.limits(call)).await
    }
}
