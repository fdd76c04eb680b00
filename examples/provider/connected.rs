//! The page of what may use a person's account: apps, and API tokens.

use std::collections::BTreeMap;

use grantor::cimd::ClientIdUrl;
use grantor::client::{ClientId, Vetting};
use grantor::grant::Grant;
use grantor::store::GrantSummary;

use super::app::App;
use super::grants::{self, Grants, day};
use super::services::Service;
use super::{scopes, subject, tokens};
use crate::shortener::form::Fields;
use crate::shortener::problem::Problem;
use crate::shortener::users::User;
use crate::shortener::views::{ConnectedApp, ConnectedGrant, ConnectedPage, Publisher, Section};
use crate::shortener::visitor::Visitor;

/// The purpose that the forms' anti-CSRF value is bound to.
pub const REVOKE: &str = "revoke access";
/// Where the forms go.
const REVOKE_PATH: &str = "/connected/revoke";

/// The page of `user`.
pub async fn page(app: &App, visitor: &Visitor, user: &User) -> Result<ConnectedPage, Problem> {
    let grants = Grants::of(app, user).await?;
    Ok(ConnectedPage {
        layout: visitor.layout("Connected apps", Section::Connected),
        revoke_token: visitor.form_token(REVOKE),
        revoked: false,
        apps: apps(app, &grants).await?,
        list: tokens::list(app, visitor, &grants, REVOKE_PATH, REVOKE).await?,
    })
}

/// Every app with a live grant, by name.
async fn apps(app: &App, grants: &Grants) -> Result<Vec<ConnectedApp>, Problem> {
    let mut by_client: BTreeMap<&ClientId, Vec<&GrantSummary>> = BTreeMap::new();
    for (client, summary) in grants.of_apps() {
        by_client.entry(client).or_default().push(summary);
    }
    let mut apps = Vec::new();
    for (id, summaries) in by_client {
        let client = app.server.client(id).await?;
        apps.push(ConnectedApp {
            client_id: id.to_string(),
            name: client.as_ref().map_or_else(|| id.to_string(), |client| client.display_name().to_owned()),
            unverified: client.is_none_or(|client| client.vetting() == Vetting::SelfRegistered),
            publisher: ClientIdUrl::parse(id.as_str())
                .ok()
                .map(|url| Publisher { host: url.host().to_owned(), address: url.to_string() }),
            grants: distinct(&app.service, grants, &summaries),
        });
    }
    apps.sort_by_key(|app| app.name.to_lowercase());
    Ok(apps)
}

/// The grants of one app. An app gets one each time that it asks; those for the same are one to a person.
fn distinct(service: &Service, grants: &Grants, summaries: &[&GrantSummary]) -> Vec<ConnectedGrant> {
    let mut groups: Vec<Vec<&GrantSummary>> = Vec::new();
    for summary in summaries {
        let same = |group: &&mut Vec<&GrantSummary>| {
            group.first().is_some_and(|first| {
                first.grant.tenant == summary.grant.tenant
                    && facts(service, &first.grant) == facts(service, &summary.grant)
                    && first.grant.scope.contains_all(&summary.grant.scope)
                    && summary.grant.scope.contains_all(&first.grant.scope)
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(summary),
            None => groups.push(vec![summary]),
        }
    }
    groups.sort_by_key(|group| group.iter().map(|summary| summary.grant.created_at).min());
    let row = |group: Vec<&GrantSummary>| {
        let first = group.first()?;
        Some(ConnectedGrant {
            ids: group.iter().map(|summary| summary.grant.id.to_string()).collect(),
            scopes: scopes::words(service, &first.grant.scope),
            place: grants.place(first),
            facts: facts(service, &first.grant),
            since: group.iter().map(|summary| summary.grant.created_at).min().map(day).unwrap_or_default(),
            last_used: group.iter().filter_map(|summary| summary.last_used_at).max().map(day),
        })
    };
    groups.into_iter().filter_map(row).collect()
}

/// What the app said of itself in parameters of the service's own, which are kept with the grant.
fn facts(service: &Service, grant: &Grant) -> Vec<(String, String)> {
    let kept = |(name, words): &(&str, &str)| Some(((*words).to_owned(), grant.extra.get(name)?.as_str()?.to_owned()));
    service.parameters.iter().filter_map(kept).collect()
}

/// Takes back what a form names: single grants, or else all that an app has.
pub async fn revoke(app: &App, user: &User, fields: &Fields) -> Result<(), Problem> {
    let mut ids = fields.all("grant").peekable();
    if ids.peek().is_none() {
        let client = ClientId::parse(fields.text("client_id")).map_err(|_| Problem::bad_request())?;
        return Ok(app.server.withdraw(&subject(user)?, &client).await?);
    }
    for id in ids {
        grants::revoke(app, user, id).await?;
    }
    Ok(())
}
