//! The apps that a person registered.

mod app_form;
mod described;
mod manage;
mod one_app;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::client::{Client, ClientId, Environment};
use grantor::store::Page;
use grantor::{DeveloperApp, Subject};
use url::form_urlencoded::byte_serialize;

pub use self::manage::{Action, Managed, manage, own_app};
pub use self::one_app::{page as one_app_page, secret_page};
use super::app::App;
use super::refusal::Refusal;
use super::services::Environments;
use super::{password_again, subject};
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::{AppDetails, AppForm, AppRegisteredPage, DevelopersPage, Section, date};
use crate::shortener::visitor::Visitor;
use crate::shortener::workspaces::{self, Workspace};

/// The purpose that the anti-CSRF value of the form for a new app is bound to.
pub const REGISTER: &str = "register app";
/// The purpose that the anti-CSRF value of all forms for an app that is there is bound to.
pub const MANAGE: &str = "manage app";
/// How many apps one person may have.
const MAX_APPS: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);

/// What became of the form for a new app.
#[derive(Debug)]
pub enum Outcome {
    /// The app is registered.
    Registered(Box<DeveloperApp>),
    /// The form has to be filled in again.
    Refused(AppForm),
}

/// The list of the apps of `owner`, and the form.
pub async fn page(
    app: &App,
    visitor: &Visitor,
    owner: &User,
    form: Option<AppForm>,
) -> Result<DevelopersPage, Problem> {
    let workspaces = workspaces::of(&app.site.database, owner.id).await?;
    let apps = own_apps(app, &subject(owner)?).await?;
    let form = form.unwrap_or_else(|| app_form::empty(visitor.workspace()));
    Ok(DevelopersPage {
        layout: visitor.layout("Developers", Section::Developers),
        register_token: visitor.form_token(REGISTER),
        manage_token: visitor.form_token(MANAGE),
        deleted: false,
        apps: apps.iter().map(|client| details(app, client, &workspaces)).collect(),
        fields: app_form::for_a_new_app(&app.service, &workspaces, &form),
        form,
        api: api_paths(app),
        scopes: app.service.scopes.iter().map(|(token, words)| ((*token).to_owned(), (*words).to_owned())).collect(),
        issuer: app.site.origin.to_string(),
    })
}

/// The page that follows a registration. It is the answer itself, not what a redirect leads to: the secret is known
/// only now.
pub async fn registered_page(
    app: &App,
    visitor: &Visitor,
    owner: &User,
    registered: &DeveloperApp,
) -> Result<AppRegisteredPage, Problem> {
    let workspaces = workspaces::of(&app.site.database, owner.id).await?;
    Ok(AppRegisteredPage {
        layout: visitor.layout("App registered", Section::Developers),
        app: details(app, registered.client(), &workspaces),
        secret: registered.secret().map(|secret| secret.expose().to_owned()),
        issuer: app.site.origin.to_string(),
    })
}

/// Registers the app that a form describes, which `owner` sent from `source`.
pub async fn register(app: &App, owner: &User, source: IpAddr, fields: &Fields) -> Result<Outcome, Problem> {
    match registered(app, owner, source, fields).await {
        Ok(registered) => Ok(Outcome::Registered(Box::new(registered))),
        Err(Refusal::Form(problem)) => Ok(Outcome::Refused(app_form::refused(fields, problem))),
        Err(Refusal::Problem(problem)) => Err(problem),
    }
}

async fn registered(app: &App, owner: &User, source: IpAddr, fields: &Fields) -> Result<DeveloperApp, Refusal> {
    let mut new = described::new_app(app, owner, fields).await?;
    if let Some(at) = password_again::check(app, owner, source, fields).await? {
        new = new.with_authenticated_at(at);
    }
    if own_apps(app, new.owner()).await?.len() >= MAX_APPS.get() as usize {
        return Err("You have as many apps as one person may have.".into());
    }
    let environment = new.environment();
    let registered = if described::is_confidential(&app.service, fields) {
        app.server.register_confidential_app(new).await
    } else {
        app.server.register_public_app(new).await
    };
    registered.map_err(|error| described::refused(environment, fields, &error))
}

/// The apps of `owner`.
pub async fn own_apps(app: &App, owner: &Subject) -> Result<Vec<Arc<Client>>, Problem> {
    Ok(app.server.apps(owner, Page::first(MAX_APPS)).await?)
}

/// The paths of the API, each once.
fn api_paths(app: &App) -> Vec<&'static str> {
    let mut paths: Vec<&str> = app.service.api.iter().map(|route| route.path).collect();
    paths.dedup();
    paths
}

/// The path of an app's own page.
pub fn path(id: &ClientId) -> String {
    format!("/developers/app?client_id={}", encoded(id))
}

/// The path of the page on which a token is issued for the app.
fn token_path(id: &ClientId) -> String {
    format!("/tokens?app={}", encoded(id))
}

fn encoded(id: &ClientId) -> String {
    byte_serialize(id.as_str().as_bytes()).collect()
}

fn details(app: &App, client: &Client, workspaces: &[Workspace]) -> AppDetails {
    AppDetails {
        path: path(client.id()),
        client_id: client.id().to_string(),
        name: client.display_name().to_owned(),
        confidential: !client.is_public(),
        environment: match (app.service.environments, client.environment()) {
            (Environments::Chosen, Environment::Development) => Some("Development"),
            (Environments::Chosen, Environment::Production) => Some("Production"),
            _ => None,
        },
        workspace: app_form::workspace_of(&app.service, client, workspaces),
        redirect_uris: client.redirect_uris().iter().map(ToString::to_string).collect(),
        created: date(client.created_at().unix_seconds()),
    }
}
