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

    /// When a review last found that the client had a grant; `None` if none ever did.
    #[must_use]
    pub const fn seen_in_use_at(&self) -> Option<Timestamp> {
        self.seen_in_use_at
    }

    pub(crate) const fn with_review_at(mut self, at: Option<Timestamp>) -> Self {
        self.review_at = at;
        self
    }

    pub(crate) const fn with_seen_in_use_at(mut self, at: Option<Timestamp>) -> Self {
        self.seen_in_use_at = at;
        self
    }
}
