//! The tests, for whichever example the crate around them names in `EXAMPLE`.

mod clyk;
#[path = "../browser/driver.rs"]
#[expect(dead_code, reason = "the tests of the pages need more of it")]
mod driver;
mod existing_clients;
pub mod harness;
mod kit;
mod klink;
mod linkkit;
#[path = "../http/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of http need more of it")]
mod support;
#[path = "../browser/tab.rs"]
#[expect(dead_code, reason = "the tests of the pages need more of it")]
mod tab;
mod trimlink;

use support::example;
