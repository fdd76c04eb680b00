//! A running service, its pages, and what its answers are compared with.

pub mod dashboard;
mod members;
mod place;
mod service;

pub use members::{expect_members, integer, sentence, slug, text, words};
pub use place::Place;
pub use service::{Known, Service, answer_members, changed, query};
