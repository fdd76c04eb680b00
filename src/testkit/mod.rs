//! The suite that proves a store, and stand-ins for tests.
//!
//! # A store of your own
//!
//! [`store_tests!`](crate::store_tests) makes one test of each clause of the contract; the same ones prove the stores that ship:
//!
//! ```
//! mod our_store {
//!     use std::sync::Arc;
//!     use grantor::store::MemoryStore;
//!
//!     grantor::store_tests! { store: async { Arc::new(MemoryStore::new()) } }
//! }
//! ```
//!
//! The clauses are functions in [`contract`], to be called by themselves as well. They use no runtime: what is concurrent in
//! them is polled by hand, or runs on threads where a store never waits. [`fixtures`] makes what they store.
//!
//! # A service of your own
//!
//! * [`ManualClock`] stands still until a test moves it.
//! * [`RecordingStore`] tells which calls a store got, and in which order.
//! * [`FaultyStore`] fails, delays or hangs when it is told to, before the inner call or after it.
//! * [`InterceptedStore`] is what both are made of.
//! * [`drop_after`] gives up a future half-way, as a closed connection does.
//!
//! ```
//! use std::sync::Arc;
//! use grantor::store::MemoryStore;
//! use grantor::testkit::{FaultyStore, ManualClock, block_on};
//! use grantor::{AuthorizationServer, Issuer};
//!
//! let clock = Arc::new(ManualClock::new());
//! let store = FaultyStore::new(MemoryStore::new());
//! let server = AuthorizationServer::builder(Issuer::parse("https://links.example")?, Arc::new(store.clone()))
//!     .scope("links:read", "See your links")
//!     .clock(clock)
//!     .build()?;
//! let request = || {
//!     http::Request::post("/token")
//!         .header("content-type", "application/x-www-form-urlencoded")
//!         .body("grant_type=client_credentials&client_id=board&client_secret=wrong".to_owned())
//! };
//! store.break_down();
//! assert_eq!(block_on(server.handle(request()?)).status(), 503);
//! store.repair();
//! assert_eq!(block_on(server.handle(request()?)).status(), 401);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and what is asserted here is meant to"
)]

mod clock;
pub mod contract;
pub mod driver;
mod executor;
mod extremes;
mod faulty;
pub mod fixtures;
mod form;
mod history;
mod intercept;
mod macros;
mod model;
pub mod protocol;
mod recording;
mod server;

pub use clock::ManualClock;
pub use executor::{block_on, drop_after, yield_once};
pub use faulty::{Fault, Faults, FaultyStore, Injected, When};
pub use form::Form;
pub use intercept::{InterceptedStore, Interceptor};
pub use recording::{Recording, RecordingStore};
pub use server::{SignedIn, TestServer, TestStores};
