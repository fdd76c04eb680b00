//! Clean-up: what has ended, and who is not used.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::AuthorizationServer;
use crate::client::{Client, ClientStatus};
use crate::configuration::{Configuration, Usage, Verdict};
use crate::error::StoreError;
use crate::observer::{Actor, Event, Operation};
use crate::store::{ClientRegistry, Deletion, Update};

impl AuthorizationServer {
    /// Dead rows are kept this long at least, so that a clock that is a little behind finds what it expects.
    const PURGE_MARGIN: Duration = Duration::from_hours(1);

    /// Deletes codes and tokens whose life was over an hour ago, or for as long as
    /// [`retention`](crate::AuthorizationServerBuilder::retention) says, and clients that registered themselves and that
    /// nobody uses ([`UnusedClients`](crate::configuration::UnusedClients)): at most `limit` rows of each kind. Returns how many went.
    ///
    /// What is left of a grant also tells that its consent form was submitted, so a form that can be submitted for
    /// longer than an hour keeps them for as long.
    ///
    /// Call it every few minutes from a task of your own, until it returns less than `limit`. It runs beside live
    /// traffic.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a store failed; what was deleted before stays deleted.
    pub async fn purge(&self, limit: NonZeroU32) -> Result<u32, StoreError> {
        self.call(Operation::Purge, self.purge_stores(limit)).await
    }

    async fn purge_stores(&self, limit: NonZeroU32) -> Result<u32, StoreError> {
        let Configuration { retention, consent_lifetime, .. } = self.configuration();
        let margin = Self::PURGE_MARGIN.max(*consent_lifetime).max(*retention);
        let before = self.now().saturating_sub(margin);
        let tokens = self.inner.grants.purge_tokens(before, limit).await?;
        // While expired tokens are left, a store that holds both would look through all of their grants for codes, each
        // time.
        let codes = if tokens < limit.get() { self.inner.grants.purge_codes(before, limit).await? } else { 0 };
        let clients = self.purge_clients(limit).await?;
        if codes > 0 || tokens > 0 || clients > 0 {
            self.observe(&Event::Purged { codes, tokens, clients });
        }
        Ok(codes.saturating_add(tokens).saturating_add(clients))
    }

    /// Looks at the clients that are due, and returns how many went.
    async fn purge_clients(&self, limit: NonZeroU32) -> Result<u32, StoreError> {
        let Some(registry) = self.inner.registry.as_ref().filter(|_| self.configuration().forgets_clients()) else {
            return Ok(0);
        };
        let mut forgotten: u32 = 0;
        for client in registry.list_due_clients(self.now(), limit).await? {
            if self.review(registry, &client).await? == Deletion::Deleted {
                forgotten = forgotten.saturating_add(1);
            }
        }
        Ok(forgotten)
    }

    /// Notes that a client is granted something, if it is one that would be forgotten and that was not noted lately.
    ///
    /// What is granted is granted whether that works or not.
    pub(crate) async fn note_use(&self, client: &Client, operation: Operation) {
        // One that its document describes is noted where it is kept.
        let Some(registry) = self.inner.registry.as_ref().filter(|_| !client.is_described_by_document()) else {
            return;
        };
        let now = self.now();
        if self.configuration().unused(client).is_to_be_noted(client, now) {
            // Whoever was faster has noted as much, or the next one will.
            let noted = registry.update_client(&client.clone().with_used_at(Some(now))).await;
            if let Err(source) = noted.map(|_: Update| ()) {
                self.observe(&Event::Failed { operation, source: &source });
            }
        }
    }

    async fn review(&self, registry: &Arc<dyn ClientRegistry>, client: &Client) -> Result<Deletion, StoreError> {
        let granted = self.inner.grants.has_grants(client.id()).await?;
        let usage = if granted { Usage::Granted } else { Usage::NotGranted };
        let reviewed = client.clone();
        match self.configuration().unused(client).review(client, usage, self.now()) {
            Verdict::Keep { review_at, used_at } => {
                // Whoever was faster has decided about it as it is now, or the next purge will.
                let reviewed = reviewed.with_review_at(review_at).with_used_at(used_at);
                let _: Update = registry.update_client(&reviewed).await?;
                Ok(Deletion::Unknown)
            }
            // Disabled by its version before it is deleted: one that was changed meanwhile stays, and of several that purge
            // at once one goes on.
            Verdict::Forget => match registry.update_client(&reviewed.with_status(ClientStatus::Disabled)).await? {
                Update::Updated => self.delete_with_grants(client.id(), Actor::Operator).await,
                Update::Conflict | Update::Unknown => Ok(Deletion::Unknown),
            },
        }
    }
}
