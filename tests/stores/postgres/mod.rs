//! `PostgresStore`, on a real server.

mod batches;
mod connection;
mod contention;
mod migrations;
mod plans;
mod proxy;
mod restart;
mod steps;
mod suite;
