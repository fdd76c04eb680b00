//! Adapters that are broken on purpose, each in one way that an adapter is broken in practice, and the rows that catch it.

mod answers;
mod dead;
mod harness;
mod methods;
mod requests;
