#![doc = include_str!("introduction.md")]
#![doc = include_str!("settings.md")]
#![doc = include_str!("consent.md")]
#![doc = include_str!("mcp_server.md")]
#![doc = "```rust,ignore"]
#![doc = include_str!("../../../examples/provider/mcp/gate.rs")]
#![doc = "```"]
#![doc = include_str!("mounted.md")]
#![doc = "```rust,ignore"]
#![doc = include_str!("mcp_server.rs")]
#![doc = "```"]
#![doc = include_str!("elsewhere.md")]
#![doc = "```rust,ignore"]
#![doc = include_str!("elsewhere.rs")]
#![doc = "```"]
#![doc = include_str!("way.md")]
#![doc = include_str!("proof.md")]
#![doc = ""]
// Where to find what a feature brings: here if the features are on, so that the links are checked, else on docs.rs.
#![cfg_attr(
    all(feature = "cimd", feature = "jwt", feature = "rate-limit", feature = "redis", feature = "testkit"),
    doc = include_str!("links.md")
)]
#![cfg_attr(
    not(all(feature = "cimd", feature = "jwt", feature = "rate-limit", feature = "redis", feature = "testkit")),
    doc = include_str!("links_elsewhere.md")
)]
