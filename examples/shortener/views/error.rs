//! What a person reads when something is wrong.

use askama::Template;

use super::Layout;

/// An error in words.
#[derive(Debug, Template)]
#[template(path = "error.html", config = "examples/shortener/askama.toml")]
pub struct ErrorPage {
    /// The frame.
    pub layout: Layout,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, in a few words.
    pub heading: String,
    /// What it means and what to do.
    pub text: String,
    /// The way out: where to, and what the button says.
    pub way_out: Option<(String, String)>,
    /// What the log calls this request.
    pub reference: String,
}
