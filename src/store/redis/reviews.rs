//! When to look whether clients are still used.
//!
//! The list is in another slot than the clients. Whoever stores a client lists it before, at its instant at the latest, and never
//! moves it on; whoever finds it there too early does. So a client may be looked at in vain, and is not forgotten.

use std::num::NonZeroU32;
use std::sync::Arc;

use redis::{Value, cmd};

use super::RedisStore;
use super::calls::{bytes, unexpected};
use super::join::all;
use super::keys::milliseconds;
use super::scripts::REVIEW;
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::store::ClientStore as _;

/// How many clients are read at once.
const BATCH: usize = 64;

impl RedisStore {
    /// Lists a client for its instant, if it has one, unless it is listed earlier.
    pub(super) async fn list_review(&self, client: &Client) -> Result<(), StoreError> {
        let Some(at) = client.review_at() else { return Ok(()) };
        let list = self.keys.client_reviews();
        let mut add = cmd("ZADD");
        add.arg(&list).arg("LT").arg(milliseconds(at)).arg(client.id().as_str());
        self.write(&list, add).await?;
        Ok(())
    }

    /// Lists a client that is stored now once more, for whoever looked meanwhile saw the one before, or none.
    pub(super) async fn list_review_again(&self, client: &Client) {
        let _ = self.list_review(client).await;
    }

    /// Drops a client that is deleted. If that fails, whoever finds it drops it.
    pub(super) async fn drop_review(&self, client: &Client) {
        if let Some(at) = client.review_at() {
            let _ = self.move_review(client.id().as_str().as_bytes(), at, None).await;
        }
    }

    /// Lists clients that are due.
    pub(super) async fn due_clients(
        &self,
        before: Timestamp,
        limit: NonZeroU32,
    ) -> Result<Vec<Arc<Client>>, StoreError> {
        loop {
            let members = self.listed_until(before, limit).await?;
            let (mut due, mut early) = (Vec::new(), Vec::new());
            for batch in members.chunks(BATCH) {
                let found = all(batch.iter().map(|member| self.listed_client(member))).await;
                for (member, client) in batch.iter().zip(found) {
                    match client? {
                        Some(client) if client.review_at().is_some_and(|at| at < before) => due.push(client),
                        client => early.push((member, client.and_then(|client| client.review_at()))),
                    }
                }
            }
            let mut moved = false;
            for (member, at) in early {
                moved |= self.move_review(member, before, at).await?;
            }
            // What was in the way of others is not any more.
            if !moved {
                due.sort_by_key(|client| client.review_at());
                return Ok(due);
            }
        }
    }

    async fn listed_client(&self, member: &[u8]) -> Result<Option<Arc<Client>>, StoreError> {
        match std::str::from_utf8(member).ok().and_then(|id| ClientId::parse(id).ok()) {
            Some(id) => self.find_client(&id).await,
            None => Ok(None),
        }
    }

    async fn listed_until(&self, last: Timestamp, limit: NonZeroU32) -> Result<Vec<Vec<u8>>, StoreError> {
        let list = self.keys.client_reviews();
        let mut range = cmd("ZRANGEBYSCORE");
        range.arg(&list).arg("-inf").arg(milliseconds(last)).arg("LIMIT").arg(0).arg(limit.get());
        match self.read(&list, range).await? {
            Value::Array(members) => members.into_iter().map(bytes).collect(),
            _ => Err(unexpected()),
        }
    }

    /// Moves or drops a client that is listed until `last`, and tells whether it is not any more.
    async fn move_review(&self, member: &[u8], last: Timestamp, to: Option<Timestamp>) -> Result<bool, StoreError> {
        let to = to.map_or_else(Vec::new, milliseconds);
        let moved =
            self.run(&REVIEW, &[self.keys.client_reviews()], &[member.to_vec(), milliseconds(last), to]).await?;
        match moved.word() {
            b"moved" => Ok(true),
            b"kept" => Ok(false),
            _ => Err(unexpected()),
        }
    }
}
