//! Time: [`Timestamp`], and the [`Clock`] that the server asks.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A point in time, in whole milliseconds since the Unix epoch.
///
/// Every instant that this crate stores is of this type, so that each store keeps it exactly, in one integer.
/// Arithmetic saturates: an overflowing lifetime never wraps into the past.
///
/// ```
/// use std::time::Duration;
/// use grantor::clock::Timestamp;
///
/// let issued_at = Timestamp::from_unix_millis(1_000);
/// assert_eq!(issued_at.saturating_add(Duration::from_secs(2)).unix_millis(), 3_000);
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest instant that can be represented.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant that lies `millis` milliseconds after the Unix epoch (before it, if negative).
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down; the unit of `iat`, `exp` and `client_id_issued_at`.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// The instant `duration` later, or [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// The instant `duration` earlier, or the earliest that can be represented.
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// How much time has passed since `earlier`; zero if `earlier` is in fact later.
    #[must_use]
    pub fn duration_since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(instant: OffsetDateTime) -> Self {
        Self(i64::try_from(instant.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for OffsetDateTime {
    /// Instants beyond the range of [`OffsetDateTime`] become the Unix epoch.
    fn from(timestamp: Timestamp) -> Self {
        Self::from_unix_timestamp_nanos(i128::from(timestamp.0) * 1_000_000).unwrap_or(Self::UNIX_EPOCH)
    }
}

/// Tells the server what time it is.
///
/// The server reads it once per request; rules and stores get the instant as a parameter and read no clock.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
        let now = SystemTime::now();
        match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => Timestamp(0).saturating_add(since),
            Err(before) => Timestamp(0).saturating_sub(before.duration()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp(5).saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp(-5).saturating_sub(Duration::MAX).duration_since(Timestamp(0)), Duration::ZERO);
    }

    #[test]
    fn an_offset_date_time_round_trips_to_the_millisecond() {
        let instant = Timestamp(1_700_000_000_123);
        assert_eq!(Timestamp::from(OffsetDateTime::from(instant)), instant);
    }

    #[test]
    fn seconds_round_down_before_the_epoch_too() {
        assert_eq!(Timestamp(-1).unix_seconds(), -1);
        assert_eq!(Timestamp(1_999).unix_seconds(), 1);
    }
}
