//! Who may make apps and API tokens.

use grantor::error::StoreError;
use grantor::{CredentialDecision, CredentialPolicy, CredentialRequest};

use super::services::Developers;
use crate::shortener::database::Database;
use crate::shortener::workspaces::{self, Role, Workspace};

/// Lets members make credentials for a workspace, or its owners only.
#[derive(Debug)]
pub struct Membership {
    /// Where the members are.
    pub database: Database,
    /// Who may.
    pub developers: Developers,
}

#[async_trait::async_trait]
impl CredentialPolicy for Membership {
    /// A credential that is for all workspaces needs as much as one for each of them.
    async fn may_create(&self, request: &CredentialRequest<'_>) -> Result<CredentialDecision, StoreError> {
        let Ok(user_id) = request.subject().as_str().parse() else { return Ok(CredentialDecision::Deny) };
        let mut reached = workspaces::of(&self.database, user_id).await.map_err(StoreError::unavailable)?;
        if let Some(tenant) = request.tenant() {
            reached.retain(|workspace| workspace.id == tenant.as_str());
            if reached.is_empty() {
                return Ok(CredentialDecision::Deny);
            }
        }
        let is_owner = |workspace: &Workspace| workspace.role == Role::Owner;
        let enough = match self.developers {
            Developers::Everybody => true,
            Developers::Owners => !reached.is_empty() && reached.iter().all(is_owner),
        };
        Ok(if enough { CredentialDecision::Allow } else { CredentialDecision::Deny })
    }
}
