//! The lists of an owner's clients, and of all.
//!
//! A client does not expire. It is due while it is being stored, changed or deleted, and settled afterwards. So only a change
//! that was interrupted leaves a member to look for.

use std::sync::Arc;
use std::time::Duration;

use super::RedisStore;
use super::join::all;
use super::keys::List;
use super::lists::{Entered, Known, Look};
use crate::client::{Client, ClientId};
use crate::error::StoreError;
use crate::identifier::Subject;
use crate::store::{ClientStore as _, Page};

/// How long a change to a client takes at the very most.
const CHANGE: Duration = Duration::from_secs(60 * 60);

/// How many clients are read at once.
const BATCH: u32 = 64;

/// A list of clients.
pub(super) struct Clients {
    list: List,
    /// Whose they are; `None` for all clients.
    owner: Option<Subject>,
}

impl RedisStore {
    /// The lists of a client with this owner.
    pub(super) fn client_lists(&self, owner: Option<&Subject>) -> impl Iterator<Item = Clients> {
        let all = Clients { list: self.keys.all_clients(), owner: None };
        [all].into_iter().chain(self.owner_list(owner))
    }

    pub(super) fn owner_list(&self, owner: Option<&Subject>) -> Option<Clients> {
        owner.map(|owner| Clients { list: self.keys.owner_clients(owner), owner: Some(owner.clone()) })
    }

    /// Enters a client that is about to change.
    pub(super) async fn enlist_client(
        &self,
        lists: impl IntoIterator<Item = Clients>,
        id: &ClientId,
    ) -> Result<Vec<(Clients, Entered)>, StoreError> {
        let member = id.as_str().as_bytes();
        let entries = all(lists.into_iter().map(|clients| async {
            let entered = self.enlist(&clients.list, member, Look::In(CHANGE), None).await?;
            Ok((clients, entered))
        }));
        entries.await.into_iter().collect()
    }

    /// Settles what became of a client, and of others that are due. What fails is left to whoever comes next.
    pub(super) async fn settle_client(&self, entries: &[(Clients, Entered)], id: &ClientId, known: Known) {
        for (clients, entered) in entries {
            let _ = self.settle(&clients.list, id.as_str().as_bytes(), &entered.at, known).await;
            let _ = self.listed_clients(clients, &entered.due).await;
        }
    }

    /// The clients of a list that are there; settles those that are due.
    async fn listed_clients(&self, clients: &Clients, members: &[Vec<u8>]) -> Result<Vec<Arc<Client>>, StoreError> {
        let found = all(members.iter().map(|member| async {
            let Some(id) = std::str::from_utf8(member).ok().and_then(|id| id.parse().ok()) else { return Ok(None) };
            let found = self.find_client(&id).await?;
            Ok(found.filter(|client| clients.owner.is_none() || client.owner() == clients.owner.as_ref()))
        }));
        let found = found.await.into_iter().collect::<Result<Vec<_>, StoreError>>()?;
        let known = found.iter().map(|found| if found.is_some() { Known::Keep } else { Known::Drop });
        let known: Vec<_> = members.iter().zip(known).collect();
        self.settle_due(&clients.list, &known).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Lists clients of an owner.
    pub(super) async fn page_of_clients(
        &self,
        owner: &Subject,
        page: Page<ClientId>,
    ) -> Result<Vec<Arc<Client>>, StoreError> {
        let limit = usize::try_from(page.limit.get()).unwrap_or(usize::MAX);
        let clients = Clients { list: self.keys.owner_clients(owner), owner: Some(owner.clone()) };
        let mut after = page.after.map(|id| id.as_str().as_bytes().to_vec());
        let mut found = Vec::new();
        while found.len() < limit {
            let members = self.members(&clients.list, after.as_deref(), page.limit.get().min(BATCH)).await?;
            let Some(last) = members.last() else { break };
            after = Some(last.clone());
            found.extend(self.listed_clients(&clients, &members).await?);
        }
        found.truncate(limit);
        Ok(found)
    }
}
