//! The example `actix` in a real browser.

#[path = "browser/suite.rs"]
mod suite;

/// The example that is started.
const EXAMPLE: &str = "actix";
