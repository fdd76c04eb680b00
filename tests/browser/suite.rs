//! The tests, for whichever example the crate around them names in `EXAMPLE`.

mod appearance;
mod driver;
#[path = "../http/support/example.rs"]
mod example;
mod flows;
mod other_site;
#[path = "../http/support/server.rs"]
mod server;
mod tab;
