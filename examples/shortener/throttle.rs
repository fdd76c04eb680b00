//! Slows down who guesses passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many wrong passwords one source may send for one user name within [`WINDOW`].
const MAX_FAILURES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// How many pairs of user name and source are remembered.
const MAX_ENTRIES: usize = 10_000;

/// Counts failed sign-ins by user name and source, so that nobody can lock a user out from elsewhere.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<(String, IpAddr), Failures>>,
}

#[derive(Debug)]
struct Failures {
    since: Instant,
    count: u32,
}

impl Throttle {
    /// Whether another attempt may be made; if not, after how long.
    pub fn check(&self, username: &str, source: IpAddr) -> Result<(), Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.get(&key(username, source)) {
            Some(failures) if failures.count >= MAX_FAILURES => {
                let left = WINDOW.saturating_sub(failures.since.elapsed());
                if left.is_zero() { Ok(()) } else { Err(left) }
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong password.
    pub fn failed(&self, username: &str, source: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_ENTRIES {
            failures.retain(|_, failures| failures.since.elapsed() < WINDOW);
        }
        if failures.len() >= MAX_ENTRIES {
            failures.clear();
        }
        let entry =
            failures.entry(key(username, source)).or_insert_with(|| Failures { since: Instant::now(), count: 0 });
        if entry.since.elapsed() >= WINDOW {
            *entry = Failures { since: Instant::now(), count: 0 };
        }
        entry.count += 1;
    }

    /// Forgets the failures after a right password.
    pub fn succeeded(&self, username: &str, source: IpAddr) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(username, source));
    }
}

/// Long user names are cut: they exist only to fill the memory.
fn key(username: &str, source: IpAddr) -> (String, IpAddr) {
    (username.chars().take(100).collect(), source)
}
