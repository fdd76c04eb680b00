//! What the protocol demands, through `AuthorizationServer` in process, on `MemoryStore` and `SqliteStore` both.

#[macro_use]
mod support;

mod smoke;
