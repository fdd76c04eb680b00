//! Who may create credentials on the host's pages, apps, their secrets and personal access tokens, and change apps.

use std::fmt;

use async_trait::async_trait;

use super::{Developer, NewApp, NewPersonalToken};
use crate::client::Client;
use crate::clock::Timestamp;
use crate::endpoint::Refusal;
use crate::error::{ErrorReason, StoreError};
use crate::identifier::{Subject, Tenant};
use crate::server::AuthorizationServer;

/// Decides who may create apps, their secrets and personal access tokens, and change apps. Asked before anything is stored, on
/// behalf of a user; what the operator does needs no leave, nor does what only takes away: revoking, deleting, and ending a
/// secret.
///
/// ```
/// use grantor::error::StoreError;
/// use grantor::{CredentialDecision, CredentialPolicy, CredentialRequest};
///
/// /// Only the owners of an organisation may create what outlives their session.
/// #[derive(Debug)]
/// struct OwnersOnly;
///
/// #[async_trait::async_trait]
/// impl CredentialPolicy for OwnersOnly {
///     async fn may_create(&self, request: &CredentialRequest<'_>) -> Result<CredentialDecision, StoreError> {
///         let owner = request.subject().as_str() == "ada"; // look it up in a table of yours
///         Ok(if owner { CredentialDecision::Allow } else { CredentialDecision::Deny })
///     }
/// }
/// ```
#[async_trait]
pub trait CredentialPolicy: fmt::Debug + Send + Sync + 'static {
    /// Whether this user may do this now.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be told; nothing is done then.
    async fn may_create(&self, request: &CredentialRequest<'_>) -> Result<CredentialDecision, StoreError>;
}

/// What a user wants to create, or change.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CredentialRequest<'a> {
    /// A personal access token; also one that replaces another, with all that it had.
    PersonalToken(&'a NewPersonalToken),
    /// An app.
    App(&'a NewApp),
    /// A secret for an app of the developer's: its first, one beside that which it has, or one in its place.
    #[non_exhaustive]
    Secret {
        /// Whose app it is, who asks.
        developer: Developer<'a>,
        /// The app, as it is.
        client: &'a Client,
    },
    /// Another change of an app of the developer's.
    #[non_exhaustive]
    AppChange {
        /// Whose app it is, who asks.
        developer: Developer<'a>,
        /// The app, as it is.
        client: &'a Client,
        /// The app, as it would be.
        changed: &'a Client,
    },
}

impl<'a> CredentialRequest<'a> {
    /// Who wants it.
    #[must_use]
    pub const fn subject(&self) -> &'a Subject {
        match self {
            Self::PersonalToken(token) => token.subject(),
            Self::App(app) => app.owner(),
            Self::Secret { developer, .. } | Self::AppChange { developer, .. } => developer.subject(),
        }
    }

    /// What it is to be confined to; an app stays in its tenant for good.
    #[must_use]
    pub const fn tenant(&self) -> Option<&'a Tenant> {
        match self {
            Self::PersonalToken(token) => token.tenant(),
            Self::App(app) => app.tenant(),
            Self::Secret { client, .. } | Self::AppChange { client, .. } => client.tenant(),
        }
    }

    /// When the user last proved who they are; `None` if the page did not say.
    #[must_use]
    pub const fn authenticated_at(&self) -> Option<Timestamp> {
        match self {
            Self::PersonalToken(token) => token.authenticated_at(),
            Self::App(app) => app.authenticated_at(),
            Self::Secret { developer, .. } | Self::AppChange { developer, .. } => developer.authenticated_at(),
        }
    }

    /// Whether something comes of it that lets in whoever has it.
    const fn is_for_a_credential(&self) -> bool {
        match self {
            Self::PersonalToken(_) | Self::App(_) | Self::Secret { .. } => true,
            Self::AppChange { .. } => false,
        }
    }
}

/// What a [`CredentialPolicy`] decides.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CredentialDecision {
    /// The user may.
    Allow,
    /// The user may not: [`ErrorReason::CredentialNotAllowed`].
    Deny,
    /// The user has to prove who they are first: [`ErrorReason::ReauthenticationRequired`].
    Reauthenticate,
}

/// Lets every user do everything.
#[derive(Debug)]
pub(crate) struct AllowAll;

#[async_trait]
impl CredentialPolicy for AllowAll {
    async fn may_create(&self, _request: &CredentialRequest<'_>) -> Result<CredentialDecision, StoreError> {
        Ok(CredentialDecision::Allow)
    }
}

impl AuthorizationServer {
    /// Asks whether a user may do something: the maximum age of their proof first, then the policy.
    pub(super) async fn permit(&self, request: CredentialRequest<'_>) -> Result<(), Refusal> {
        let recent = |max_age| request.authenticated_at().is_some_and(|at| self.now().duration_since(at) <= max_age);
        if request.is_for_a_credential() && !self.inner.reauthentication.is_none_or(recent) {
            return Err(ErrorReason::ReauthenticationRequired.into());
        }
        match self.inner.credential_policy.may_create(&request).await? {
            CredentialDecision::Allow => Ok(()),
            CredentialDecision::Deny => Err(ErrorReason::CredentialNotAllowed.into()),
            CredentialDecision::Reauthenticate => Err(ErrorReason::ReauthenticationRequired.into()),
        }
    }
}
