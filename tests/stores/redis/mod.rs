//! `RedisStore`, on one server and on a cluster.

mod calls;
mod connection;
mod failover;
mod lists;
mod proxy;
mod rate_limits;
mod records;
mod slots;
mod suite;
mod trouble;
mod ttl;
