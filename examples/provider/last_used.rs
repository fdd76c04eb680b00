//! When grants and secrets were last used, for the pages that list them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use grantor::AuthorizationServer;
use grantor::client::ClientId;
use grantor::clock::{Clock as _, SystemClock};
use grantor::observer::{Event, Observer};
use grantor::secret::{GrantId, SecretId};
use grantor::store::TokenStore;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How often a use of the same thing is written; the pages show days.
const WRITE_EVERY: Duration = Duration::from_mins(1);
/// How many things are remembered as written.
const MAX_REMEMBERED: usize = 10_000;
/// How many uses of secrets may wait to be written; more are passed over.
const MAX_WAITING: usize = 1_000;

/// What was used.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Used {
    Grant(GrantId),
    Secret(SecretId),
}

/// Notes uses, beside the calls and seldom, so that a check stays a single read.
#[derive(Debug)]
pub struct LastUsed {
    tokens: Arc<dyn TokenStore>,
    written: Mutex<HashMap<Used, Instant>>,
}

impl LastUsed {
    /// Writes to `tokens`.
    pub fn new(tokens: Arc<dyn TokenStore>) -> Self {
        Self { tokens, written: Mutex::default() }
    }

    /// Notes that the grant is used now. Does not wait for the store.
    pub fn note(&self, grant: GrantId) {
        if !self.is_due(Used::Grant(grant)) {
            return;
        }
        let tokens = Arc::clone(&self.tokens);
        tokio::spawn(async move {
            if let Err(error) = tokens.touch_grant(&grant, SystemClock.now()).await {
                tracing::warn!(%error, %grant, "the use of a grant was not noted");
            }
        });
    }

    /// Notes the uses of secrets that arrive, for as long as the process runs.
    pub async fn note_secrets(self: Arc<Self>, server: AuthorizationServer, mut used: UsedSecrets) {
        while let Some((client, secret)) = used.0.recv().await {
            if self.is_due(Used::Secret(secret))
                && let Err(error) = server.touch_secret(&client, secret, SystemClock.now()).await
            {
                tracing::warn!(%error, %client, "the use of a secret was not noted");
            }
        }
    }

    fn is_due(&self, used: Used) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if written.get(&used).is_some_and(|at| at.elapsed() < WRITE_EVERY) {
            return false;
        }
        if written.len() >= MAX_REMEMBERED {
            written.retain(|_, at| at.elapsed() < WRITE_EVERY);
        }
        if written.len() >= MAX_REMEMBERED {
            written.clear();
        }
        written.insert(used, Instant::now());
        true
    }
}

/// Passes on which secrets were used; the server tells it of every client that it authenticates.
#[derive(Debug)]
pub struct SecretObserver(Sender<(ClientId, SecretId)>);

/// The uses that were passed on.
#[derive(Debug)]
pub struct UsedSecrets(Receiver<(ClientId, SecretId)>);

/// Both ends.
pub fn secret_observer() -> (SecretObserver, UsedSecrets) {
    let (sender, receiver) = channel(MAX_WAITING);
    (SecretObserver(sender), UsedSecrets(receiver))
}

impl Observer for SecretObserver {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Authenticated { client, secret_id: Some(id), .. } = event {
            let _full = self.0.try_send(((*client).clone(), *id));
        }
    }
}
