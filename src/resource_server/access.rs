//! What a call that was let in may do.

use std::sync::Arc;

use super::observe;
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::configuration::Words;
use crate::error::{BearerError, ChallengeContext, ErrorReason};
use crate::grant::Grant;
use crate::identifier::{Extra, Subject, Tenant};
use crate::observer::Operation;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::GrantId;
use crate::store::FoundAccessToken;
use crate::telemetry::ended;

/// What a checked access token allows, and on whose behalf.
#[derive(Clone, Debug)]
pub struct Access {
    pub(super) found: FoundAccessToken,
    pub(super) context: Arc<ChallengeContext>,
    /// How the caller is told that the scope does not suffice.
    pub(super) insufficient: Words,
    /// How the caller is told that the token is for another tenant.
    pub(super) confined: Words,
}

impl Access {
    /// Demands scope tokens, separated by spaces: all of them.
    ///
    /// # Errors
    ///
    /// [`BearerError`]: 403 `insufficient_scope`, with the scope that is needed (RFC 6750 §3.1).
    pub fn require(&self, scope: &str) -> Result<(), BearerError> {
        let result = if scope.split(' ').all(|token| token.is_empty() || self.found.token.scope.contains(token)) {
            Ok(())
        } else {
            let error = BearerError::new(Arc::clone(&self.context), ErrorReason::ScopeInsufficient);
            let error = error.with_scope(Scope::parse(scope).unwrap_or_default());
            Err(self.refuse(error.with_words(self.insufficient.clone())))
        };
        ended(Operation::Require, result.as_ref().err());
        result
    }

    /// Demands that the token may reach the data of `tenant`.
    ///
    /// A token that is confined to no tenant passes: it reaches whatever its [`subject`](Self::subject) may reach, so look up
    /// in your own data whether that is so.
    ///
    /// # Errors
    ///
    /// [`BearerError`]: 403 with [`ErrorReason::TenantMismatch`] if the token is confined to another tenant. Its challenge has
    /// no error code, because no other scope would help (RFC 6750 §3.1).
    pub fn require_tenant(&self, tenant: &Tenant) -> Result<(), BearerError> {
        let result = if self.tenant().is_none_or(|own| own == tenant) {
            Ok(())
        } else {
            let error = BearerError::new(Arc::clone(&self.context), ErrorReason::TenantMismatch);
            Err(self.refuse(error.with_words(self.confined.clone())))
        };
        ended(Operation::RequireTenant, result.as_ref().err());
        result
    }

    /// Tells the operator whose token was refused.
    pub(super) fn refuse(&self, error: BearerError) -> BearerError {
        observe(&error, Some(self.grant()));
        error
    }

    /// The user who granted access; `None` if the client acts for itself.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.grant().subject.as_ref()
    }

    /// The client; `None` for a personal access token.
    #[must_use]
    pub fn client_id(&self) -> Option<&ClientId> {
        self.grant().client.as_ref()
    }

    /// What the token allows.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.found.token.scope
    }

    /// The resources that the token is for.
    #[must_use]
    pub const fn resource(&self) -> &Resources {
        &self.found.token.resource
    }

    /// What the grant is confined to; `None` is all that its user may reach. See
    /// [`require_tenant`](Self::require_tenant).
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.grant().tenant.as_ref()
    }

    /// What the host keeps with the grant.
    #[must_use]
    pub fn extra(&self) -> &Extra {
        &self.grant().extra
    }

    /// The grant's identifier.
    #[must_use]
    pub fn grant_id(&self) -> GrantId {
        self.grant().id
    }

    /// When the token expires; `None` is never.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.found.token.expires_at
    }

    fn grant(&self) -> &Grant {
        &self.found.grant
    }
}
