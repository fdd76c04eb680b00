//! The form that describes an app: what it asks for, what was typed, and what that comes to.

use grantor::client::{Client, ClientMetadata, Environment, GrantType, InvalidMetadata};
use grantor::redirect_uri::RedirectUri;
use grantor::{AppChanges, NewApp, Subject, Tenant};

use crate::provider::services::{AppStore, Credentials, Environments, Service, Workspaces};
use crate::shortener::form::Fields;
use crate::shortener::views::{AppFields, AppForm, WorkspaceChoice};
use crate::shortener::workspaces::{Workspace, name_of};

/// The form before anything is typed: the app is for the workspace that the person sees.
pub fn empty(workspace: Option<&str>) -> AppForm {
    AppForm { workspace: workspace.unwrap_or_default().to_owned(), ..AppForm::default() }
}

/// What was typed, to be shown again.
pub fn typed(fields: &Fields) -> AppForm {
    AppForm {
        name: fields.text("name").to_owned(),
        description: fields.text("description").to_owned(),
        link: fields.text("link").to_owned(),
        logo: fields.text("logo").to_owned(),
        authorization_url: fields.text("authorization_url").to_owned(),
        redirect_uris: fields.text("redirect_uris").to_owned(),
        confidential: fields.text("type") == "confidential",
        development: fields.text("environment") == "development",
        workspace: fields.text("workspace").to_owned(),
        problem: None,
    }
}

/// What was typed, to be shown again with what is wrong with it.
pub fn refused(fields: &Fields, problem: String) -> AppForm {
    AppForm { problem: Some(problem), ..typed(fields) }
}

/// What an app that is there has.
pub fn of(client: &Client) -> AppForm {
    let metadata = client.metadata();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let redirect_uris: Vec<&str> = client.redirect_uris().iter().map(RedirectUri::as_str).collect();
    AppForm {
        name: client.display_name().to_owned(),
        description: text(metadata.description()),
        link: text(metadata.client_uri()),
        logo: text(metadata.logo_uri()),
        authorization_url: text(metadata.initiate_login_uri()),
        redirect_uris: redirect_uris.join("\n"),
        confidential: !client.is_public(),
        development: client.environment() == Environment::Development,
        workspace: text(client.tenant().map(Tenant::as_str)),
        problem: None,
    }
}

/// What the form for a new app asks for.
pub fn for_a_new_app(service: &Service, workspaces: &[Workspace], form: &AppForm) -> AppFields {
    let chosen = match service.workspaces {
        Workspaces::Chosen => WorkspaceChoice::of(workspaces, Some(&form.workspace)),
        Workspaces::Unknown => Vec::new(),
    };
    AppFields {
        kind: true,
        workspaces: chosen,
        password: service.credentials == Credentials::PasswordAgain,
        ..any(service)
    }
}

/// What the form for an app that is there asks for: not what stays as it is for good.
pub fn for_a_known_app(service: &Service) -> AppFields {
    AppFields { kind: false, workspaces: Vec::new(), password: false, ..any(service) }
}

fn any(service: &Service) -> AppFields {
    AppFields {
        environment: service.environments == Environments::Chosen,
        authorization_url: service.app_store == AppStore::Shown,
        ..AppFields::default()
    }
}

/// In which workspace an app works, by its name.
pub fn workspace_of(service: &Service, client: &Client, workspaces: &[Workspace]) -> Option<String> {
    match (client.tenant(), service.workspaces) {
        (Some(tenant), _) => Some(name_of(workspaces, tenant.as_str()).to_owned()),
        (None, Workspaces::Chosen) => Some("All workspaces".to_owned()),
        (None, Workspaces::Unknown) => None,
    }
}

