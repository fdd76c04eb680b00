//! The tests, for whichever example the crate around them names in `EXAMPLE`.

mod agent;
#[path = "../browser/driver.rs"]
#[expect(dead_code, reason = "the tests of the pages need more of it")]
mod driver;
mod life;
mod sdk;
#[path = "../http/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of http need more of it")]
mod support;
#[path = "../browser/tab.rs"]
#[expect(dead_code, reason = "the tests of the pages need more of it")]
mod tab;

use support::example;
