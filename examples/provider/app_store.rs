//! The apps that a person can install from the service's own page.

use std::sync::Arc;

use grantor::client::{Client, ClientId};

use super::app::App;
use super::grants::Grants;
use super::services::AppStore;
use super::{developers, subject};
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::{AppStorePage, Section, StoreApp};
use crate::shortener::visitor::Visitor;

/// The purpose that the anti-CSRF value of the install forms is bound to.
pub const INSTALL: &str = "install app";

/// The page; the query may name the app that was just installed.
pub async fn page(app: &App, visitor: &Visitor, user: &User, query: &Fields) -> Result<AppStorePage, Problem> {
    let grants = Grants::of(app, user).await?;
    let connected = |id: &ClientId| grants.of_apps().any(|(client, _)| client == id);
    let apps: Vec<StoreApp> = installable(app, user)
        .await?
        .iter()
        .map(|client| StoreApp {
            client_id: client.id().to_string(),
            name: client.display_name().to_owned(),
            description: client.metadata().description().map(str::to_owned),
            installed: connected(client.id()),
        })
        .collect();
    // Whoever comes back with the name of an app has not installed it for that.
    let installed = apps.iter().find(|app| app.installed && query.get("installed") == Some(&*app.client_id));
    Ok(AppStorePage {
        layout: visitor.layout("Apps", Section::Apps),
        install_token: visitor.form_token(INSTALL),
        installed: installed.map(|app| app.name.clone()),
        apps,
    })
}

/// Where to send whoever installs the app that a form names.
pub async fn install(app: &App, user: &User, fields: &Fields) -> Result<String, Problem> {
    let wanted = fields.text("client_id");
    let apps = installable(app, user).await?;
    let client = apps.iter().find(|client| client.id().as_str() == wanted).ok_or_else(Problem::not_found)?;
    let id: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    app.server.install_link(client, &format!("/apps?installed={id}")).map_err(|_| Problem::not_found())
}

/// What the operator vouches for, and what the person made, who may want to try how it is installed.
async fn installable(app: &App, user: &User) -> Result<Vec<Arc<Client>>, Problem> {
    if app.service.app_store == AppStore::Absent {
        return Err(Problem::not_found());
    }
    let mut apps = Vec::new();
    for id in app.recommended.iter() {
        apps.extend(app.server.client(id).await?);
    }
    let mut own = developers::own_apps(app, &subject(user)?).await?;
    own.retain(|client| !app.recommended.contains(client.id()));
    apps.extend(own);
    apps.retain(|client| client.metadata().initiate_login_uri().is_some());
    Ok(apps)
}
