//! A running service, its pages, and what its answers are compared with.

mod callers;
pub mod dashboard;
mod members;
mod place;
mod service;
mod site;

pub use callers::Callers;
pub use members::{expect_members, expect_refusal, integer, slug, text, words};
pub use place::Place;
pub use service::{Known, Service, answer_members, changed, query};
pub use site::Site;

/// The code verifier of RFC 7636, appendix B, and its challenge.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
