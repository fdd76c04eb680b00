//! The lists of a user's, a client's and a tenant's grants, and what is done to all that they name.

use std::time::Duration;

use redis::cmd;

use super::RedisStore;
use super::calls::optional_bytes;
use super::join::all;
use super::keys::List;
use super::lists::{Known, Look};
use super::records::{self, Lasting, StoredGrant};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::Grant;
use crate::identifier::Subject;
use crate::secret::GrantId;
use crate::store::{GrantSummary, Page};

/// For how much longer than a grant its lists are kept. A grant that is renewed for longer is listed again before that.
const LISTED: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How long after its end a grant is looked for: it is kept for a day.
const LATER: Duration = Duration::from_secs(25 * 60 * 60);

/// How often a grant that does not expire is looked for: it may have been revoked.
const SOMETIMES: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many grants are looked at at once.
const BATCH: u32 = 128;

/// A grant that was entered into its lists.
#[derive(Default)]
pub(super) struct Listed {
    /// The lists, with members that are due.
    due: Vec<(List, Vec<Vec<u8>>)>,
}

/// Until when the lists name a grant that is listed now.
pub(super) fn listed_until(lasting: Lasting) -> Timestamp {
    if lasting.never { Timestamp::MAX } else { lasting.last.saturating_add(LISTED) }
}

fn look(lasting: Lasting) -> Look {
    if lasting.never { Look::In(SOMETIMES) } else { Look::At(lasting.last.saturating_add(LATER)) }
}

impl RedisStore {
    /// Enters a grant into the lists that it belongs to, until [`listed_until`]. It must be done before it is stored.
    pub(super) async fn list_grant(&self, grant: &Grant, lasting: Lasting) -> Result<Listed, StoreError> {
        let subject = grant.subject.as_ref().map(|subject| self.keys.subject_grants(subject));
        let client = grant.client.as_ref().map(|client| self.keys.client_grants(client));
        let tenant = grant.tenant.as_ref().map(|tenant| self.keys.tenant_grants(tenant));
        let lists = subject.into_iter().chain(client).chain(tenant);
        let due = all(lists.map(|list| async {
            let due = self.enlist_grant(&list, &grant.id, lasting).await?;
            Ok((list, due))
        }));
        Ok(Listed { due: due.await.into_iter().collect::<Result<_, StoreError>>()? })
    }

    async fn enlist_grant(&self, list: &List, id: &GrantId, lasting: Lasting) -> Result<Vec<Vec<u8>>, StoreError> {
        let until = listed_until(lasting);
        let kept = if lasting.never { None } else { Some(until) };
        Ok(self.enlist(list, id.as_bytes(), look(lasting), kept).await?.due)
    }

    /// Looks for members that are due. Whatever goes wrong is left to whoever comes next.
    pub(super) async fn look_for(&self, listed: Listed) {
        for (list, members) in listed.due {
            let _ = self.look_for_members(&list, &members).await;
        }
    }

    async fn look_for_members(&self, list: &List, members: &[Vec<u8>]) -> Result<(), StoreError> {
        for stored in self.listed_grants(list, members).await? {
            self.enlist_grant(list, &stored.summary.grant.id, stored.lasting).await?;
        }
        Ok(())
    }

    /// The grants of a list that are there; drops those that are not.
    async fn listed_grants(&self, list: &List, members: &[Vec<u8>]) -> Result<Vec<StoredGrant>, StoreError> {
        let (found, failure) = self.readable_grants(list, members).await?;
        failure.map_or(Ok(found), Err)
    }

