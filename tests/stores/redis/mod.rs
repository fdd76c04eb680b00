//! `RedisStore`, on one server and on a cluster.
//!
//! The suite of the store contract has its place here: one module for each of `Fresh::on_server` and `Fresh::on_cluster`.

mod calls;
mod connection;
mod failover;
mod lists;
mod proxy;
mod records;
mod slots;
mod trouble;
mod ttl;
