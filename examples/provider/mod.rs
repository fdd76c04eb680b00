//! What made the shortener an OAuth provider and needs no web framework: the authorization server's set-up, the
//! services that it can be, what the API answers, the tools for agents, what the pages show. Each example includes this directory as a module
//! of its own.

pub mod api;
pub mod app;
pub mod app_store;
pub mod client;
pub mod client_documents;
pub mod connected;
pub mod connections;
pub mod consent_page;
pub mod credentials;
pub mod demo;
pub mod developers;
pub mod grants;
pub mod last_used;
pub mod limits;
pub mod mcp;
pub mod metrics;
pub mod new_token;
pub mod password_again;
pub mod plans;
pub mod refusal;
pub mod scopes;
pub mod services;
pub mod settings;
pub mod setup;
pub mod signing_key;
pub mod storage;
pub mod tokens;
pub mod workspace_field;

use grantor::Subject;
use grantor::error::StoreError;

use crate::shortener::api::Refusal;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;

/// What the authorization server calls a user: the id, because names may change hands.
pub fn subject(user: &User) -> Result<Subject, Problem> {
    Subject::parse(&user.id.to_string()).map_err(|_| Problem::internal())
}

/// A call of the API that needs the server's stores, when they fail.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tell(&error);
        Self::UNAVAILABLE
    }
}

/// A page that needs the server's stores, when they fail.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tell(&error);
        Self::unavailable()
    }
}

fn tell(error: &StoreError) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, cause, "a store of the authorization server failed");
}
