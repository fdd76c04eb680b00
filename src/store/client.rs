//! The contract for clients.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Insertion, Page};
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::identifier::Subject;
use crate::secret::SecretHash;

/// Finds clients.
///
/// A team with a table of apps implements this one method over it, and nothing else.
#[async_trait]
pub trait ClientStore: fmt::Debug + Send + Sync + 'static {
    /// Finds the client with this identifier, compared byte by byte.
    ///
    /// A disabled client may be returned or not: the server treats it as unknown. A `None` that is wrong locks the client
    /// out; a client that should be gone lets it in.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told; never `Ok(None)` then.
    async fn find_client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError>;
}

/// Keeps clients that are registered, changed and deleted through this crate (RFC 7591, RFC 7592).
#[async_trait]
pub trait ClientRegistry: ClientStore {
    /// Stores a new client; every field comes back from [`ClientStore::find_client`] as it was given.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether it was stored.
    async fn insert_client(&self, client: &Client) -> Result<Insertion, StoreError>;

    /// Replaces the client with this identifier if its version is still `client.version()`; the stored version is
    /// one higher then, and zero after [`u64::MAX`]. Of concurrent updates of one version exactly one is [`Update::Updated`].
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether it was changed.
    async fn update_client(&self, client: &Client) -> Result<Update, StoreError>;

    /// Remembers that this secret of the client was used `at` this instant, unless a later use is known; the version stays, and
    /// so does everything else. A concurrent [`update_client`](Self::update_client) may win, and the use is forgotten. An
    /// unknown client, and a secret that is not one of the client's, is fine.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it was not remembered.
    async fn touch_secret(&self, id: &ClientId, secret: &SecretHash, at: Timestamp) -> Result<(), StoreError>;

    /// Deletes the client. Its grants are not touched: the server revokes them with
    /// [`TokenStore::revoke_client`](super::TokenStore::revoke_client).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it is not known whether it was deleted.
    async fn delete_client(&self, id: &ClientId) -> Result<Deletion, StoreError>;

    /// Lists the clients that `owner` manages, ordered by identifier.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told.
    async fn list_clients(&self, owner: &Subject, page: Page<ClientId>) -> Result<Vec<Arc<Client>>, StoreError>;

    /// Lists at most `limit` clients whose [`review_at`](Client::review_at) lies before `before`, the earliest first, so that
    /// those that nobody uses can be forgotten.
    ///
    /// One whose instant is changed meanwhile may be listed as it was before, or be left out until the next time.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told.
    async fn list_due_clients(&self, before: Timestamp, limit: NonZeroU32) -> Result<Vec<Arc<Client>>, StoreError>;

    /// Counts all clients up to `at_most`, so that open registration can be bounded.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the answer cannot be told.
    async fn count_clients(&self, at_most: NonZeroU32) -> Result<u32, StoreError>;
}

/// What became of a change to a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
#[must_use]
pub enum Update {
    /// It was stored.
    Updated,
    /// Somebody else changed the client first, and nothing was stored.
    Conflict,
    /// There is no such client.
    Unknown,
}

/// What became of a deletion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
#[must_use]
pub enum Deletion {
    /// It is gone.
    Deleted,
    /// It was not there.
    Unknown,
}