    /// The same, with the first failure beside what can be read all the same.
    async fn readable_grants(
        &self,
        list: &List,
        members: &[Vec<u8>],
    ) -> Result<(Vec<StoredGrant>, Option<StoreError>), StoreError> {
        let found = all(members.iter().map(|member| async {
            match <[u8; 16]>::try_from(member.as_slice()) {
                Ok(id) => self.stored_grant(&GrantId::from_bytes(id)).await,
                Err(_) => Ok(None),
            }
        }));
        let (mut gone, mut grants, mut failure) = (Vec::new(), Vec::new(), None);
        for (member, found) in members.iter().zip(found.await) {
            match found {
                Ok(Some(grant)) => grants.push(grant),
                Ok(None) => gone.push((member, Known::Drop)),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        self.settle_due(list, &gone).await?;
        Ok((grants, failure))
    }

    pub(super) async fn stored_grant(&self, id: &GrantId) -> Result<Option<StoredGrant>, StoreError> {
        let key = self.keys.grant(id);
        let mut get = cmd("GET");
        get.arg(&key);
        let value = optional_bytes(self.read(&key, get).await?)?;
        value.map(|value| records::grant(&value, *id)).transpose()
    }

    /// Lists grants of a user.
    pub(super) async fn page_of_grants(
        &self,
        subject: &Subject,
        client: Option<&ClientId>,
        page: Page<GrantId>,
    ) -> Result<Vec<GrantSummary>, StoreError> {
        let limit = usize::try_from(page.limit.get()).unwrap_or(usize::MAX);
        let list = self.keys.subject_grants(subject);
        let mut after = page.after.map(|id| id.as_bytes().to_vec());
        let mut summaries = Vec::new();
        while summaries.len() < limit {
            let batch = if client.is_some() { BATCH } else { page.limit.get().min(BATCH) };
            let members = self.members(&list, after.as_deref(), batch).await?;
            let Some(last) = members.last() else { break };
            after = Some(last.clone());
            let grants = self.listed_grants(&list, &members).await?;
            summaries.extend(grants.into_iter().map(|stored| stored.summary).filter(|summary| {
                let Grant { subject: by, client: of, .. } = &*summary.grant;
                by.as_ref() == Some(subject) && (client.is_none() || of.as_ref() == client)
            }));
        }
        summaries.truncate(limit);
        Ok(summaries)
    }

    /// Tells whether any grant of a client is there.
    pub(super) async fn has_grants_of(&self, client: &ClientId) -> Result<bool, StoreError> {
        let list = self.keys.client_grants(client);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let members = self.members(&list, after.as_deref(), BATCH).await?;
            let Some(last) = members.last() else { return Ok(false) };
            after = Some(last.clone());
            let grants = self.listed_grants(&list, &members).await?;
            if grants.iter().any(|stored| stored.summary.grant.client.as_ref() == Some(client)) {
                return Ok(true);
            }
        }
    }

    /// Revokes the grants of a list of which `of` is true, and returns how many were not revoked before.
    pub(super) async fn revoke_listed(
        &self,
        list: &List,
        of: impl Fn(&Grant) -> bool + Send + Sync,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut after: Option<Vec<u8>> = None;
        let mut count = 0_u64;
        // One grant that cannot be read must not keep the others alive.
        let mut failure = None;
        loop {
            let members = self.members(list, after.as_deref(), BATCH).await?;
            let Some(last) = members.last() else { return failure.map_or(Ok(count), Err) };
            after = Some(last.clone());
            let (grants, unreadable) = self.readable_grants(list, &members).await?;
            failure = failure.or(unreadable);
            // One that is revoked may have been so by a call that no replica acknowledged, which this one repeats.
            let live = grants
                .iter()
                .map(|stored| &stored.summary)
                .filter(|summary| summary.revoked_at.is_none() || self.acknowledgement.is_some());
            let revoked =
                all(live.filter(|summary| of(&summary.grant)).map(|summary| self.revoke(&summary.grant.id, at)));
            for revoked in revoked.await {
                count = count.saturating_add(u64::from(revoked?));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Insertion, TokenStore as _};

    #[tokio::test]
    #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
    async fn a_revocation_that_no_replica_has_is_not_done_when_it_is_asked_for_again() {
        let url = std::env::var("GRANTOR_TEST_REDIS").unwrap();
        let store = RedisStore::connect(&url).await.unwrap().with_key_prefix(&format!("test-{}:", GrantId::random()));
        let now = Timestamp::from_unix_millis(0);
        let subject: Subject = "ada".parse().unwrap();
        let grant = std::sync::Arc::new(Grant {
            id: GrantId::random(),
            client: None,
            subject: Some(subject.clone()),
            scope: "read".parse().unwrap(),
            resource: crate::resource::Resources::default(),
            tenant: None,
            name: None,
            extra: crate::identifier::Extra::default(),
            created_at: now,
        });
        let until = Timestamp::from_unix_millis(1 << 52);
        assert_eq!(store.insert_grant(&grant, until).await.unwrap(), Insertion::Inserted);
        // The server has no replica.
        let acknowledged = store.clone().with_replica_acknowledgements(1, Duration::from_millis(10));
        acknowledged.revoke_subject(&subject, now).await.unwrap_err();
        acknowledged.revoke_subject(&subject, now).await.unwrap_err();
        assert_eq!(store.revoke_subject(&subject, now).await.unwrap(), 0);
    }
}
