//! Who is signed in at a [`TestServer`], for an authorization endpoint that is not its own.

use std::fmt;

use http::HeaderMap;

use super::TestServer;
use super::visitor::{Session, Visitor};
use crate::grant::SessionSecret;
use crate::identifier::Subject;

/// Somebody who is signed in at a [`TestServer`]: what a host knows of a visitor.
pub struct SignedIn(Session);

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignedIn").field(&self.0.subject).finish()
    }
}

impl SignedIn {
    /// The user.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.0.subject
    }

    /// What only the session knows.
    #[must_use]
    pub fn session_secret(&self) -> SessionSecret {
        self.0.secret()
    }

    /// Whether the user signed in in order to see this very page: its path and query.
    #[must_use]
    pub fn came_for(&self, page: &str) -> bool {
        self.0.is_for(page)
    }
}

impl TestServer {
    /// Who is signed in, by the cookie in these headers: for a test of an adapter that has an authorization endpoint of
    /// its own.
    #[must_use]
    pub fn signed_in(&self, headers: &HeaderMap) -> Option<SignedIn> {
        Visitor::of(self, headers).session().cloned().map(SignedIn)
    }
}
