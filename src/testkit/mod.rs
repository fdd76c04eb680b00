//! For tests: the suites that prove a store and a whole service, a server to test against, and stand-ins.
//!
//! # A store of your own
//!
//! [`store_tests!`](crate::store_tests) makes one test of each clause of the contract; the same ones prove the stores
//! that ship:
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
//! The clauses are functions in [`contract`], to be called by themselves as well. They use no runtime: what is
//! concurrent in them is polled by hand, or runs on threads where a store never waits. [`fixtures`] makes what they
//! store.
//!
//! # A service of your own
//!
//! [`TestServer`] is a whole authorization server in a test, with a clock that stands still; its [`driver`] plays
//! browser, user and client. Everything is in process and needs no runtime: `#[tokio::test]` will do, and so will
//! [`block_on`].
//!
//! ```
//! use std::time::Duration;
//! use grantor::testkit::{TestServer, block_on};
//!
//! block_on(async {
//!     let server = TestServer::new();
//!     let tokens = server.client().public().authorize().scope("read write").approve().only("read").exchange().await;
//!     assert_eq!(server.call(&tokens.access_token).await.status(), 200);
//!
//!     // Exactly the wrong thing, at any step.
//!     tokens.refresh().with("scope", "write").send().await.expect_error(400, "invalid_scope");
//!
//!     server.clock().advance(Duration::from_secs(3_600));
//!     assert_eq!(server.call(&tokens.access_token).await.status(), 401);
//! });
//! ```
//!
//! | To ask | take |
//! |---|---|
//! | what my API does with a token, of this scope, this user, or expired | [`issue_access`], on your [`ResourceServer`](crate::ResourceServer) or server |
//! | what an app gets from my server, when its user decides so or so | [`TestServer::of`] with your own configuration, and its [`client`](TestServer::client) |
//! | whether my consent page does right | [`Authorize::path_and_query`](driver::Authorize::path_and_query) for your page, then [`callback`](driver::Authorize::callback) |
//! | whether my routes, my adapter or my proxy keep the protocol | [`protocol`] |
//! | what happens when time passes | [`ManualClock`], which is [`TestServer::clock`] |
//! | which calls of the store a request costs, and in which order | [`RecordingStore`] |
//! | what happens in an outage, or when an answer is lost | [`FaultyStore`] |
//! | what happens when a caller goes away half-way | [`drop_after`] |
//! | something else about calls of a store | [`InterceptedStore`] with an [`Interceptor`] of your own |
//!
//! All of them are stores, clocks and servers like any other, so they fit where yours are: none is a framework. In a
//! checkout, `tests/link_shortener.rs` is the test file of a small service, to be copied.
//!
//! ## An outage, a lost answer, a slow store
//!
//! Clones of a [`FaultyStore`] share one script: keep one, and give the server another. What a test begins with,
//! clients and tokens of [`issue_access`], goes past it, so the first call that counts is that of the first request.
//!
//! ```
//! use grantor::error::Retry;
//! use grantor::store::MemoryStore;
//! use grantor::testkit::{Fault, FaultyStore, TestServer, When, block_on};
//!
//! block_on(async {
//!     let store = FaultyStore::new(MemoryStore::new());
//!     let server = TestServer::on(store.clone());
//!     let tokens = server.client().public().authorize().approve().exchange().await;
//!
//!     // An outage: nothing works, and nothing is blamed on the client.
//!     store.break_down();
//!     tokens.refresh().send().await.expect_error(503, "temporarily_unavailable");
//!     assert_eq!(server.call(&tokens.access_token).await.status(), 503);
//!     store.repair();
//!
//!     // A lost answer: the call has its effect, and its caller does not hear of it.
//!     store.inject_into("rotate_refresh_token", 0, When::After, Fault::Fail(Retry::CanHelp));
//!     tokens.refresh().send().await.expect_error(503, "temporarily_unavailable");
//!     tokens.refresh().await;
//! });
//! ```
//!
//! [`Fault::Hang`] is a store that never answers, for a test of your timeout; [`Fault::Delay`] lets others go first.
//!
//! ## How often the store is asked
//!
//! ```
//! use grantor::store::MemoryStore;
//! use grantor::testkit::{RecordingStore, TestServer, block_on};
//!
//! block_on(async {
//!     let store = RecordingStore::new(MemoryStore::new());
//!     let server = TestServer::on(store.clone());
//!     let tokens = server.client().public().authorize().approve().exchange().await;
//!
//!     store.clear();
//!     server.call(&tokens.access_token).await;
//!     assert_eq!(store.take_calls(), ["find_access_token"]);
//! });
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
mod issue_access;
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
pub use issue_access::{IssueAccess, IssuedAccess, TokenIssuer, issue_access};
pub use recording::{Recording, RecordingStore};
pub use server::{SignedIn, TestServer, TestStores};
