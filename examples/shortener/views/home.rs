//! The front page: a welcome for visitors, the links for who is signed in.

use askama::Template;

use super::{Layout, WorkspaceChoice};

/// What a visitor sees.
#[derive(Debug, Template)]
#[template(path = "welcome.html", config = "examples/shortener/askama.toml")]
pub struct WelcomePage {
    /// The frame.
    pub layout: Layout,
    /// Host and port of the service.
    pub authority: String,
}

/// What a signed-in person sees.
#[derive(Debug, Template)]
#[template(path = "dashboard.html", config = "examples/shortener/askama.toml")]
pub struct DashboardPage {
    /// The frame.
    pub layout: Layout,
    /// The anti-CSRF value of the form.
    pub create_token: String,
    /// The anti-CSRF value of the workspace switcher.
    pub switch_token: String,
    /// Whether all workspaces are shown.
    pub shows_all: bool,
    /// The person's workspaces.
    pub workspaces: Vec<WorkspaceChoice>,
    /// What was typed, if it has to be typed again.
    pub typed_url: String,
    /// Why it has to be.
    pub problem: Option<String>,
    /// The link that was just made.
    pub created: Option<LinkRow>,
    /// The links.
    pub links: Vec<LinkRow>,
    /// How often they were followed, all together.
    pub visits: i64,
}

/// One link in the list.
#[derive(Clone, Debug)]
pub struct LinkRow {
    /// The whole short URL.
    pub short_url: String,
    /// The short URL without its scheme.
    pub short_text: String,
    /// Where it leads.
    pub url: String,
    /// The host of that.
    pub host: String,
    /// How often it was followed.
    pub visits: i64,
    /// When it was made.
    pub created: String,
    /// The name of its workspace.
    pub workspace: String,
}
