//! `PostgresStore`, on a real server.

mod connection;
mod contention;
mod migrations;
mod proxy;
mod restart;
mod steps;
