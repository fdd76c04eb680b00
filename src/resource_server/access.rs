//! What a call that was let in may do.

use std::sync::Arc;

use super::observe;
use crate::client::{AuthenticatedClient, ClientId};
use crate::clock::Timestamp;
use crate::configuration::Words;
use crate::error::{BearerError, ChallengeContext, ErrorReason};
use crate::grant::{AccessTokenRecord, Grant};
use crate::identifier::{Extra, Subject, Tenant};
use crate::observer::Operation;
use crate::resource::Resources;
use crate::scope::Scope;
use crate::secret::GrantId;
use crate::store::FoundAccessToken;
use crate::telemetry::ended;

/// How a caller was let in.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    AccessToken(FoundAccessToken),
    Client(Box<ClientAccess>),
}

/// What a client may do that came with its secret.
#[derive(Clone, Debug)]
pub(super) struct ClientAccess {
    pub(super) client: AuthenticatedClient,
    pub(super) scope: Scope,
    pub(super) resource: Resources,
    pub(super) extra: Extra,
}

/// What a call may do, and on whose behalf: what a checked access token allows, or a client for itself that came with its
/// secret.
#[derive(Clone, Debug)]
pub struct Access {
    pub(super) credential: Credential,
    pub(super) checked_at: Timestamp,
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
    /// [`BearerError`]: 403 `insufficient_scope`, with the scope that is needed (RFC 6750 §3.1), and with what the token has
    /// besides if [`with_step_up`](crate::ResourceServer::with_step_up) says so.
    pub fn require(&self, scope: &str) -> Result<(), BearerError> {
        let result = if scope.split(' ').all(|token| token.is_empty() || self.scope().contains(token)) {
            Ok(())
        } else {
            let error = BearerError::new(Arc::clone(&self.context), ErrorReason::ScopeInsufficient);
            let needed = Scope::parse(scope).unwrap_or_default();
            let error = error.with_scope(self.context.asked_for(needed, Some(self.scope())));
            Err(self.refuse(error.with_words(self.insufficient.clone())))
        };
        ended(Operation::Require, result.as_ref().err());
        result
    }

    /// Demands that the token may reach the data of `tenant`.
    ///
    /// A token that is confined to no tenant passes: it reaches whatever its [`subject`](Self::subject) may reach, so look up
    /// in your own data whether that is so. A client that acts for itself and is confined to none passes as well, and there is
    /// no subject to look up: confine it when it is registered, or ask [`tenant`](Self::tenant) for the one that it has.
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
        observe(&error, self.client_id(), self.grant_id());
        error
    }

    /// The user who granted access; `None` if the client acts for itself.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.grant()?.subject.as_ref()
    }

    /// The client; `None` for a personal access token.
    #[must_use]
    pub fn client_id(&self) -> Option<&ClientId> {
        match &self.credential {
            Credential::AccessToken(found) => found.grant.client.as_ref(),
            Credential::Client(access) => Some(access.client.client().id()),
        }
    }

    /// What the call may do: the scope of the token, or of the client.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        match &self.credential {
            Credential::AccessToken(found) => &found.token.scope,
            Credential::Client(access) => &access.scope,
        }
    }

    /// The resources that the token is for; for a client with its secret, the one that it called.
    #[must_use]
    pub fn resource(&self) -> &Resources {
        match &self.credential {
            Credential::AccessToken(found) => &found.token.resource,
            Credential::Client(access) => &access.resource,
        }
    }

    /// What the grant is confined to, or the client that came with its secret; `None` is all that its user or client may
    /// reach. See [`require_tenant`](Self::require_tenant).
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        match &self.credential {
            Credential::AccessToken(found) => found.grant.tenant.as_ref(),
            Credential::Client(access) => access.client.client().tenant(),
        }
    }

    /// What the host keeps with the grant; nothing without one.
    #[must_use]
    pub fn extra(&self) -> &Extra {
        match &self.credential {
            Credential::AccessToken(found) => &found.grant.extra,
            Credential::Client(access) => &access.extra,
        }
    }

    /// The grant's identifier; `None` for a client with its secret, which needs no grant.
    #[must_use]
    pub fn grant_id(&self) -> Option<GrantId> {
        self.grant().map(|grant| grant.id)
    }

    /// When the token expires; `None` is never, as for a client with its secret.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.token()?.expires_at
    }

    pub(super) fn token(&self) -> Option<&AccessTokenRecord> {
        match &self.credential {
            Credential::AccessToken(found) => Some(&found.token),
            Credential::Client(_) => None,
        }
    }

    fn grant(&self) -> Option<&Grant> {
        match &self.credential {
            Credential::AccessToken(found) => Some(&found.grant),
            Credential::Client(_) => None,
        }
    }
}
