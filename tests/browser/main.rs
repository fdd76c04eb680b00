//! The example `axum` in a real browser.

#[path = "suite.rs"]
mod suite;

/// The example that is started.
const EXAMPLE: &str = "axum";
