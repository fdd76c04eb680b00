//! The apps that a person registered.

use std::num::NonZeroU32;

use grantor::client::{Client, ClientMetadata, GrantType};
use grantor::redirect_uri::RedirectUri;
use grantor::store::Page;
use grantor::{DeveloperApp, NewApp, Subject};

use super::app::App;
use super::services::Developers;
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::views::{AppDetails, AppForm, AppRegisteredPage, DevelopersPage, Section, date};
use crate::shortener::visitor::Visitor;
use crate::shortener::workspaces::{self, Role};

/// The purpose that the anti-CSRF value of the form for a new app is bound to.
pub const REGISTER: &str = "register app";
/// The purpose that the anti-CSRF value of the delete forms is bound to.
pub const DELETE: &str = "delete app";
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
pub async fn page(app: &App, visitor: &Visitor, owner: &Subject, form: AppForm) -> Result<DevelopersPage, Problem> {
    let apps = app.server.apps(owner, Page::first(MAX_APPS)).await?;
    Ok(DevelopersPage {
        layout: visitor.layout("Developers", Section::Developers),
        register_token: visitor.form_token(REGISTER),
        delete_token: visitor.form_token(DELETE),
        deleted: false,
        apps: apps.iter().map(|client| details(client)).collect(),
        form,
        api: api_paths(app),
        scopes: app.service.scopes.iter().map(|(token, words)| ((*token).to_owned(), (*words).to_owned())).collect(),
        issuer: app.site.origin.to_string(),
    })
}

/// The page that follows a registration. It is the answer itself, not what a redirect leads to: the secret is known
/// only now.
pub fn registered_page(app: &App, visitor: &Visitor, registered: &DeveloperApp) -> AppRegisteredPage {
    AppRegisteredPage {
        layout: visitor.layout("App registered", Section::Developers),
        app: details(registered.client()),
        secret: registered.secret().map(|secret| secret.expose().to_owned()),
        issuer: app.site.origin.to_string(),
    }
}

/// Registers the app that a form describes.
pub async fn register(app: &App, owner: &Subject, fields: &Fields) -> Result<Outcome, Problem> {
    let confidential = fields.text("type") == "confidential";
    let refused = |problem: String| {
        Ok(Outcome::Refused(AppForm {
            name: fields.text("name").to_owned(),
            redirect_uris: fields.text("redirect_uris").to_owned(),
            confidential,
            problem: Some(problem),
        }))
    };
    let new_app = match new_app(fields, owner.clone(), confidential) {
        Ok(new_app) => new_app,
        Err(problem) => return refused(problem),
    };
    if app.service.developers == Developers::Owners && !owns_workspace(app, owner).await? {
        return refused("Only the owner of a workspace may register apps.".to_owned());
    }
    if app.server.apps(owner, Page::first(MAX_APPS)).await?.len() >= MAX_APPS.get() as usize {
        return refused("You have as many apps as one person may have.".to_owned());
    }
    let registered = match confidential {
        true => app.server.register_confidential_app(new_app).await,
        false => app.server.register_public_app(new_app).await,
    };
    match registered {
        Ok(registered) => Ok(Outcome::Registered(Box::new(registered))),
        // What is wrong with the app is for the form; what is wrong with the server is not.
        Err(error) if error.store_error().is_some() => Err(Problem::unavailable()),
        Err(error) => refused(error.description().to_owned()),
    }
}

async fn owns_workspace(app: &App, person: &Subject) -> Result<bool, Problem> {
    let user_id = person.as_str().parse().map_err(|_| Problem::internal())?;
    let workspaces = workspaces::of(&app.site.database, user_id).await?;
    Ok(workspaces.iter().any(|workspace| workspace.role == Role::Owner))
}

/// What the form describes, or what is wrong with it.
fn new_app(fields: &Fields, owner: Subject, confidential: bool) -> Result<NewApp, String> {
    let name = fields.text("name").trim();
    let metadata = ClientMetadata::new()
        .with_name(name)
        .map_err(|_| "Give the app a name of up to 200 characters, without control characters.".to_owned())?;

    let mut redirect_uris = Vec::new();
    for line in fields.text("redirect_uris").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let uri = RedirectUri::parse(line).map_err(|error| format!("{line}: {error}."))?;
        if !redirect_uris.contains(&uri) {
            redirect_uris.push(uri);
        }
    }

    let mut grant_types = Vec::new();
    if !redirect_uris.is_empty() {
        grant_types.extend([GrantType::AuthorizationCode, GrantType::RefreshToken]);
    }
    if confidential {
        grant_types.push(GrantType::ClientCredentials);
    }
    if grant_types.is_empty() {
        return Err("An app without a secret needs a redirect URI, or it could never get a token.".to_owned());
    }
    Ok(NewApp::new(owner, metadata, redirect_uris).with_grant_types(grant_types))
}

/// The paths of the API, each once.
fn api_paths(app: &App) -> Vec<&'static str> {
    let mut paths: Vec<&str> = app.service.api.iter().map(|route| route.path).collect();
    paths.dedup();
    paths
}

fn details(client: &Client) -> AppDetails {
    AppDetails {
        client_id: client.id().to_string(),
        name: client.display_name().to_owned(),
        confidential: !client.is_public(),
        redirect_uris: client.redirect_uris().iter().map(ToString::to_string).collect(),
        created: date(client.created_at().unix_seconds()),
    }
}
