//! The shortener's own pages.

pub mod app_store;
pub mod assets;
pub mod connected;
pub mod demo;
pub mod developers;
pub mod home;
pub mod links;
pub mod sign_in;
pub mod tokens;
