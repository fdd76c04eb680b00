//! The apps that a developer registered.

use askama::Template;

use super::Layout;

/// The list of a developer's apps, and the form for another one.
#[derive(Debug, Template)]
#[template(path = "developers.html", config = "examples/shortener/askama.toml")]
pub struct DevelopersPage {
    /// The frame.
    pub layout: Layout,
    /// The anti-CSRF value of the form for a new app.
    pub register_token: String,
    /// The anti-CSRF value of the delete forms.
    pub delete_token: String,
    /// Whether an app was just deleted.
    pub deleted: bool,
    /// The apps.
    pub apps: Vec<AppDetails>,
    /// What was typed, if it has to be typed again.
    pub form: AppForm,
    /// The paths of the API.
    pub api: Vec<&'static str>,
    /// The scopes and what they allow.
    pub scopes: Vec<(String, String)>,
    /// The issuer, from which a client learns everything else.
    pub issuer: String,
}

/// The page that follows a registration; the only one that ever shows the secret.
#[derive(Debug, Template)]
#[template(path = "app_registered.html", config = "examples/shortener/askama.toml")]
pub struct AppRegisteredPage {
    /// The frame.
    pub layout: Layout,
    /// The new app.
    pub app: AppDetails,
    /// Its secret, if it can keep one.
    pub secret: Option<String>,
    /// The issuer, from which a client learns everything else.
    pub issuer: String,
}

/// An app as its developer sees it.
#[derive(Debug)]
pub struct AppDetails {
    /// The client identifier.
    pub client_id: String,
    /// What the app is called.
    pub name: String,
    /// Whether it has a secret.
    pub confidential: bool,
    /// Where its users come back to.
    pub redirect_uris: Vec<String>,
    /// When it was registered.
    pub created: String,
}

/// The form for a new app.
#[derive(Debug, Default)]
pub struct AppForm {
    /// What the app is to be called.
    pub name: String,
    /// One redirect URI a line.
    pub redirect_uris: String,
    /// Whether it can keep a secret.
    pub confidential: bool,
    /// Why the form was not accepted.
    pub problem: Option<String>,
}
