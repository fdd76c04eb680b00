//! The example, started as a process of its own and used over HTTP as outsiders use it.
//!
//! It works on SQLite files, or, if `GRANTOR_TEST_EXAMPLE_ON` is `postgres` or `redis`, on databases of such a server:
//! `GRANTOR_TEST_EXAMPLE_ON=postgres tests/servers/run cargo test --test http`.

mod api;
mod clients_file;
mod connected_apps;
mod consent_flow;
mod consent_forgery;
mod developer_page;
mod discovery;
mod kill;
mod log;
mod lost_answers;
mod metrics;
mod oauth2_client;
mod pages;
mod redirects;
mod sessions;
mod several_processes;
mod slow;
mod startup;
mod support;
mod trouble;
mod wire;
