//! The shortener as a whole: what its pages work with.

use std::sync::Arc;

use super::database::Database;
use super::sessions::Sessions;
use super::throttle::Throttle;

/// What handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Site {
    /// What people know the service by.
    pub name: &'static str,
    /// Whether it has a page of apps to install.
    pub has_app_store: bool,
    /// Scheme, host and port under which browsers know the service.
    pub origin: Arc<str>,
    /// People and links.
    pub database: Database,
    /// Who is signed in.
    pub sessions: Sessions,
    /// Slows down who guesses passwords.
    pub throttle: Arc<Throttle>,
}

impl Site {
    /// The shortener over `database`, which people know as `name` and browsers as `origin`.
    pub fn new(name: &'static str, database: Database, origin: &str) -> Self {
        let sessions = Sessions::new(database.clone(), origin);
        Self { name, has_app_store: false, origin: origin.into(), database, sessions, throttle: Arc::default() }
    }

    /// The same shortener with a page of apps to install.
    pub fn with_app_store(mut self) -> Self {
        self.has_app_store = true;
        self
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.origin.split_once("://").map_or(&self.origin, |(_, authority)| authority)
    }

    /// The whole URL of a short link.
    pub fn short_url(&self, slug: &str) -> String {
        format!("{}/{slug}", self.origin)
    }
}
