//! The example `axum`, found and used by agents that nobody has told anything but an address: MCP clients on the official
//! SDKs for TypeScript and Python, as they are published, with a person at a real browser.

#[path = "suite.rs"]
mod suite;

/// The example that is started.
const EXAMPLE: &str = "axum";
