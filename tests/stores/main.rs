//! The stores beside real servers.

mod redis;
mod support;
