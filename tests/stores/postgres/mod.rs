//! `PostgresStore`, on a real server.

mod contention;
mod steps;
