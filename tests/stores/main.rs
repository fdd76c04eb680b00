//! The suite of the store contract, run on every store that ships, and on stores that are broken on purpose.

mod broken;
mod clauses;
mod memory;
mod sqlite;
