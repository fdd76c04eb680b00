//! The sign-in form.

use askama::Template;

use super::Layout;

/// The page that asks who you are.
#[derive(Debug, Template)]
#[template(path = "sign_in.html", config = "examples/shortener/askama.toml")]
pub struct SignInPage {
    /// The frame.
    pub layout: Layout,
    /// The page's own path, where the form goes.
    pub action: String,
    /// The anti-CSRF value of the form.
    pub csrf: String,
    /// Where to go afterwards.
    pub next: String,
    /// Whether an app is waiting for an answer.
    pub app_waits: bool,
    /// The user name that was typed, if it has to be typed again.
    pub username: String,
    /// Why it has to be.
    pub problem: Option<&'static str>,
}

impl SignInPage {
    /// The page once more, because of `problem`.
    pub fn refused(self, username: &str, problem: &'static str) -> Self {
        Self { username: username.to_owned(), problem: Some(problem), ..self }
    }
}
