//! The consent page.

use askama::Template;

use super::{Layout, ScopeChoice, WorkspaceChoice};

/// The page that asks whether an app may use the account.
#[derive(Debug, Template)]
#[template(path = "consent.html", config = "examples/shortener/askama.toml")]
pub struct ConsentPage {
    /// The frame.
    pub layout: Layout,
    /// The page's own path and query, where the form goes.
    pub action: String,
    /// What proves that the decision was made on this page.
    pub consent_token: String,
    /// What the app calls itself.
    pub app_name: String,
    /// Whether nobody vouches for that.
    pub unverified: bool,
    /// Where it says who it is, if it does that itself.
    pub publisher: Option<Publisher>,
    /// What to beware of.
    pub warnings: Vec<&'static str>,
    /// Where the browser goes after the decision.
    pub destination: Destination,
    /// What the app asks for.
    pub scopes: Vec<ScopeChoice>,
    /// What else it said of itself: what that is, and what it said.
    pub facts: Vec<(String, String)>,
    /// The workspaces that it may be let into.
    pub workspaces: Vec<WorkspaceChoice>,
    /// Whether it may be let into all of them at once.
    pub may_choose_all: bool,
    /// Whether that is chosen at first.
    pub all_chosen: bool,
    /// Who decides.
    pub user_name: String,
    /// What they sign in with.
    pub username: String,
    /// The anti-CSRF value of the form that switches accounts.
    pub sign_out_token: String,
    /// Why a decision was not carried out.
    pub problem: Option<String>,
}

/// Where an app says who it is.
#[derive(Debug)]
pub struct Publisher {
    /// The host, which is proved.
    pub host: String,
    /// The whole address: where many people publish on one host, it tells them apart.
    pub address: String,
}

/// Where the browser goes after the decision.
#[derive(Debug)]
pub enum Destination {
    /// A web site, by its host.
    Site(String),
    /// A program on the person's own computer, by its host.
    ThisComputer(String),
    /// An app on the device, by its scheme.
    App(String),
}

impl ConsentPage {
    /// The letter in the app's badge.
    pub fn initial(&self) -> String {
        self.app_name
            .chars()
            .find(|c| c.is_alphanumeric())
            .map_or_else(|| "?".to_owned(), |c| c.to_uppercase().collect())
    }
}
