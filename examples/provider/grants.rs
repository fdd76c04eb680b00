//! What a person let into their account, as their pages show it: the grants of apps, and the tokens that they issued.

use std::num::NonZeroU32;

use grantor::client::ClientId;
use grantor::clock::{Clock as _, SystemClock, Timestamp};
use grantor::error::StoreError;
use grantor::secret::GrantId;
use grantor::store::{GrantStatus, GrantSummary, Page};
use grantor::{AuthorizationServer, Revocation};

use super::app::App;
use super::services::Workspaces;
use super::subject;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::date;
use crate::shortener::workspaces::{self, Workspace};

/// How many grants are asked for at once.
const BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// Everything that a person granted or issued, and where.
#[derive(Debug)]
pub struct Grants {
    summaries: Vec<GrantSummary>,
    workspaces: Vec<Workspace>,
    names_places: bool,
    now: Timestamp,
}

impl Grants {
    /// Those of `user`.
    pub async fn of(app: &App, user: &User) -> Result<Self, Problem> {
        let subject = subject(user)?;
        let mut summaries = Vec::new();
        let mut page = Page::first(BATCH);
        loop {
            let batch = app.server.grants(&subject, page).await?;
            let next = batch.get(BATCH.get() as usize - 1).map(|last| Page::after(last.grant.id, BATCH));
            summaries.extend(batch);
            match next {
                Some(next) => page = next,
                None => break,
            }
        }
        Ok(Self {
            summaries,
            workspaces: workspaces::of(&app.site.database, user.id).await?,
            names_places: app.service.workspaces == Workspaces::Chosen,
            now: SystemClock.now(),
        })
    }

    /// What apps obtained and can still use, each with its app.
    pub fn of_apps(&self) -> impl Iterator<Item = (&ClientId, &GrantSummary)> {
        let live = self.summaries.iter().filter(|summary| summary.is_live(self.now) && summary.grant.name.is_none());
        live.filter_map(|summary| Some((summary.grant.client.as_ref()?, summary)))
    }

    /// The tokens that the person issued on a page, the ended ones too, each with its name.
    pub fn tokens(&self) -> impl Iterator<Item = (&str, &GrantSummary)> {
        self.summaries.iter().filter_map(|summary| Some((summary.grant.name.as_ref()?.as_str(), summary)))
    }

    /// Whether a grant works, and why not.
    pub fn status(&self, summary: &GrantSummary) -> GrantStatus {
        summary.status(self.now)
    }

    /// Where a grant works, in words; nothing if the service knows no places.
    pub fn place(&self, summary: &GrantSummary) -> Option<String> {
        match &summary.grant.tenant {
            Some(tenant) => Some(workspaces::name_of(&self.workspaces, tenant.as_str()).to_owned()),
            None => self.names_places.then(|| "all workspaces".to_owned()),
        }
    }
}

/// What an app is called, and by its identifier once it is gone.
pub async fn app_name(server: &AuthorizationServer, id: &ClientId) -> Result<String, StoreError> {
    Ok(server.client(id).await?.map_or_else(|| id.to_string(), |client| client.display_name().to_owned()))
}

/// Ends the grant that a form names, if it is the person's own.
pub async fn revoke(app: &App, user: &User, id: &str) -> Result<(), Problem> {
    let id: GrantId = id.parse().map_err(|_| Problem::not_found())?;
    match app.server.revoke_own_grant(&subject(user)?, &id).await? {
        Revocation::Revoked => Ok(()),
        Revocation::Unknown => Err(Problem::not_found()),
    }
}

/// The day of an instant, in words.
pub fn day(at: Timestamp) -> String {
    date(at.unix_seconds())
}
