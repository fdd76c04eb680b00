//! A running service, its pages, and what its answers are compared with.

mod callers;
pub mod dashboard;
mod members;
mod place;
mod service;
mod site;

pub use callers::Callers;
pub use members::{expect_members, integer, sentence, slug, text, words};
pub use place::Place;
pub use service::{Known, Service, answer_members, changed, query};
pub use site::Site;
