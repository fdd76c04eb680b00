//! `PostgresStore`, on a real server.

mod batches;
mod connection;
mod contention;
mod migrations;
mod network;
mod plans;
mod proxy;
mod restart;
mod suite;
