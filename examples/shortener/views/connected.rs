//! The apps that may use an account.

use askama::Template;

use super::Layout;

/// The list of connected apps.
#[derive(Debug, Template)]
#[template(path = "connected.html", config = "examples/shortener/askama.toml")]
pub struct ConnectedPage {
    /// The frame.
    pub layout: Layout,
    /// The anti-CSRF value of the revoke forms.
    pub revoke_token: String,
    /// What the app is called whose access was just withdrawn.
    pub revoked: bool,
    /// The apps.
    pub apps: Vec<ConnectedApp>,
}

/// One app that was let in.
#[derive(Debug)]
pub struct ConnectedApp {
    /// What the revoke form sends.
    pub client_id: String,
    /// What the app calls itself.
    pub name: String,
    /// Whether nobody vouches for that.
    pub unverified: bool,
    /// What it may do, in words.
    pub scopes: Vec<String>,
    /// The names of the workspaces that it may do it in; none is all of them.
    pub workspaces: Vec<String>,
    /// When it was let in.
    pub since: String,
    /// When it last called, if it ever did.
    pub last_used: Option<String>,
}
