//! Which limits a call is under.

use std::time::Duration;

use super::LimitedCall;

/// Says which limits a call is under. A closure is one.
///
/// It is asked at every [`Stage`](super::Stage), so it looks at [`LimitedCall::stage`]; and it answers from memory. A call
/// that is under no limit gets an empty list.
pub trait RatePolicy: Send + Sync + 'static {
    /// The limits of a call; it must stay within all of them.
    fn limits(&self, call: &LimitedCall<'_>) -> Vec<RateLimit>;
}

impl<F> RatePolicy for F
where
    F: Fn(&LimitedCall<'_>) -> Vec<RateLimit> + Send + Sync + 'static,
{
    fn limits(&self, call: &LimitedCall<'_>) -> Vec<RateLimit> {
        self(call)
    }
}

/// How many calls there may be in what time, and how many at once.
///
/// Calls come back one by one, not all at the end of a minute: of `per_minute(30)`, one every two seconds.
///
/// ```
/// use std::time::Duration;
/// use grantor::rate_limit::Quota;
///
/// let quota = Quota::per_minute(30).with_burst(5);
/// assert_eq!((quota.interval(), quota.burst()), (Duration::from_secs(2), 5));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Quota {
    interval: Duration,
    burst: u32,
}

impl Quota {
    /// The longest time in which a burst that was used up comes back.
    const LONGEST: Duration = Duration::from_hours(365 * 24);

    /// So many calls a second, all of them at once if need be. Zero counts as one.
    #[must_use]
    pub const fn per_second(calls: u32) -> Self {
        Self::per(Duration::from_secs(1), calls)
    }

    /// So many calls a minute, all of them at once if need be. Zero counts as one.
    #[must_use]
    pub const fn per_minute(calls: u32) -> Self {
        Self::per(Duration::from_mins(1), calls)
    }

    /// So many calls an hour, all of them at once if need be. Zero counts as one.
    #[must_use]
    pub const fn per_hour(calls: u32) -> Self {
        Self::per(Duration::from_hours(1), calls)
    }

    const fn per(period: Duration, calls: u32) -> Self {
        let calls = if calls == 0 { 1 } else { calls };
        // Whole microseconds, so that every limiter reckons with the same.
        let micros = period.as_micros() as u64 / calls as u64;
        let interval = Duration::from_micros(if micros == 0 { 1 } else { micros });
        Self { interval, burst: 1 }.with_burst(calls)
    }

    /// Sets how many calls may come at once. Zero counts as one, and more than comes back in a year as that.
    #[must_use]
    pub const fn with_burst(mut self, calls: u32) -> Self {
        let most = Self::LONGEST.as_micros() / self.interval.as_micros();
        self.burst = if calls == 0 {
            1
        } else if calls as u128 > most {
            most as u32
        } else {
            calls
        };
        self
    }

    /// In what time one call comes back: whole microseconds, at least one.
    #[must_use]
    pub const fn interval(self) -> Duration {
        self.interval
    }

    /// How many calls may come at once, at least one.
    #[must_use]
    pub const fn burst(self) -> u32 {
        self.burst
    }
}

/// One limit of a call: what it is counted under, and how much that may have.
///
/// The key is the policy's to choose: who is limited and for what, such as `tokens:app-7`. Calls with the same key are
/// counted together, so they must have the same quota. It may be of any length and characters, and is kept in memory or
/// in Redis until the quota is whole again: put no secret into it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RateLimit {
    pub(super) key: String,
    quota: Quota,
    consumption: Consumption,
}

/// What a call does to a quota.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Consumption {
    Take,
    Look,
}

impl RateLimit {
    /// The call takes one from the quota, and is refused if none is left.
    #[must_use]
    pub fn take(key: impl Into<String>, quota: Quota) -> Self {
        Self { key: key.into(), quota, consumption: Consumption::Take }
    }

    /// The call is refused if none of the quota is left, and takes nothing: whoever guessed too often is kept out,
    /// and whoever did not is not counted.
    #[must_use]
    pub fn look(key: impl Into<String>, quota: Quota) -> Self {
        Self { key: key.into(), quota, consumption: Consumption::Look }
    }

    /// What the call is counted under.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How much that may have.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        self.quota
    }

    #[cfg(feature = "redis")]
    pub(crate) const fn consumption(&self) -> Consumption {
        self.consumption
    }

    /// Whether the call takes one from the quota.
    #[must_use]
    pub const fn takes(&self) -> bool {
        matches!(self.consumption, Consumption::Take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_never_empty_and_never_beyond_a_year() {
        for quota in [Quota::per_second(0), Quota::per_minute(0), Quota::per_hour(0), Quota::per_hour(u32::MAX)] {
            assert!(quota.burst() >= 1 && quota.interval() >= Duration::from_micros(1), "{quota:?}");
        }
        assert_eq!(Quota::per_minute(10).with_burst(0).burst(), 1);
        assert_eq!(Quota::per_hour(1).with_burst(u32::MAX).burst(), 365 * 24);
        assert_eq!(Quota::per_second(1).with_burst(u32::MAX).burst(), 365 * 24 * 3_600);
    }

    #[test]
    fn the_plans_of_a_service_can_be_told() {
        let seconds = |per_minute| Quota::per_minute(per_minute).interval().as_secs_f64();
        assert_eq!([10, 30, 100].map(seconds), [6.0, 2.0, 0.6]);
        assert_eq!([10, 30, 100].map(|per_minute| Quota::per_minute(per_minute).burst()), [10, 30, 100]);
    }
}
