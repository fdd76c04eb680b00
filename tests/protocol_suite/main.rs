//! The protocol suite at the crate in process, through the adapter of the guide, and through adapters that are broken
//! on purpose. `tests/protocol_suite_axum.rs` and `tests/protocol_suite_actix.rs` run it at the examples.

mod broken;
mod hyper;
mod in_process;
mod names;
mod report;
