//! When to look whether a client is still used (RFC 7591 §5).

use super::Client;
use crate::clock::Timestamp;

impl Client {
    /// When [`AuthorizationServer::purge`](crate::AuthorizationServer::purge) looks whether the client is still used, and
    /// deletes it if it is not; `None` if it is kept until somebody deletes it.
    #[must_use]
    pub const fn review_at(&self) -> Option<Timestamp> {
        self.review_at
    }

    /// When the client is last known to have been granted something, or to have had a grant; `None` if it never was. It is
    /// noted now and then only: see [`UnusedClients`](crate::configuration::UnusedClients).
    #[must_use]
    pub const fn used_at(&self) -> Option<Timestamp> {
        self.used_at
    }

    pub(crate) const fn with_review_at(mut self, at: Option<Timestamp>) -> Self {
        self.review_at = at;
        self
    }

    pub(crate) const fn with_used_at(mut self, at: Option<Timestamp>) -> Self {
        self.used_at = at;
        self
    }
}
