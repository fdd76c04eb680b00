//! The apps that the person registered.

use std::num::NonZeroU32;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use grantor::client::{Client, ClientId, ClientMetadata, GrantType};
use grantor::error::EndpointError;
use grantor::redirect_uri::RedirectUri;
use grantor::store::{Deletion, Page};
use grantor::{DeveloperApp, NewApp, Subject};
use serde::Deserialize;

use crate::app::App;
use crate::oauth;
use crate::shortener::views::{AppDetails, AppForm, AppRegisteredPage, DevelopersPage, Section, date};
use crate::web::{Form, Problem, SignedIn, html, see_other};

/// The purposes that the forms' anti-CSRF values are bound to.
const REGISTER: &str = "register app";
const DELETE: &str = "delete app";
/// How many apps one person may have.
const MAX_APPS: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);

/// What the page may be asked to confirm.
#[derive(Debug, Default, Deserialize)]
pub struct Confirmation {
    deleted: Option<String>,
}

/// `GET /developers`
pub async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(confirmation): Query<Confirmation>,
) -> Result<Response, Problem> {
    page(&app, &signed_in, confirmation.deleted.is_some(), AppForm::default()).await
}

async fn page(app: &App, signed_in: &SignedIn, deleted: bool, form: AppForm) -> Result<Response, Problem> {
    let owner = oauth::subject(&signed_in.user)?;
    let apps = app.server.apps(&owner, Page::first(MAX_APPS)).await?;
    html(&DevelopersPage {
        layout: signed_in.visitor.layout("Developers", Section::Developers),
        register_token: signed_in.visitor.form_token(REGISTER),
        delete_token: signed_in.visitor.form_token(DELETE),
        deleted,
        apps: apps.iter().map(|client| details(client)).collect(),
        form,
        scopes: oauth::SCOPES.iter().map(|(token, words)| ((*token).to_owned(), (*words).to_owned())).collect(),
        issuer: app.origin.to_string(),
    })
}

/// `POST /developers`
pub async fn register(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Problem> {
    signed_in.visitor.require_own(&form, REGISTER)?;
    let owner = oauth::subject(&signed_in.user)?;
    let confidential = form.fields.text("type") == "confidential";
    let registered = match new_app(&form, owner.clone(), confidential) {
        Ok(_) if has_enough(&app, &owner).await? => Err("You have as many apps as one person may have.".to_owned()),
        Ok(new_app) if confidential => described(app.server.register_confidential_app(new_app).await)?,
        Ok(new_app) => described(app.server.register_public_app(new_app).await)?,
        Err(problem) => Err(problem),
    };
    let registered = match registered {
        Ok(registered) => registered,
        Err(problem) => {
            let form = AppForm {
                name: form.fields.text("name").to_owned(),
                redirect_uris: form.fields.text("redirect_uris").to_owned(),
                confidential,
                problem: Some(problem),
            };
            let page = page(&app, &signed_in, false, form).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    // Shown by the answer itself, not after a redirect: the secret is known only now.
    html(&AppRegisteredPage {
        layout: signed_in.visitor.layout("App registered", Section::Developers),
        app: details(registered.client()),
        secret: registered.secret().map(|secret| secret.expose().to_owned()),
        issuer: app.origin.to_string(),
    })
}

/// What is wrong with the app is for the form; what is wrong with the server is not.
fn described(registered: Result<DeveloperApp, EndpointError>) -> Result<Result<DeveloperApp, String>, Problem> {
    match registered {
        Ok(registered) => Ok(Ok(registered)),
        Err(error) if error.store_error().is_some() => Err(Problem::unavailable()),
        Err(error) => Ok(Err(error.description().to_owned())),
    }
}

async fn has_enough(app: &App, owner: &Subject) -> Result<bool, Problem> {
    let apps = app.server.apps(owner, Page::first(MAX_APPS)).await?;
    Ok(apps.len() >= MAX_APPS.get() as usize)
}

/// What the form describes, or what is wrong with it.
fn new_app(form: &Form, owner: Subject, confidential: bool) -> Result<NewApp, String> {
    let name = form.fields.text("name").trim();
    let metadata = ClientMetadata::new()
        .with_name(name)
        .map_err(|_| "Give the app a name of up to 200 characters, without control characters.".to_owned())?;

    let mut redirect_uris = Vec::new();
    for line in form.fields.text("redirect_uris").lines().map(str::trim).filter(|line| !line.is_empty()) {
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

/// `POST /developers/delete`
pub async fn delete(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Problem> {
    signed_in.visitor.require_own(&form, DELETE)?;
    let not_found = || Problem::of_status(StatusCode::NOT_FOUND);
    let id = ClientId::parse(form.fields.text("client_id")).map_err(|_| not_found())?;
    let owner = oauth::subject(&signed_in.user)?;
    match app.server.delete_own_client(&owner, &id).await? {
        Deletion::Deleted => Ok(see_other("/developers?deleted=1")),
        Deletion::Unknown => Err(not_found()),
    }
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
