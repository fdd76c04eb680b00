//! The contracts of the stores, and the stores that ship.
//!
//! Three traits are all that the server knows of a database: [`ClientStore`], [`CodeStore`] and [`TokenStore`]. A backend that
//! holds codes and tokens together is a [`GrantStore`]; [`JoinedStores`] makes one of two separate stores.
//! [`ClientRegistry`] is for those who also register and change clients through this crate.
//!
//! # Contract
//!
//! These rules bind every implementation and every wrapper of one:
//!
//! * **Every method is one atomic step**, except revocations by user, client or tenant, listings and purges, which may take
//!   effect grant by grant and are complete once they return. Dropping its future at any point leaves the state before or after
//!   the step, and of any number of concurrent steps that exclude each other, on however many processes, exactly one wins. A
//!   revocation by user, client or tenant that is dropped leaves each grant before or after it, and calling it again finishes it.
//! * **No secret arrives.** Codes and tokens are known by their [`TokenKey`](crate::secret::TokenKey).
//! * **No clock is read.** Expiry is judged by the caller; a store gives back what has expired until it is purged. A backend
//!   that evicts by itself, as Redis does, waits a minute longer, because its clock is not the caller's.
//! * **Absence is `None`, losing is a variant, failure is a [`StoreError`](crate::error::StoreError).** The outcome enums are
//!   complete: match them without `_`.
//! * **A failure leaves nothing half-written.** After a [`StoreError`](crate::error::StoreError) the step has happened or not;
//!   where the caller itself is wrong, as with a key that is stored already, it has not.
//! * **What is stored comes back as it was.** Every field of every record, at every value that its type allows.
//! * **Nothing is lost after `Ok`.** A store that cannot promise it says so in its documentation.
//!
//! # Clean-up
//!
//! Dead rows are what such systems die of. Run [`AuthorizationServer::purge`](crate::AuthorizationServer::purge) every few
//! minutes; it deletes in bounded batches, beside live traffic. Correctness never depends on it. It also deletes clients that
//! registered themselves and that nobody uses.
//!
//! # A store of your own
//!
//! The smallest one is a list of clients:
//!
//! ```
//! use std::sync::Arc;
//! use grantor::client::{Client, ClientId};
//! use grantor::error::StoreError;
//! use grantor::store::ClientStore;
//!
//! #[derive(Debug)]
//! struct OurApps(Vec<Arc<Client>>);
//!
//! #[async_trait::async_trait]
//! impl ClientStore for OurApps {
//!     async fn find_client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
//!         Ok(self.0.iter().find(|client| client.id() == id).cloned())
//!     }
//! }
//! ```
//!
//! The source of `SqliteStore` (`src/store/sqlite`) is a complete one to read, and the macro `store_tests!` (feature
//! `testkit`) makes a test of each clause of the contract for yours.
//!
#![doc = include_str!("scale.md")]

mod client;
mod code;
mod joined;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod token;

use std::num::NonZeroU32;

pub use client::{ClientRegistry, ClientStore, Deletion, Update};
pub use code::{CodeStore, Redemption};
pub use joined::JoinedStores;
pub use memory::{MemoryLimits, MemoryStore};
#[cfg(feature = "postgres")]
pub use postgres::{InvalidPostgresName, PostgresError, PostgresStore};
#[cfg(feature = "redis")]
pub use redis::{RedisError, RedisRateLimiter, RedisStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteError, SqliteStore};
pub use token::{
    FoundAccessToken, FoundRefreshToken, GrantStatus, GrantStore, GrantSummary, Reuse, Rotation, TokenStore,
};

/// What became of an insertion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design: callers match it")]
#[must_use]
pub enum Insertion {
    /// It was stored.
    Inserted,
    /// Something with this identifier was there already, or its grant is revoked, and nothing was stored.
    Conflict,
}

/// Which part of a listing to return. Listings are ordered by identifier, so that no entry is skipped or repeated
/// because others come and go.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete by design: store authors read it")]
pub struct Page<Id> {
    /// Begin behind this entry, the last one of the page before.
    pub after: Option<Id>,
    /// Return at most so many.
    pub limit: NonZeroU32,
}

impl<Id> Page<Id> {
    /// The first `limit` entries.
    #[must_use]
    pub const fn first(limit: NonZeroU32) -> Self {
        Self { after: None, limit }
    }

    /// The `limit` entries behind `id`.
    #[must_use]
    pub const fn after(id: Id, limit: NonZeroU32) -> Self {
        Self { after: Some(id), limit }
    }
}
