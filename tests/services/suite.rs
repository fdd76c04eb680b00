//! The tests, for whichever example the crate around them names in `EXAMPLE`.

mod clyk;
pub mod harness;
mod kit;
mod klink;
mod linkkit;
#[path = "../http/support/mod.rs"]
#[expect(dead_code, reason = "the tests of http need more of it")]
mod support;
mod trimlink;
