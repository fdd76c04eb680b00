//! The form that describes an app: what it asks for, and what is in it.

use grantor::Tenant;
use grantor::client::{Client, Environment};
use grantor::redirect_uri::RedirectUri;

use crate::provider::services::{AppStore, Credentials, Environments, Secrets, Service, Workspaces};
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
        kind: service.secrets == Secrets::Offered,
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
        own_computer: service.environments == Environments::Unknown,
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
