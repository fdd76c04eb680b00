//! Snip, the link shortener that the examples turn into an OAuth provider: what such a team already has.
//!
//! Nothing here knows of OAuth or of a web framework; each example includes this directory as a module of its own.

pub mod api;
pub mod assets;
pub mod csrf;
pub mod dashboard;
pub mod database;
pub mod form;
pub mod links;
pub mod local_path;
pub mod password;
pub mod problem;
pub mod random;
pub mod seed;
pub mod sessions;
pub mod sign_in;
pub mod site;
pub mod throttle;
pub mod users;
pub mod views;
pub mod visitor;
pub mod workspaces;
