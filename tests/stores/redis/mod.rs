//! `RedisStore`, on one server and on a cluster.

mod calls;
mod connection;
mod failover;
mod lists;
mod proxy;
mod records;
mod slots;
mod suite;
mod trouble;
mod ttl;
