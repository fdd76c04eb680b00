//! Slows down who guesses passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many wrong passwords one source may send for one user name within [`WINDOW`].
const MAX_ATTEMPTS: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// How many pairs of user name and source are remembered.
const MAX_ENTRIES: usize = 10_000;

/// Counts attempts to sign in by user name and source, so that nobody can lock a user out from elsewhere.
#[derive(Debug, Default)]
pub struct Throttle {
    attempts: Mutex<HashMap<(String, IpAddr), Attempts>>,
}

#[derive(Debug)]
struct Attempts {
    since: Instant,
    count: u32,
}

impl Throttle {
    /// Begins an attempt, which counts as a wrong password until it has [`succeeded`](Self::succeeded): of attempts at
    /// the same moment, no more are let through than of attempts in a row. The error is how long to wait for the next.
    pub fn begin(&self, username: &str, source: IpAddr) -> Result<(), Duration> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = key(username, source);
        if attempts.len() >= MAX_ENTRIES && !attempts.contains_key(&key) {
            attempts.retain(|_, attempts| attempts.since.elapsed() < WINDOW);
            if attempts.len() >= MAX_ENTRIES {
                attempts.clear();
            }
        }
        let entry = attempts.entry(key).or_insert_with(|| Attempts { since: Instant::now(), count: 0 });
        let left = WINDOW.saturating_sub(entry.since.elapsed());
        if left.is_zero() {
            *entry = Attempts { since: Instant::now(), count: 0 };
        } else if entry.count >= MAX_ATTEMPTS {
            return Err(left);
        }
        entry.count += 1;
        Ok(())
    }

    /// Forgets the attempts after a right password.
    pub fn succeeded(&self, username: &str, source: IpAddr) {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(username, source));
    }
}

/// Long user names are cut: they exist only to fill the memory.
fn key(username: &str, source: IpAddr) -> (String, IpAddr) {
    (username.chars().take(100).collect(), source)
}
