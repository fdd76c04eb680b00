//! The suite of the store contract, run on every store that ships.

mod memory;
mod sqlite;
