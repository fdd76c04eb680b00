//! Where the shortener's web framework and the authorization server meet.

pub mod access;
pub mod adapter;
pub mod consent;
pub mod mcp;
