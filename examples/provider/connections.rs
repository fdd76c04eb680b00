//! What the demo client remembers of each browser, in memory only.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use grantor::ReturnTarget;

/// How many browsers are remembered; beyond that, those that have not come back are forgotten, or else all.
const MAX_BROWSERS: usize = 1_000;

/// What the demo client knows, by the value of the browser's cookie.
#[derive(Debug, Default)]
pub struct Connections(Mutex<HashMap<String, Connection>>);

/// How far one browser came.
#[derive(Clone, Debug)]
pub enum Connection {
    /// Sent to the shortener.
    Waiting(AuthorizationRequest),
    /// Came back with a no.
    Denied,
    /// Came back with something else.
    Failed(String),
    /// Came back with a code, which was exchanged.
    Connected(Tokens),
}

/// What must be known again when the browser comes back.
#[derive(Clone)]
pub struct AuthorizationRequest {
    /// Proves that the answer belongs to this browser's request.
    pub state: String,
    /// Proves that the code was asked for by this client (RFC 7636).
    pub code_verifier: String,
    /// Where the browser goes in the end, if the shortener's app store sent it.
    pub return_to: Option<ReturnTarget>,
}

/// What the client got.
#[derive(Clone)]
pub struct Tokens {
    /// What the API wants to see.
    pub access_token: String,
    /// What it is good for.
    pub scope: String,
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationRequest(..)")
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Connections {
    /// What is known of `browser`.
    pub fn get(&self, browser: &str) -> Option<Connection> {
        self.lock().get(browser).cloned()
    }

    /// What is known of `browser`, and forgets it.
    pub fn take(&self, browser: &str) -> Option<Connection> {
        self.lock().remove(browser)
    }

    /// Remembers `connection`.
    pub fn put(&self, browser: String, connection: Connection) {
        let mut connections = self.lock();
        if connections.len() >= MAX_BROWSERS {
            connections.retain(|_, connection| !matches!(connection, Connection::Waiting(_)));
        }
        if connections.len() >= MAX_BROWSERS {
            connections.clear();
        }
        connections.insert(browser, connection);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
