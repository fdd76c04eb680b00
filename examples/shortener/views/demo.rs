//! The demo client's page.

use askama::Template;

use super::Layout;

/// The demo client.
#[derive(Debug, Template)]
#[template(path = "demo.html", config = "examples/shortener/askama.toml")]
pub struct DemoPage {
    /// The frame.
    pub layout: Layout,
    /// What it asks for.
    pub scope: String,
    /// How far the visitor came.
    pub state: DemoState,
}

/// How far the visitor came with the demo.
#[derive(Debug)]
pub enum DemoState {
    /// Not connected yet.
    Start,
    /// The person said no.
    Denied,
    /// Something else went wrong; the text says what.
    Failed(String),
    /// The demo has a token.
    Connected {
        /// The beginning of the access token.
        token_start: String,
        /// What was granted.
        scope: String,
        /// Whether the API still accepts the token.
        alive: bool,
        /// What the API answered.
        calls: Vec<ApiCall>,
    },
}

/// A call of the API and its answer.
#[derive(Debug)]
pub struct ApiCall {
    /// What was asked for.
    pub path: &'static str,
    /// The status line.
    pub status: String,
    /// Whether it went well.
    pub ok: bool,
    /// The body.
    pub body: String,
}
