//! Guides: whole tasks with this crate, from beginning to end.

pub mod let_agents_in;
pub mod writing_an_adapter;
pub mod your_service;
