//! How many sessions there are: each takes memory until it ends, and anybody with a token can begin one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use grantor::Access;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::{SessionId, SessionManager as _};

/// How many sessions the agents of one person have at once. When one more begins, the one that began first ends; if somebody
/// goes on with it, they are told that there is no such session, and begin anew.
const MAX_SESSIONS: usize = 100;

/// The sessions of one process, by whose they are.
#[derive(Debug)]
pub struct Sessions {
    manager: Arc<LocalSessionManager>,
    begun: Mutex<HashMap<String, VecDeque<SessionId>>>,
}

impl Sessions {
    /// Those of `manager`.
    pub fn new(manager: Arc<LocalSessionManager>) -> Self {
        Self { manager, begun: Mutex::default() }
    }

    /// Notes a session that has begun, and ends the one that is too many.
    pub async fn note(&self, access: &Access, session: &str) {
        let person = access.subject().map(|subject| format!("user {subject}"));
        let owner = person.or_else(|| Some(format!("client {}", access.client_id()?))).unwrap_or_default();
        let superfluous = {
            let alive = self.manager.sessions.read().await;
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            let live = |sessions: &mut VecDeque<SessionId>| sessions.retain(|session| alive.contains_key(session));
            // More people than sessions: some have none any more.
            if begun.len() > alive.len() {
                begun.retain(|_, sessions| {
                    live(sessions);
                    !sessions.is_empty()
                });
            }
            let own = begun.entry(owner).or_default();
            live(own);
            own.push_back(session.into());
            if own.len() > MAX_SESSIONS { own.pop_front() } else { None }
        };
        if let Some(session) = superfluous
            && let Err(error) = self.manager.close_session(&session).await
        {
            tracing::debug!(%error, "a session had ended already");
        }
    }
}
