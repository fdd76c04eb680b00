//! What a person does with an app of theirs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use grantor::client::{Client, ClientId, GrantType, SecretMethod};
use grantor::error::EndpointError;
use grantor::secret::ClientSecret;
use grantor::store::Deletion;
use grantor::{AppChanges, Developer, Subject};

use super::app_form;
use crate::provider::app::App;
use crate::provider::password_again::{self, Proof};
use crate::provider::{refusal, subject};
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::AppForm;

/// How long the old secret works beside a new one.
const OVERLAP: Duration = Duration::from_hours(24);

/// What came of it.
#[derive(Debug)]
pub enum Managed {
    /// It is done; the page says so.
    Done,
    /// The app is gone.
    Deleted,
    /// There is a new secret, and this is what became of the old one.
    Secret(ClientSecret, &'static str),
    /// The edit form has to be filled in again.
    Refused(Box<AppForm>),
    /// It cannot be done, for this reason.
    Impossible(String),
}

/// What can be done with an app, as the last part of the path to which the form is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Changes what the app is called, where it takes people, and what it is for.
    Edit,
    /// Turns the switch that says whether the app can keep a secret.
    Secure,
    /// Makes a new secret; the old one works for a day more.
    RotateSecret,
    /// Makes a new secret; the old one stops at once.
    ResetSecret,
    /// Ends the secret before the present one.
    EndSecret,
    /// Deletes the app, and ends its access to every account.
    Delete,
}

impl Action {
    /// The action of a path.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "edit" => Some(Self::Edit),
            "secure" => Some(Self::Secure),
            "rotate-secret" => Some(Self::RotateSecret),
            "reset-secret" => Some(Self::ResetSecret),
            "end-secret" => Some(Self::EndSecret),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// Carries out what `user` asks for, in a form that came from `source`.
pub async fn manage(
    app: &App,
    user: &User,
    source: IpAddr,
    action: Action,
    fields: &Fields,
) -> Result<Managed, Problem> {
    let client = own(app, user, fields).await?;
    let (server, id, owner) = (&app.server, client.id(), subject(user)?);
    let developer = match makes_secret(action, fields) {
        false => Developer::new(&owner),
        true => match password_again::check(app, user, source, fields).await? {
            Proof::NotAsked => Developer::new(&owner),
            Proof::At(at) => Developer::new(&owner).with_authenticated_at(at),
            Proof::Wrong => return Ok(Managed::Impossible(password_again::WRONG.to_owned())),
        },
    };
    let managed = match action {
        Action::Edit => return edit(app, &owner, &client, fields).await,
        Action::Secure => secure(app, developer, &client, fields).await?,
        Action::RotateSecret => {
            let before = "The one before works for 24 hours more, so that you can change over.";
            server.rotate_secret(developer, id, OVERLAP).await.map(|new| Managed::Secret(new, before))
        }
        Action::ResetSecret => {
            server.reset_secret(developer, id).await.map(|new| Managed::Secret(new, "The one before no longer works."))
        }
        Action::EndSecret => server.end_previous_secret(&owner, id).await.map(|()| Managed::Done),
        Action::Delete => {
            return match server.delete_own_client(&owner, id).await? {
                Deletion::Deleted => Ok(Managed::Deleted),
                Deletion::Unknown => Err(Problem::not_found()),
            };
        }
    };
    managed.or_else(|error| refusal::words(&error).map(Managed::Impossible))
}

fn makes_secret(action: Action, fields: &Fields) -> bool {
    match action {
        Action::RotateSecret | Action::ResetSecret => true,
        Action::Secure => fields.text("secure") == "on",
        Action::Edit | Action::EndSecret | Action::Delete => false,
    }
}

async fn edit(app: &App, owner: &Subject, client: &Client, fields: &Fields) -> Result<Managed, Problem> {
    let edited = match app_form::changes(&app.service, client, fields) {
        Ok(changes) => app.server.update_app(owner, client.id(), changes).await,
        Err(problem) => return Ok(Managed::Refused(Box::new(app_form::refused(fields, problem)))),
    };
    match edited {
        Ok(_) => Ok(Managed::Done),
        Err(error) => Ok(Managed::Refused(Box::new(app_form::refused(fields, refusal::words(&error)?)))),
    }
}

async fn secure(
    app: &App,
    developer: Developer<'_>,
    client: &Client,
    fields: &Fields,
) -> Result<Result<Managed, EndpointError>, Problem> {
    Ok(match (fields.text("secure"), client.is_public()) {
        ("on", true) => {
            let changed = app.server.make_confidential(developer, client.id(), SecretMethod::Post).await;
            changed.map(|app| match app.into_secret() {
                Some(secret) => Managed::Secret(secret, "It had none before."),
                None => Managed::Done,
            })
        }
        ("off", false) => make_public(app, developer.subject(), client).await.map(|()| Managed::Done),
        ("on", false) | ("off", true) => Ok(Managed::Done),
        _ => return Err(Problem::bad_request()),
    })
}

/// Who has no secret cannot act for itself, so that goes first.
async fn make_public(app: &App, owner: &Subject, client: &Client) -> Result<(), EndpointError> {
    if client.allows(GrantType::ClientCredentials) {
        let others = client.grant_types().iter().copied().filter(|grant| *grant != GrantType::ClientCredentials);
        app.server.update_app(owner, client.id(), AppChanges::new().with_grant_types(others)).await?;
    }
    app.server.make_public(owner, client.id()).await.map(|_| ())
}

/// The app that a form is about, if it is one of the person's own.
pub async fn own(app: &App, owner: &User, fields: &Fields) -> Result<Arc<Client>, Problem> {
    let id = ClientId::parse(fields.text("client_id")).map_err(|_| Problem::not_found())?;
    let client = app.server.client(&id).await?;
    let owner = subject(owner)?;
    client.filter(|client| client.owner() == Some(&owner)).ok_or_else(Problem::not_found)
}
