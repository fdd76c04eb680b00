//! What made the shortener an OAuth provider and needs no web framework: the authorization server's set-up, the API's
//! scopes, what its pages show. Each example includes this directory as a module of its own.

pub mod app;
pub mod client;
pub mod connected;
pub mod connections;
pub mod consent_page;
pub mod demand;
pub mod demo;
pub mod developers;
pub mod last_used;
pub mod metrics;
pub mod settings;
pub mod setup;

use grantor::Subject;
use grantor::error::StoreError;

use crate::shortener::problem::Problem;
use crate::shortener::users::User;

/// The scopes of the API, with the words that people read before they decide.
pub const SCOPES: [(&str, &str); 4] = [
    ("links:read", "See your links"),
    ("links:write", "Create links in your name"),
    ("stats:read", "See how often your links are followed"),
    ("links:delete", "Delete all of your links"),
];

/// What apps may ask for that registered themselves: nothing that cannot be undone.
pub const OPEN_SCOPES: &str = "links:read links:write stats:read";

/// What the authorization server calls a user: the id, because names may change hands.
pub fn subject(user: &User) -> Result<Subject, Problem> {
    Subject::parse(&user.id.to_string()).map_err(|_| Problem::internal())
}

/// A page that needs the server's stores, when they fail.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, cause, "a store of the authorization server failed");
        Self::unavailable()
    }
}