/// The app that the form describes, or what is wrong with it.
pub fn new_app(service: &Service, owner: Subject, fields: &Fields) -> Result<NewApp, String> {
    let confidential = fields.text("type") == "confidential";
    let redirect_uris = redirect_uris(fields)?;
    let mut grant_types = for_users(&redirect_uris);
    if confidential {
        grant_types.push(GrantType::ClientCredentials);
    }
    if grant_types.is_empty() {
        return Err("An app without a secret needs a redirect URI, or it could never get a token.".to_owned());
    }
    let app = NewApp::new(owner, metadata(service, fields)?, redirect_uris).with_grant_types(grant_types);
    let app = match environment(service, fields)? {
        Some(environment) => app.with_environment(environment),
        None => app,
    };
    match (service.workspaces, fields.text("workspace")) {
        (Workspaces::Unknown, _) | (Workspaces::Chosen, "") => Ok(app),
        (Workspaces::Chosen, id) => {
            let tenant = Tenant::parse(id).map_err(|_| "Choose a workspace from the list.".to_owned())?;
            Ok(app.with_tenant(tenant))
        }
    }
}

/// What the form changes of `client`, or what is wrong with it.
pub fn changes(service: &Service, client: &Client, fields: &Fields) -> Result<AppChanges, String> {
    let redirect_uris = redirect_uris(fields)?;
    let mut grant_types = for_users(&redirect_uris);
    if client.allows(GrantType::ClientCredentials) {
        grant_types.push(GrantType::ClientCredentials);
    }
    if grant_types.is_empty() {
        return Err("An app that does not act for itself needs a redirect URI.".to_owned());
    }
    let changes = AppChanges::new()
        .with_metadata(metadata(service, fields)?)
        .with_redirect_uris(redirect_uris)
        .with_grant_types(grant_types);
    Ok(match environment(service, fields)? {
        Some(environment) => changes.with_environment(environment),
        None => changes,
    })
}

fn for_users(redirect_uris: &[RedirectUri]) -> Vec<GrantType> {
    if redirect_uris.is_empty() { Vec::new() } else { vec![GrantType::AuthorizationCode, GrantType::RefreshToken] }
}

fn metadata(service: &Service, fields: &Fields) -> Result<ClientMetadata, String> {
    let name = fields.text("name").trim();
    let metadata = ClientMetadata::new()
        .with_name(name)
        .map_err(|_| "Give the app a name of up to 200 characters, without control characters.".to_owned())?;
    type With = fn(ClientMetadata, &str) -> Result<ClientMetadata, InvalidMetadata>;
    let mut optional: Vec<(&str, With, &str)> = vec![
        ("description", ClientMetadata::with_description, "The description is too long, or has control characters."),
        ("link", ClientMetadata::with_client_uri, "The link should be a web address that begins with https://."),
        ("logo", ClientMetadata::with_logo_uri, "The logo should be a web address that begins with https://."),
    ];
    if service.app_store == AppStore::Shown {
        optional.push((
            "authorization_url",
            ClientMetadata::with_initiate_login_uri,
            "The authorization URL should be a web address that begins with https://.",
        ));
    }
    optional.into_iter().try_fold(metadata, |metadata, (field, with, problem)| match fields.text(field).trim() {
        "" => Ok(metadata),
        text => with(metadata, text).map_err(|_| problem.to_owned()),
    })
}

fn redirect_uris(fields: &Fields) -> Result<Vec<RedirectUri>, String> {
    let mut redirect_uris = Vec::new();
    for line in fields.text("redirect_uris").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let uri = RedirectUri::parse(line).map_err(|error| format!("{line}: {error}."))?;
        if !redirect_uris.contains(&uri) {
            redirect_uris.push(uri);
        }
    }
    Ok(redirect_uris)
}

fn environment(service: &Service, fields: &Fields) -> Result<Option<Environment>, String> {
    match (service.environments, fields.text("environment")) {
        (Environments::Unknown, _) => Ok(None),
        (Environments::Production, _) => Ok(Some(Environment::Production)),
        (Environments::Chosen, "development") => Ok(Some(Environment::Development)),
        (Environments::Chosen, "production") => Ok(Some(Environment::Production)),
        (Environments::Chosen, _) => Err("Choose whether the app is for development or for production.".to_owned()),
    }
}
