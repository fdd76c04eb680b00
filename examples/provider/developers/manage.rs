//! What a person does with an app of theirs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use grantor::client::{Client, ClientId, GrantType, SecretMethod};
use grantor::secret::ClientSecret;
use grantor::store::Deletion;
use grantor::{AppChanges, Developer, Subject};

use super::{app_form, described};
use crate::provider::app::App;
use crate::provider::refusal::Refusal;
use crate::provider::services::Secrets;
use crate::provider::{password_again, subject};
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::AppForm;

/// How long the old secret works beside a new one.
const OVERLAP: Duration = Duration::from_hours(24);

/// What came of it.
#[derive(Debug)]
pub enum Managed {
    /// It is done, and this page says so.
    Done(String),
    /// The app is gone.
    Deleted,
    /// There is a new secret, and this is what became of the old one.
    Secret(ClientSecret, &'static str),
    /// The edit form has to be filled in again.
    Refused(Box<AppForm>),
    /// It cannot be done, for this reason.
    Impossible(String),
}

/// What can be done with an app.
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
    const ALL: [Self; 6] =
        [Self::Edit, Self::Secure, Self::RotateSecret, Self::ResetSecret, Self::EndSecret, Self::Delete];

    /// The last part of the path to which its form is sent.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Secure => "secure",
            Self::RotateSecret => "rotate-secret",
            Self::ResetSecret => "reset-secret",
            Self::EndSecret => "end-secret",
            Self::Delete => "delete",
        }
    }

    /// The action of a path.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// Carries out what the form `fields` asks for, which `user` sent from `source`.
pub async fn manage(
    app: &App,
    user: &User,
    source: IpAddr,
    action: Action,
    fields: &Fields,
) -> Result<Managed, Problem> {
    let client = own(app, user, fields).await?;
    let asked = Asked { app, user, owner: subject(user)?, source, client, fields };
    let managed = match action {
        Action::Edit => asked.edit().await,
        Action::Secure => asked.secure().await,
        Action::RotateSecret => asked.rotate_secret().await,
        Action::ResetSecret => asked.reset_secret().await,
        Action::EndSecret => asked.end_secret().await,
        Action::Delete => asked.delete().await,
    };
    match managed {
        Ok(managed) => Ok(managed),
        Err(Refusal::Problem(problem)) => Err(problem),
        Err(Refusal::Form(problem)) if action == Action::Edit => {
            Ok(Managed::Refused(Box::new(app_form::refused(fields, problem))))
        }
        Err(Refusal::Form(problem)) => Ok(Managed::Impossible(problem)),
    }
}

/// What is to be done, with an app that is the person's own.
struct Asked<'a> {
    app: &'a App,
    user: &'a User,
    owner: Subject,
    source: IpAddr,
    client: Arc<Client>,
    fields: &'a Fields,
}

