//! The Model Context Protocol's authorization, as far as a server decides it.
//!
//! | row | why it is not here |
//! |---|---|
//! | MCP-002 | a default of the configuration; a target may have its endpoints anywhere |
//! | MCP-008 | RS-012 for the tokens; what an API sends elsewhere is not seen |
//! | MCP-013 | decided when a server is configured |
//! | MCP-014 | client identifier metadata documents are not among the suite's features |
//! | MCP-027, MCP-028 | no client assertions, no JWT-bearer grant |
//! | MCP-029 | about a server in front of another sign-in |

pub mod discovery;
pub mod flow;
pub mod registration;
