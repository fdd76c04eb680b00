//! The suite of the store contract, run on every store that ships and on stores that are broken on purpose; and what each store
//! does beyond it.

mod support;

mod broken;
mod clauses;
mod memory;
mod postgres;
mod redis;
mod sqlite;
