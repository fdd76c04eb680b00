//! The protocol suite at every target that this repository has.

mod broken;
#[path = "../http/support/example.rs"]
mod example;
mod examples;
mod hyper;
mod in_process;
mod names;
mod report;
#[path = "../http/support/server.rs"]
mod server;