impl Asked<'_> {
    async fn edit(&self) -> Result<Managed, Refusal> {
        let service = &self.app.service;
        let changes = described::changes(service, &self.client, self.fields)?;
        let environment = described::environment(service, self.fields)?.unwrap_or_else(|| self.client.environment());
        match self.app.server.update_app(&self.owner, self.client.id(), changes).await {
            Ok(_) => Ok(self.done(Action::Edit)),
            Err(error) => Err(described::refused(environment, self.fields, &error)),
        }
    }

    async fn secure(&self) -> Result<Managed, Refusal> {
        match (self.fields.text("secure"), self.client.is_public()) {
            ("on", true) => self.make_confidential().await,
            ("off", false) => self.make_public().await,
            ("on", false) | ("off", true) => Ok(self.done(Action::Secure)),
            _ => Err(Problem::bad_request().into()),
        }
    }

    /// Who has a secret may act for itself, as a new app may.
    async fn make_confidential(&self) -> Result<Managed, Refusal> {
        if self.app.service.secrets == Secrets::Never {
            return Err(Problem::not_found().into());
        }
        let developer = self.prove().await?;
        let (server, id) = (&self.app.server, self.client.id());
        let app = server.make_confidential(developer, id, SecretMethod::Basic).await?;
        let grant_types = self.client.grant_types().iter().copied().chain([GrantType::ClientCredentials]);
        let changes = AppChanges::new().with_grant_types(grant_types);
        if let Err(error) = server.update_app(&self.owner, id, changes).await {
            // The secret works, and now is the one time that it can be shown.
            tracing::warn!(%error, client = %id, "an app has a secret now, and cannot act for itself");
        }
        Ok(match app.into_secret() {
            Some(secret) => Managed::Secret(secret, "It had none before."),
            None => self.done(Action::Secure),
        })
    }

    /// Who has no secret cannot act for itself, so that goes first.
    async fn make_public(&self) -> Result<Managed, Refusal> {
        let (server, id) = (&self.app.server, self.client.id());
        if self.client.allows(GrantType::ClientCredentials) {
            let others = self.client.grant_types().iter().copied();
            let others: Vec<GrantType> = others.filter(|other| *other != GrantType::ClientCredentials).collect();
            if others.is_empty() {
                return Err("Without a secret, the app could never get a token. Give it a redirect URI first.".into());
            }
            server.update_app(&self.owner, id, AppChanges::new().with_grant_types(others)).await?;
        }
        server.make_public(&self.owner, id).await?;
        Ok(self.done(Action::Secure))
    }

    async fn rotate_secret(&self) -> Result<Managed, Refusal> {
        self.require_secret()?;
        let developer = self.prove().await?;
        let secret = self.app.server.rotate_secret(developer, self.client.id(), OVERLAP).await?;
        Ok(Managed::Secret(secret, "The one before works for 24 hours more, so that you can change over."))
    }

    async fn reset_secret(&self) -> Result<Managed, Refusal> {
        self.require_secret()?;
        let developer = self.prove().await?;
        let secret = self.app.server.reset_secret(developer, self.client.id()).await?;
        Ok(Managed::Secret(secret, "The one before no longer works."))
    }

    async fn end_secret(&self) -> Result<Managed, Refusal> {
        self.require_secret()?;
        self.app.server.end_previous_secret(&self.owner, self.client.id()).await?;
        Ok(self.done(Action::EndSecret))
    }

    async fn delete(&self) -> Result<Managed, Refusal> {
        match self.app.server.delete_own_client(&self.owner, self.client.id()).await.map_err(Problem::from)? {
            Deletion::Deleted => Ok(Managed::Deleted),
            Deletion::Unknown => Err(Problem::not_found().into()),
        }
    }

    /// A secret outlives the session, as an app does.
    async fn prove(&self) -> Result<Developer<'_>, Refusal> {
        let developer = Developer::new(&self.owner);
        let proved_at = password_again::check(self.app, self.user, self.source, self.fields).await?;
        Ok(proved_at.map_or(developer, |at| developer.with_authenticated_at(at)))
    }

    fn require_secret(&self) -> Result<(), Refusal> {
        if self.client.is_public() {
            return Err("The app has no secret, because it is not a secure application.".into());
        }
        Ok(())
    }

    fn done(&self, action: Action) -> Managed {
        Managed::Done(format!("{}&done={}", super::path(self.client.id()), action.as_str()))
    }
}

/// The app that a form is about, if it is one of the person's own.
pub async fn own(app: &App, owner: &User, fields: &Fields) -> Result<Arc<Client>, Problem> {
    own_app(app, owner, fields.text("client_id")).await
}

/// The app that is called `id`, if it is one of the person's own.
pub async fn own_app(app: &App, owner: &User, id: &str) -> Result<Arc<Client>, Problem> {
    let id = ClientId::parse(id).map_err(|_| Problem::not_found())?;
    let client = app.server.client(&id).await?;
    let owner = subject(owner)?;
    client.filter(|client| client.owner() == Some(&owner)).ok_or_else(Problem::not_found)
}
