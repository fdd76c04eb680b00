//! What may use an account: apps, and API tokens.

use askama::Template;

use super::{Layout, Publisher, TokenList, TokenStatus};

/// The list of connected apps.
#[derive(Debug, Template)]
#[template(path = "connected.html", config = "examples/shortener/askama.toml")]
pub struct ConnectedPage {
    /// The frame.
    pub layout: Layout,
    /// The anti-CSRF value of the revoke forms.
    pub revoke_token: String,
    /// Whether access was just taken back.
    pub revoked: bool,
    /// The apps.
    pub apps: Vec<ConnectedApp>,
    /// The API tokens.
    pub list: TokenList,
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
    /// Where it says who it is, if it does that itself.
    pub publisher: Option<Publisher>,
    /// What it was allowed, by place and extent.
    pub grants: Vec<ConnectedGrant>,
}

/// What an app was allowed once, or several times alike.
#[derive(Debug)]
pub struct ConnectedGrant {
    /// What the revoke form sends.
    pub ids: Vec<String>,
    /// What the app may do, in words.
    pub scopes: Vec<String>,
    /// Where it may do that.
    pub place: Option<String>,
    /// What else it said of itself: what that is, and what it said.
    pub facts: Vec<(String, String)>,
    /// When it was let in.
    pub since: String,
    /// When it last called, if it ever did.
    pub last_used: Option<String>,
}
