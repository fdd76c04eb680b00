//! The app that a form describes, or what is wrong with it.

use grantor::client::{Client, ClientMetadata, Environment, GrantType, InvalidMetadata};
use grantor::error::{EndpointError, ErrorReason};
use grantor::redirect_uri::{Form, RedirectUri};
use grantor::{AppChanges, NewApp};

use crate::provider::app::App;
use crate::provider::refusal::Refusal;
use crate::provider::services::{AppStore, Environments, Secrets, Service};
use crate::provider::subject;
use crate::provider::workspace_field::chosen_workspace;
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;

const NO_NAME: &str = "Give the app a name of up to 200 characters, without control characters.";
const NO_DESCRIPTION: &str = "The description is too long, or has control characters.";
const NO_LINK: &str = "The web site should be an address that begins with https://.";
const NO_LOGO: &str = "The logo should be an address that begins with https://.";
const NO_AUTHORIZATION_URL: &str = "The authorization URL should be an address that begins with https://, with no # in it \
                                    and no parameter redirect of its own.";
/// Said where the app would have no way to a token.
const NO_REDIRECT_URI: &str = "The app needs a redirect URI, or it could never get a token.";
const NO_ENVIRONMENT: &str = "Choose whether the app is for development or for production.";

type With = fn(ClientMetadata, &str) -> Result<ClientMetadata, InvalidMetadata>;

/// Whether the app is to have a secret.
pub fn is_confidential(service: &Service, fields: &Fields) -> bool {
    service.secrets == Secrets::Offered && fields.text("type") == "confidential"
}

/// The app of `owner` that a form describes.
pub async fn new_app(app: &App, owner: &User, fields: &Fields) -> Result<NewApp, Refusal> {
    let redirect_uris = redirect_uris(fields)?;
    let mut grant_types = for_users(&redirect_uris);
    if is_confidential(&app.service, fields) {
        grant_types.push(GrantType::ClientCredentials);
    }
    if grant_types.is_empty() {
        return Err(NO_REDIRECT_URI.into());
    }
    let metadata = metadata(&app.service, ClientMetadata::new(), fields)?;
    let mut new = NewApp::new(subject(owner)?, metadata, redirect_uris).with_grant_types(grant_types);
    if let Some(environment) = environment(&app.service, fields)? {
        new = new.with_environment(environment);
    }
    Ok(match chosen_workspace(app, owner, fields).await? {
        Some(tenant) => new.with_tenant(tenant),
        None => new,
    })
}

/// What a form changes of `client`.
pub fn changes(service: &Service, client: &Client, fields: &Fields) -> Result<AppChanges, Refusal> {
    let redirect_uris = redirect_uris(fields)?;
    let grant_types = grant_types_after(client, &redirect_uris);
    if grant_types.is_empty() {
        return Err(NO_REDIRECT_URI.into());
    }
    let kept = not_asked_for(service, client.metadata()).map_err(|_| Problem::internal())?;
    let changes = AppChanges::new()
        .with_metadata(metadata(service, kept, fields)?)
        .with_redirect_uris(redirect_uris)
        .with_grant_types(grant_types);
    Ok(match environment(service, fields)? {
        Some(environment) => changes.with_environment(environment),
        None => changes,
    })
}

/// What to say where the server does not take what a form describes, for an app of this environment.
pub fn refused(environment: Environment, fields: &Fields, error: &EndpointError) -> Refusal {
    match (error.reason(), redirect_uris(fields)) {
        (ErrorReason::RedirectUriInvalid, Ok(uris)) => Refusal::Form(why_not(environment, &uris)),
        _ => Refusal::from(error),
    }
}

/// Which redirect URI is not taken: the server says only that there is one.
fn why_not(environment: Environment, uris: &[RedirectUri]) -> String {
    let on_this_computer = |uri: &&RedirectUri| matches!(uri.form(), Form::Loopback(_));
    let without_dot = |uri: &&RedirectUri| uri.form() == Form::PrivateUse && !uri.scheme().contains('.');
    if environment == Environment::Production
        && let Some(uri) = uris.iter().find(on_this_computer)
    {
        format!(
            "{uri} leads to the user's own computer. In production, a redirect URI begins with https://, or has a scheme \
             of your own."
        )
    } else if let Some(uri) = uris.iter().find(without_dot) {
        format!("{uri} has a scheme without a dot. Take one that nobody else has, such as com.example.app.")
    } else {
        format!("An app cannot have {} redirect URIs. Keep those that it uses.", uris.len())
    }
}

