//! The stores beside real servers.

mod postgres;
mod support;
