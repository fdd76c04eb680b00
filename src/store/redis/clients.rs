//! Clients.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use redis::{Value, cmd};

use super::RedisStore;
use super::bytes::Reader;
use super::calls::{optional_bytes, unexpected};
use super::lists::Known;
use super::scripts::{TOUCH_CLIENT, UPDATE_CLIENT};
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::identifier::Subject;
use crate::secret::SecretHash;
use crate::store::{ClientRegistry, ClientStore, Deletion, Insertion, Page, Update};

/// How often a use of a secret is noted again because the client was changed meanwhile.
const RETRIES: u32 = 16;

#[async_trait]
impl ClientStore for RedisStore {
    async fn find_client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        self.stored_client(id).await?.map(|value| client(&value)).transpose()
    }
}

#[async_trait]
impl ClientRegistry for RedisStore {
    async fn insert_client(&self, client: &Client) -> Result<Insertion, StoreError> {
        let value = client_value(client)?;
        if self.find_client(client.id()).await?.is_some() {
            return Ok(Insertion::Conflict);
        }
        let entries = self.enlist_client(self.client_lists(client.owner()), client.id()).await?;
        self.list_review(client).await?;
        let key = self.keys.client(client.id());
        let mut set = cmd("SET");
        set.arg(&key).arg(value).arg("NX");
        match self.write(&key, set).await? {
            Value::Okay => {
                self.settle_client(&entries, client.id(), Known::Keep).await;
                self.list_review_again(client).await;
                Ok(Insertion::Inserted)
            }
            Value::Nil => Ok(Insertion::Conflict),
            _ => Err(unexpected()),
        }
    }

    async fn update_client(&self, client: &Client) -> Result<Update, StoreError> {
        let next = client.clone().with_version(client.version().wrapping_add(1));
        let arguments = [client.version().to_be_bytes().to_vec(), client_value(&next)?];
        let Some(stored) = self.find_client(client.id()).await? else { return Ok(Update::Unknown) };
        let (left, joined) = if stored.owner() == client.owner() {
            (None, None)
        } else {
            (self.owner_list(stored.owner()), self.owner_list(client.owner()))
        };
        let left = self.enlist_client(left, client.id()).await?;
        let joined = self.enlist_client(joined, client.id()).await?;
        let moved = stored.review_at() != client.review_at();
        if moved {
            self.list_review(client).await?;
        }
        match self.run(&UPDATE_CLIENT, &[self.keys.client(client.id())], &arguments).await?.word() {
            b"updated" => {
                self.settle_client(&left, client.id(), Known::Drop).await;
                self.settle_client(&joined, client.id(), Known::Keep).await;
                if moved {
                    self.list_review_again(client).await;
                }
                Ok(Update::Updated)
            }
            b"conflict" => Ok(Update::Conflict),
            b"unknown" => Ok(Update::Unknown),
            _ => Err(unexpected()),
        }
    }

    async fn touch_secret(&self, id: &ClientId, secret: &SecretHash, at: Timestamp) -> Result<(), StoreError> {
        let keys = [self.keys.client(id)];
        for _ in 0..RETRIES {
            let Some(stored) = self.stored_client(id).await? else { return Ok(()) };
            let Some(touched) = client(&stored)?.touched(secret, at) else { return Ok(()) };
            match self.run(&TOUCH_CLIENT, &keys, &[stored, client_value(&touched)?]).await?.word() {
                b"touched" => return Ok(()),
                b"conflict" => {}
                _ => return Err(unexpected()),
            }
        }
        Err(StoreError::unavailable("the client was changed again and again"))
    }

    async fn delete_client(&self, id: &ClientId) -> Result<Deletion, StoreError> {
        let Some(stored) = self.find_client(id).await? else { return Ok(Deletion::Unknown) };
        let entries = self.enlist_client(self.client_lists(stored.owner()), id).await?;
        let key = self.keys.client(id);
        let mut delete = cmd("DEL");
        delete.arg(&key);
        match self.write(&key, delete).await? {
            Value::Int(1) => {
                self.settle_client(&entries, id, Known::Drop).await;
                self.drop_review(&stored).await;
                Ok(Deletion::Deleted)
            }
            Value::Int(_) => Ok(Deletion::Unknown),
            _ => Err(unexpected()),
        }
    }

    async fn list_clients(&self, owner: &Subject, page: Page<ClientId>) -> Result<Vec<Arc<Client>>, StoreError> {
        self.page_of_clients(owner, page).await
    }

    async fn list_due_clients(&self, before: Timestamp, limit: NonZeroU32) -> Result<Vec<Arc<Client>>, StoreError> {
        self.due_clients(before, limit).await
    }

    async fn count_clients(&self, at_most: NonZeroU32) -> Result<u32, StoreError> {
        let list = self.keys.all_clients();
        let mut count = cmd("ZCARD");
        count.arg(&list.order);
        match self.read(&list.order, count).await? {
            Value::Int(count) => Ok(u32::try_from(count).unwrap_or(u32::MAX).min(at_most.get())),
            _ => Err(unexpected()),
        }
    }
}

impl RedisStore {
    async fn stored_client(&self, id: &ClientId) -> Result<Option<Vec<u8>>, StoreError> {
        let key = self.keys.client(id);
        let mut get = cmd("GET");
        get.arg(&key);
        optional_bytes(self.read(&key, get).await?)
    }
}

/// The version comes first, where the script compares it.
fn client_value(client: &Client) -> Result<Vec<u8>, StoreError> {
    let record = serde_json::to_vec(client).map_err(StoreError::failed)?;
    Ok([client.version().to_be_bytes().as_slice(), &record].concat())
}

fn client(value: &[u8]) -> Result<Arc<Client>, StoreError> {
    let mut reader = Reader::new(value);
    let _version: [u8; 8] = reader.array()?;
    serde_json::from_slice(reader.rest()).map(Arc::new).map_err(StoreError::failed)
}
