//! A clock that a test moves.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, SystemClock, Timestamp};

/// A clock that stands still until it is moved, so that a test can wait for nothing.
///
/// ```
/// use std::time::Duration;
/// use grantor::clock::{Clock as _, Timestamp};
/// use grantor::testkit::ManualClock;
///
/// let clock = ManualClock::at(Timestamp::from_unix_millis(1_000));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().unix_millis(), 61_000);
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Stands at the present instant: right for a store that evicts by a clock of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::at(SystemClock.now())
    }

    /// Stands at `instant`.
    #[must_use]
    pub const fn at(instant: Timestamp) -> Self {
        Self(AtomicI64::new(instant.unix_millis()))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().saturating_add(by));
    }

    /// Moves back, as a clock that is corrected does.
    pub fn set_back(&self, by: Duration) {
        self.set(self.now().saturating_sub(by));
    }

    /// Moves to `instant`.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.unix_millis(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst))
    }
}
