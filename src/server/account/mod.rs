//! What a host's own pages need: connected apps and personal access tokens for users, registered apps and their secrets for
//! developers.

mod app_changes;
mod apps;
mod credential_policy;
mod developer;
mod grants;
mod new_personal_token;
mod personal_tokens;
mod secrets;

use std::sync::Arc;

use crate::error::StoreError;
use crate::server::AuthorizationServer;
use crate::store::ClientRegistry;

pub use app_changes::AppChanges;
pub use apps::{DeveloperApp, NewApp};
pub(super) use credential_policy::AllowAll;
pub use credential_policy::{CredentialDecision, CredentialPolicy, CredentialRequest};
pub use developer::Developer;
pub use grants::Revocation;
pub use new_personal_token::NewPersonalToken;
pub use personal_tokens::PersonalToken;

impl AuthorizationServer {
    fn require_registry(&self) -> Result<&Arc<dyn ClientRegistry>, StoreError> {
        self.inner.registry.as_ref().ok_or_else(|| StoreError::failed("the stores have no client registry"))
    }
}
