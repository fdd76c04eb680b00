//! When each grant was last used, for the page of connected apps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use grantor::clock::{Clock as _, SystemClock};
use grantor::secret::GrantId;
use grantor::store::TokenStore;

/// How often a use is written for one grant; the page shows days.
const WRITE_EVERY: Duration = Duration::from_mins(1);
/// How many grants are remembered as written.
const MAX_GRANTS: usize = 10_000;

/// Notes uses, beside the calls and seldom, so that a bearer check stays a single read.
#[derive(Debug)]
pub struct LastUsed {
    tokens: Arc<dyn TokenStore>,
    written: Mutex<HashMap<GrantId, Instant>>,
}

impl LastUsed {
    /// Writes to `tokens`.
    pub fn new(tokens: Arc<dyn TokenStore>) -> Self {
        Self { tokens, written: Mutex::default() }
    }

    /// Notes that the grant is used now. Does not wait for the store.
    pub fn note(&self, grant: GrantId) {
        if !self.is_due(grant) {
            return;
        }
        let tokens = Arc::clone(&self.tokens);
        tokio::spawn(async move {
            if let Err(error) = tokens.touch_grant(&grant, SystemClock.now()).await {
                tracing::warn!(%error, %grant, "the use of a grant was not noted");
            }
        });
    }

    fn is_due(&self, grant: GrantId) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(&grant).is_some_and(|at| at.elapsed() < WRITE_EVERY) {
            return false;
        }
        if written.len() >= MAX_GRANTS {
            written.retain(|_, at| at.elapsed() < WRITE_EVERY);
        }
        if written.len() >= MAX_GRANTS {
            written.clear();
        }
        written.insert(grant, Instant::now());
        true
    }
}
