//! Rate limits that all processes share.

use std::fmt;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::RedisStore;
use super::calls::unexpected;
use super::join::all;
use super::scripts::{LIMIT, UNLIMIT};
use crate::error::StoreError;
use crate::rate_limit::{Consumption, LimitedCall, RateDecision, RateLimit, RateLimiter, RatePolicy};

/// How long a call may take: a limiter must not hold up what it guards.
const PATIENCE: Duration = Duration::from_millis(250);

/// Counts calls in Redis, for all processes that share it.
///
/// It uses the connections of a [`RedisStore`], which may be another than the one with the tokens: what is lost here is a
/// count, so a server that evicts and keeps nothing on disk will do. Clones share everything.
///
/// * The limits of a call are one script, in one round trip: a call that is refused by one of them takes nothing from the
///   others.
/// * In a Redis Cluster their keys lie on different nodes, so each limit is a script of its own, all at once. A call under
///   several limits looks at all of them first, and takes in a second round trip, if it may go on. If others were faster in
///   between, it is refused and gives back what it took; for that moment, and for good if the process ends in it, one call less
///   is there for others with the same key.
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

    /// Gives up after so long, a quarter of a second unless told otherwise; the call is let in then. In a Redis Cluster each
    /// round trip has as long.
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
        let wait = if self.redis.shared.reader.is_cluster() && limits.len() > 1 {
            self.wait_apart(limits).await?
        } else {
            self.wait(limits, RateLimit::consumption).await?
        };
        Ok(if wait.is_zero() { RateDecision::Allowed } else { RateDecision::Limited { retry_after: wait } })
    }

    /// How long to wait; zero if the call may go on. Each key may be on another node.
    async fn wait_apart(&self, limits: &[RateLimit]) -> Result<Duration, StoreError> {
        let looks = self.waits(limits.iter(), Consumption::Look).await?;
        let wait = looks.into_iter().max().unwrap_or_default();
        if !wait.is_zero() {
            return Ok(wait);
        }
        let taking = limits.iter().filter(|limit| limit.takes());
        let waits = self.waits(taking.clone(), Consumption::Take).await?;
        let wait = waits.iter().copied().max().unwrap_or_default();
        if !wait.is_zero() {
            let took = taking.zip(waits).filter(|(_, wait)| wait.is_zero());
            // The call is refused also if this fails; its caller has one call less for a while then.
            let _given_back = all(took.map(|(limit, _)| self.give_back(limit))).await;
        }
        Ok(wait)
    }

    /// How long to wait for each limit.
    async fn waits(
        &self,
        limits: impl Iterator<Item = &RateLimit>,
        consumption: Consumption,
    ) -> Result<Vec<Duration>, StoreError> {
        let waits = limits.map(|limit| self.wait(slice::from_ref(limit), move |_| consumption));
        all(waits).await.into_iter().collect()
    }

    async fn give_back(&self, limit: &RateLimit) -> Result<(), StoreError> {
        let (key, interval) = (self.redis.keys.limit(limit.key()), micros(limit));
        self.redis.run(&UNLIMIT, &[key], &[interval]).await.map(drop)
    }

    /// How long to wait; zero if the call may go on. The keys are all on one node.
    async fn wait(
        &self,
        limits: &[RateLimit],
        consumption: impl Fn(&RateLimit) -> Consumption + Send,
    ) -> Result<Duration, StoreError> {
        let keys: Vec<_> = limits.iter().map(|limit| self.redis.keys.limit(limit.key())).collect();
        let arguments: Vec<_> = limits.iter().flat_map(|limit| arguments(limit, consumption(limit))).collect();
        let reply = self.redis.run(&LIMIT, &keys, &arguments).await?;
        let micros = std::str::from_utf8(reply.word()).ok().and_then(|micros| micros.parse().ok());
        micros.map(Duration::from_micros).ok_or_else(unexpected)
    }
}

fn arguments(limit: &RateLimit, consumption: Consumption) -> [Vec<u8>; 3] {
    let consumption = match consumption {
        Consumption::Take => "take",
        Consumption::Look => "look",
    };
    [micros(limit), limit.quota().burst().to_string().into_bytes(), consumption.into()]
}

/// In how many microseconds one call comes back.
fn micros(limit: &RateLimit) -> Vec<u8> {
    limit.quota().interval().as_micros().to_string().into_bytes()
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn check(&self, call: &LimitedCall<'_>) -> Result<RateDecision, StoreError> {
        self.check_limits(&self.policy.limits(call)).await
    }
}
