//! The suite of the store contract, run on every store that ships, and what each store does beyond it.

mod support;

mod memory;
mod postgres;
mod redis;
mod sqlite;
