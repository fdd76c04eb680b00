//! The example `actix`, found and used by agents.

#[path = "agents/suite.rs"]
mod suite;

/// The example that is started.
const EXAMPLE: &str = "actix";