fn for_users(redirect_uris: &[RedirectUri]) -> Vec<GrantType> {
    if redirect_uris.is_empty() { Vec::new() } else { vec![GrantType::AuthorizationCode, GrantType::RefreshToken] }
}

/// How `client` gets tokens once it has these redirect URIs: as before, but for what goes by way of one.
fn grant_types_after(client: &Client, redirect_uris: &[RedirectUri]) -> Vec<GrantType> {
    let known = client.grant_types();
    match for_users(redirect_uris) {
        _ if client.allows(GrantType::AuthorizationCode) && !redirect_uris.is_empty() => known.to_vec(),
        mut grant_types => {
            grant_types.extend(known.iter().filter(|known| **known == GrantType::ClientCredentials));
            grant_types
        }
    }
}

/// `metadata` with what the form says of it.
fn metadata(service: &Service, metadata: ClientMetadata, fields: &Fields) -> Result<ClientMetadata, Refusal> {
    let mut asked: Vec<(&str, With, &str)> = vec![
        ("description", ClientMetadata::with_description, NO_DESCRIPTION),
        ("link", ClientMetadata::with_client_uri, NO_LINK),
        ("logo", ClientMetadata::with_logo_uri, NO_LOGO),
    ];
    if service.app_store == AppStore::Shown {
        asked.push(("authorization_url", ClientMetadata::with_initiate_login_uri, NO_AUTHORIZATION_URL));
    }
    let named = metadata.with_name(fields.text("name").trim()).map_err(|_| NO_NAME)?;
    asked.into_iter().try_fold(named, |metadata, (field, with, problem)| match fields.text(field).trim() {
        "" => Ok(metadata),
        text => with(metadata, text).map_err(|_| problem.into()),
    })
}

/// What an operator said of an app, for which the form has no field.
fn not_asked_for(service: &Service, known: &ClientMetadata) -> Result<ClientMetadata, InvalidMetadata> {
    let mut members: Vec<(Option<&str>, With)> = vec![
        (known.tos_uri(), ClientMetadata::with_tos_uri),
        (known.policy_uri(), ClientMetadata::with_policy_uri),
        (known.software_id(), ClientMetadata::with_software_id),
        (known.software_version(), ClientMetadata::with_software_version),
    ];
    if service.app_store == AppStore::Absent {
        members.push((known.initiate_login_uri(), ClientMetadata::with_initiate_login_uri));
    }
    let members = members.into_iter().filter_map(|(text, with)| Some((text?, with)));
    let kept = members.into_iter().try_fold(ClientMetadata::new(), |kept, (text, with)| with(kept, text))?;
    let kept = known.contacts().iter().try_fold(kept, |kept, contact| kept.with_contact(contact))?;
    Ok(match known.application_type() {
        Some(kind) => kept.with_application_type(kind),
        None => kept,
    })
}

fn redirect_uris(fields: &Fields) -> Result<Vec<RedirectUri>, Refusal> {
    let mut redirect_uris = Vec::new();
    for line in fields.text("redirect_uris").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let uri = RedirectUri::parse(line).map_err(|error| Refusal::Form(format!("{line}: {error}.")))?;
        if !redirect_uris.contains(&uri) {
            redirect_uris.push(uri);
        }
    }
    Ok(redirect_uris)
}

/// What the app is for, where a form asks for that.
pub fn environment(service: &Service, fields: &Fields) -> Result<Option<Environment>, Refusal> {
    match (service.environments, fields.text("environment")) {
        (Environments::Unknown, _) => Ok(None),
        (Environments::Production, _) => Ok(Some(Environment::Production)),
        (Environments::Chosen, "development") => Ok(Some(Environment::Development)),
        (Environments::Chosen, "production") => Ok(Some(Environment::Production)),
        (Environments::Chosen, _) => Err(NO_ENVIRONMENT.into()),
    }
}
