//! What users granted: listed, and taken back.

use std::num::NonZeroU32;

use crate::client::ClientId;
use crate::error::StoreError;
use crate::identifier::{Subject, Tenant};
use crate::observer::{Actor, Event, Extent, Operation};
use crate::secret::GrantId;
use crate::server::AuthorizationServer;
use crate::store::{GrantSummary, Page};

/// How many grants are looked at in one step of a withdrawal.
const WITHDRAW_BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// What became of a user's wish to end one grant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
#[must_use]
pub enum Revocation {
    /// It is revoked, now or since before.
    Revoked,
    /// The user has no such grant.
    Unknown,
}

impl AuthorizationServer {
    /// Lists what a user granted, ordered by identifier: live, expired and revoked grants alike.
    /// [`GrantSummary::status`] tells them apart.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told.
    pub async fn grants(&self, subject: &Subject, page: Page<GrantId>) -> Result<Vec<GrantSummary>, StoreError> {
        self.call(Operation::Grants, self.inner.grants.list_grants(subject, None, page)).await
    }

    /// Ends one grant of a user, a personal access token or what an app got; its codes and tokens stop working at once.
    /// Somebody else's is [`Revocation::Unknown`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still work; calling again finishes it.
    pub async fn revoke_own_grant(&self, subject: &Subject, id: &GrantId) -> Result<Revocation, StoreError> {
        let revoke = async {
            match self.inner.grants.find_grant(id).await? {
                Some(summary) if summary.grant.subject.as_ref() == Some(subject) => {
                    self.revoke_for_user(&summary).await?;
                    Ok(Revocation::Revoked)
                }
                _ => Ok(Revocation::Unknown),
            }
        };
        self.call(Operation::RevokeOwnGrant, revoke).await
    }

    /// Revokes a grant that its user gives up, unless it is revoked already.
    pub(super) async fn revoke_for_user(&self, summary: &GrantSummary) -> Result<(), StoreError> {
        if summary.revoked_at.is_some() {
            return Ok(());
        }
        let grant = &summary.grant;
        self.inner.grants.revoke_grant(&grant.id, self.now()).await?;
        let (client, subject) = (grant.client.as_ref(), grant.subject.as_ref());
        self.observe(&Event::Revoked { grant: grant.id, client, subject, extent: Extent::Grant, by: Actor::User });
        Ok(())
    }

    /// Withdraws everything that a user granted to a client; its codes and tokens stop working at once.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still work; calling again finishes it.
    pub async fn withdraw(&self, subject: &Subject, client: &ClientId) -> Result<(), StoreError> {
        self.call(Operation::Withdraw, self.revoke_grants(subject, client)).await
    }

    async fn revoke_grants(&self, subject: &Subject, client: &ClientId) -> Result<(), StoreError> {
        let mut page = Page::first(WITHDRAW_BATCH);
        loop {
            let grants = self.inner.grants.list_grants(subject, Some(client), page).await?;
            for summary in &grants {
                self.revoke_for_user(summary).await?;
            }
            match grants.last() {
                Some(last) if grants.len() >= WITHDRAW_BATCH.get() as usize => {
                    page = Page::after(last.grant.id, WITHDRAW_BATCH);
                }
                _ => return Ok(()),
            }
        }
    }

    /// Revokes everything that a user granted to anybody: after a password change, or when the user is disabled or
    /// deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still work; calling again finishes it.
    pub async fn revoke_subject(&self, subject: &Subject) -> Result<u64, StoreError> {
        let revoke = async {
            let grants = self.inner.grants.revoke_subject(subject, self.now()).await?;
            self.observe(&Event::SubjectRevoked { subject, grants });
            Ok(grants)
        };
        self.call(Operation::RevokeSubject, revoke).await
    }

    /// Revokes everything that is confined to a tenant, whoever granted it: when the tenant is closed, or its data leaked.
    /// What is confined to no tenant stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if something may still work; calling again finishes it.
    pub async fn revoke_tenant(&self, tenant: &Tenant) -> Result<u64, StoreError> {
        let revoke = async {
            let grants = self.inner.grants.revoke_tenant(tenant, self.now()).await?;
            self.observe(&Event::TenantRevoked { tenant, grants });
            Ok(grants)
        };
        self.call(Operation::RevokeTenant, revoke).await
    }
}
