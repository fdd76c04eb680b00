//! The apps that a developer registered.

use askama::Template;

use super::{Layout, WorkspaceChoice};

/// The list of a developer's apps, and the form for another one.
#[derive(Debug, Template)]
#[template(path = "developers.html", config = "examples/shortener/askama.toml")]
pub struct DevelopersPage {
    /// The frame.
    pub layout: Layout,
    /// The anti-CSRF value of the form for a new app.
    pub register_token: String,
    /// The anti-CSRF value of the forms for an app that is there.
    pub manage_token: String,
    /// Whether an app was just deleted.
    pub deleted: bool,
    /// The apps.
    pub apps: Vec<AppDetails>,
    /// What the form asks for.
    pub fields: AppFields,
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

/// One app, and what can be done with it.
#[derive(Debug, Template)]
#[template(path = "app.html", config = "examples/shortener/askama.toml")]
pub struct AppPage {
    /// Where a token for it is issued.
    pub token_path: String,
    /// Whether the app has or can have a secret.
    pub can_be_secure: bool,
    /// The frame.
    pub layout: Layout,
    /// The anti-CSRF value of the forms.
    pub manage_token: String,
    /// What was just done.
    pub done: Option<&'static str>,
    /// Why something could not be done.
    pub impossible: Option<String>,
    /// The app.
    pub app: AppDetails,
    /// Its secrets, newest first.
    pub secrets: Vec<SecretRow>,
    /// Whether the password has to be typed again before there is a new one.
    pub password: bool,
    /// What the edit form asks for.
    pub fields: AppFields,
    /// What the app has, or what was typed if it has to be typed again.
    pub form: AppForm,
}

/// The page that shows a new secret of an app that is there; the only one that ever does.
#[derive(Debug, Template)]
#[template(path = "app_secret.html", config = "examples/shortener/askama.toml")]
pub struct AppSecretPage {
    /// The frame.
    pub layout: Layout,
    /// The path of the app's own page.
    pub path: String,
    /// What the app is called.
    pub name: String,
    /// The secret.
    pub secret: String,
    /// What became of the one before.
    pub before: &'static str,
}

/// An app as its developer sees it.
#[derive(Debug)]
pub struct AppDetails {
    /// The path of its own page.
    pub path: String,
    /// The client identifier.
    pub client_id: String,
    /// What the app is called.
    pub name: String,
    /// Whether it has a secret.
    pub confidential: bool,
    /// What it is for, where apps say that.
    pub environment: Option<&'static str>,
    /// Where it works, in a service with workspaces.
    pub workspace: Option<String>,
    /// Where its users come back to.
    pub redirect_uris: Vec<String>,
    /// When it was registered.
    pub created: String,
}

/// One secret of an app.
#[derive(Debug)]
pub struct SecretRow {
    /// What the log calls it.
    pub name: String,
    /// When it was made, if that is known.
    pub created: Option<String>,
    /// When it stops working, or stopped.
    pub expires: Option<String>,
    /// When it was last used, if it ever was.
    pub last_used: Option<String>,
    /// Whether it works.
    pub live: bool,
    /// Whether there is a newer one.
    pub previous: bool,
}

/// What the form of an app asks for, beside what every app has.
#[derive(Debug, Default)]
pub struct AppFields {
    /// Whether the app can keep a secret.
    pub kind: bool,
    /// Whether it is for development or production.
    pub environment: bool,
    /// Redirect URIs that lead to the user's own computer, whatever the app is for.
    pub own_computer: bool,
    /// Where people begin who install it.
    pub authorization_url: bool,
    /// The workspaces that it may be confined to.
    pub workspaces: Vec<WorkspaceChoice>,
    /// The password of the account.
    pub password: bool,
}

/// What is in the form of an app.
#[derive(Clone, Debug, Default)]
pub struct AppForm {
    /// What the app is called.
    pub name: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Its own page.
    pub link: String,
    /// Its picture.
    pub logo: String,
    /// Where people begin who install it.
    pub authorization_url: String,
    /// One redirect URI a line.
    pub redirect_uris: String,
    /// Whether it can keep a secret.
    pub confidential: bool,
    /// Whether it is for development.
    pub development: bool,
    /// The workspace that it is confined to; empty is all of its owner's.
    pub workspace: String,
    /// Why the form was not accepted.
    pub problem: Option<String>,
}
