//! The apps that can be installed.

use askama::Template;

use super::Layout;

/// The list of apps that work with the service.
#[derive(Debug, Template)]
#[template(path = "app_store.html", config = "examples/shortener/askama.toml")]
pub struct AppStorePage {
    /// The frame.
    pub layout: Layout,
    /// The anti-CSRF value of the install forms.
    pub install_token: String,
    /// What the app is called that was just installed.
    pub installed: Option<String>,
    /// The apps.
    pub apps: Vec<StoreApp>,
}

/// One app in the store.
#[derive(Debug)]
pub struct StoreApp {
    /// What the install form sends.
    pub client_id: String,
    /// What the app is called.
    pub name: String,
    /// What it is, in a sentence.
    pub description: Option<String>,
    /// Whether it may use the person's account already.
    pub installed: bool,
}
