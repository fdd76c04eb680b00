//! Lists of what belongs together: the grants of a user or client, the clients of an owner.
//!
//! A list is in another slot than what it names, so that the two cannot change in one step. A member is entered before
//! what it names is stored, hence whatever exists is listed; and a list is never believed: whoever reads it looks at what it
//! names. A member of which nothing is there is dropped, but not before it is due: until then it may just be being stored.

use std::time::Duration;

use redis::{Value, cmd};

use super::RedisStore;
use super::calls::{bytes, unexpected};
use super::keys::{List, milliseconds};
use super::scripts::{ENLIST, SETTLE};
use crate::clock::Timestamp;
use crate::error::StoreError;

/// When to look whether a member is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    /// At this instant.
    At(Timestamp),
    /// So long from now.
    In(Duration),
}

/// What came of entering a member.
pub(super) struct Entered {
    /// When the member is due, by which its entry can be told from a later one.
    pub(super) at: Vec<u8>,
    /// A few other members that are due.
    pub(super) due: Vec<Vec<u8>>,
}

/// What is known of a member.
#[derive(Clone, Copy, Debug)]
pub(super) enum Known {
    /// It is there.
    Keep,
    /// It is not.
    Drop,
}

impl RedisStore {
    /// Enters a member, and keeps the list until that instant at least, or for ever.
    pub(super) async fn enlist(
        &self,
        list: &List,
        member: &[u8],
        look: Look,
        keep_until: Option<Timestamp>,
    ) -> Result<Entered, StoreError> {
        let (at, later) = match look {
            Look::At(at) => (milliseconds(at), Vec::new()),
            Look::In(later) => (Vec::new(), later.as_millis().to_string().into_bytes()),
        };
        let kept = keep_until.map_or_else(Vec::new, milliseconds);
        let reply = self.run(&ENLIST, &list.keys(), &[member.to_vec(), at, kept, later]).await?;
        let mut values = reply.into_values();
        Ok(Entered { at: values.next().ok_or_else(unexpected)?, due: values.collect() })
    }

    /// Settles what is known of a member that was entered `at`, unless it was entered again since.
    pub(super) async fn settle(&self, list: &List, member: &[u8], at: &[u8], known: Known) -> Result<(), StoreError> {
        self.run(&SETTLE, &list.keys(), &[member.to_vec(), at.to_vec(), known.word()]).await?;
        Ok(())
    }

    /// Settles what is known of members, unless they are not due.
    pub(super) async fn settle_due(&self, list: &List, members: &[(&Vec<u8>, Known)]) -> Result<(), StoreError> {
        if members.is_empty() {
            return Ok(());
        }
        let arguments = members.iter().flat_map(|(member, known)| [Vec::clone(member), Vec::new(), known.word()]);
        self.run(&SETTLE, &list.keys(), &arguments.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// Up to `limit` members behind `after`, in order.
    pub(super) async fn members(
        &self,
        list: &List,
        after: Option<&[u8]>,
        limit: u32,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let start = after.map_or_else(|| b"-".to_vec(), |after| [b"(", after].concat());
        let mut range = cmd("ZRANGEBYLEX");
        range.arg(&list.order).arg(start).arg("+").arg("LIMIT").arg(0).arg(limit);
        match self.read(&list.order, range).await? {
            Value::Array(members) => members.into_iter().map(bytes).collect(),
            _ => Err(unexpected()),
        }
    }
}

impl Known {
    fn word(self) -> Vec<u8> {
        match self {
            Self::Keep => b"keep".to_vec(),
            Self::Drop => b"drop".to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::client::Client;
    use crate::identifier::Subject;
    use crate::secret::GrantId;
    use crate::store::redis::join::all;
    use crate::store::{ClientRegistry as _, Deletion, Insertion, Page};

    async fn store() -> RedisStore {
        let url = std::env::var("GRANTOR_TEST_REDIS").unwrap();
        RedisStore::connect(&url).await.unwrap().with_key_prefix(&format!("test-{}:", GrantId::random()))
    }

    #[tokio::test]
    #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
    async fn whoever_looked_before_a_client_was_stored_does_not_drop_it() {
        let store = store().await;
        let owner: Subject = "ada".parse().unwrap();
        let client = Client::public("app".parse().unwrap()).with_owner(owner.clone());
        let list = store.keys.owner_clients(&owner);
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        // A listing that saw the member, but no client yet, comes to its end.
        store.settle_due(&list, &[(&b"app".to_vec(), Known::Drop)]).await.unwrap();
        let listed = store.list_clients(&owner, Page::first(NonZeroU32::MIN)).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(store.delete_client(client.id()).await.unwrap(), Deletion::Deleted);
        assert_eq!(store.members(&list, None, 1).await.unwrap(), Vec::<Vec<u8>>::new());
    }

    #[tokio::test]
    #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
    async fn entries_of_the_same_instant_are_told_apart() {
        let store = store().await;
        let list = store.keys.all_clients();
        let look = Look::In(Duration::from_secs(60));
        let entries = all((0..64).map(|_| store.enlist(&list, b"app", look, None))).await;
        let mut entries: Vec<_> = entries.into_iter().map(|entered| entered.unwrap().at).collect();
        entries.sort();
        let newest = entries.pop().unwrap();
        for older in &entries {
            assert_ne!(*older, newest);
            store.settle(&list, b"app", older, Known::Drop).await.unwrap();
        }
        assert_eq!(store.members(&list, None, 1).await.unwrap().len(), 1);
        store.settle(&list, b"app", &newest, Known::Drop).await.unwrap();
        assert!(store.members(&list, None, 1).await.unwrap().is_empty());
    }
}
