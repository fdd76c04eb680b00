//! The apps that may use a person's account.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use grantor::client::{ClientId, Vetting};
use grantor::clock::{Clock as _, SystemClock, Timestamp};
use grantor::store::{GrantSummary, Page};
use grantor::{AuthorizationServer, Subject};

use super::app::App;
use super::subject;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::{ConnectedApp, date};
use crate::shortener::workspaces::{self, Workspace};

/// The purpose that the forms' anti-CSRF value is bound to.
pub const REVOKE: &str = "revoke access";
/// How many grants are asked for at once.
const BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// Every app with a live grant, by name. An app may hold several grants, one for each time that it asked.
pub async fn apps(app: &App, user: &User) -> Result<Vec<ConnectedApp>, Problem> {
    let server = &app.server;
    let workspaces = workspaces::of(&app.site.database, user.id).await?;
    let mut grants: BTreeMap<ClientId, Vec<GrantSummary>> = BTreeMap::new();
    for summary in live_grants(server, &subject(user)?).await? {
        if let Some(client) = summary.grant.client.clone() {
            grants.entry(client).or_default().push(summary);
        }
    }
    let mut apps = Vec::new();
    for (id, grants) in grants {
        let client = server.client(&id).await?;
        apps.push(ConnectedApp {
            client_id: id.to_string(),
            name: client.as_ref().map_or_else(|| id.to_string(), |client| client.display_name().to_owned()),
            unverified: client.is_none_or(|client| client.vetting() == Vetting::SelfRegistered),
            scopes: app
                .service
                .scopes
                .iter()
                .filter(|(token, _)| grants.iter().any(|summary| summary.grant.scope.contains(token)))
                .map(|(_, words)| (*words).to_owned())
                .collect(),
            workspaces: workspaces_of(&grants, &workspaces),
            since: day(grants.iter().map(|summary| summary.grant.created_at).min()).unwrap_or_default(),
            last_used: day(grants.iter().filter_map(|summary| summary.last_used_at).max()),
        });
    }
    apps.sort_by_key(|app| app.name.to_lowercase());
    Ok(apps)
}

/// The names of the workspaces that grants are confined to; nothing, if one of them is for all.
fn workspaces_of(grants: &[GrantSummary], workspaces: &[Workspace]) -> Vec<String> {
    let mut names = Vec::new();
    for summary in grants {
        let Some(tenant) = &summary.grant.tenant else { return Vec::new() };
        let known = workspaces.iter().find(|workspace| workspace.id == tenant.as_str());
        // Of a workspace that the person has left, only the id is known.
        let name = known.map_or_else(|| tenant.to_string(), |workspace| workspace.name.clone());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

async fn live_grants(server: &AuthorizationServer, subject: &Subject) -> Result<Vec<GrantSummary>, Problem> {
    let now = SystemClock.now();
    let mut grants = all_grants(server, subject).await?;
    grants.retain(|summary| summary.is_live(now));
    Ok(grants)
}

/// Every grant of a person, also those that have ended.
pub async fn all_grants(server: &AuthorizationServer, subject: &Subject) -> Result<Vec<GrantSummary>, Problem> {
    let mut grants = Vec::new();
    let mut page = Page::first(BATCH);
    loop {
        let batch = server.grants(subject, page).await?;
        let next = batch.get(BATCH.get() as usize - 1).map(|last| Page::after(last.grant.id, BATCH));
        grants.extend(batch);
        match next {
            Some(next) => page = next,
            None => return Ok(grants),
        }
    }
}

fn day(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| date(at.unix_seconds()))
}
