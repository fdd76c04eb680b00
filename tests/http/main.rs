//! The example `axum`, started as a process of its own and used over HTTP as outsiders use it.
//!
//! It works on SQLite files, or, if `GRANTOR_TEST_EXAMPLE_ON` is `postgres` or `redis`, on databases of such a server:
//! `GRANTOR_TEST_EXAMPLE_ON=postgres tests/servers/run cargo test --test http`.

#[path = "suite.rs"]
mod suite;

/// The example that is started.
const EXAMPLE: &str = "axum";
