//! The apps that may use the person's account.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use grantor::Subject;
use grantor::client::{ClientId, Vetting};
use grantor::clock::{Clock as _, SystemClock, Timestamp};
use grantor::store::{GrantSummary, Page};
use serde::Deserialize;

use crate::app::App;
use crate::oauth;
use crate::shortener::views::{ConnectedApp, ConnectedPage, Section, date};
use crate::web::{Form, Problem, SignedIn, html, see_other};

/// The purpose that the forms' anti-CSRF value is bound to.
const REVOKE: &str = "revoke access";
/// How many grants are asked for at once.
const BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// What the page may be asked to confirm.
#[derive(Debug, Default, Deserialize)]
pub struct Confirmation {
    revoked: Option<String>,
}

/// `GET /connected`
pub async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    Query(confirmation): Query<Confirmation>,
) -> Result<Response, Problem> {
    let subject = oauth::subject(&signed_in.user)?;
    html(&ConnectedPage {
        layout: signed_in.visitor.layout("Connected apps", Section::Connected),
        revoke_token: signed_in.visitor.form_token(REVOKE),
        revoked: confirmation.revoked.is_some(),
        apps: connected_apps(&app, &subject).await?,
    })
}

/// `POST /connected/revoke`
pub async fn revoke(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Problem> {
    signed_in.visitor.require_own(&form, REVOKE)?;
    let client =
        ClientId::parse(form.fields.text("client_id")).map_err(|_| Problem::of_status(StatusCode::BAD_REQUEST))?;
    app.server.withdraw(&oauth::subject(&signed_in.user)?, &client).await?;
    Ok(see_other("/connected?revoked=1"))
}

/// Every app with a live grant, by name. An app may hold several grants, one for each time that it asked.
async fn connected_apps(app: &App, subject: &Subject) -> Result<Vec<ConnectedApp>, Problem> {
    let mut grants: BTreeMap<ClientId, Vec<GrantSummary>> = BTreeMap::new();
    for summary in live_grants(app, subject).await? {
        if let Some(client) = summary.grant.client.clone() {
            grants.entry(client).or_default().push(summary);
        }
    }
    let mut apps = Vec::new();
    for (id, grants) in grants {
        let client = app.server.client(&id).await?;
        apps.push(ConnectedApp {
            client_id: id.to_string(),
            name: client.as_ref().map_or_else(|| id.to_string(), |client| client.display_name().to_owned()),
            unverified: client.is_none_or(|client| client.vetting() == Vetting::SelfRegistered),
            scopes: oauth::SCOPES
                .iter()
                .filter(|(token, _)| grants.iter().any(|summary| summary.grant.scope.contains(token)))
                .map(|(_, words)| (*words).to_owned())
                .collect(),
            since: day(grants.iter().map(|summary| summary.grant.created_at).min()).unwrap_or_default(),
            last_used: day(grants.iter().filter_map(|summary| summary.last_used_at).max()),
        });
    }
    apps.sort_by_key(|app| app.name.to_lowercase());
    Ok(apps)
}

async fn live_grants(app: &App, subject: &Subject) -> Result<Vec<GrantSummary>, Problem> {
    let now = SystemClock.now();
    let mut live = Vec::new();
    let mut page = Page::first(BATCH);
    loop {
        let batch = app.server.grants(subject, page).await?;
        let next = batch.get(BATCH.get() as usize - 1).map(|last| Page::after(last.grant.id, BATCH));
        live.extend(batch.into_iter().filter(|summary| summary.is_live(now)));
        match next {
            Some(next) => page = next,
            None => return Ok(live),
        }
    }
}

fn day(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| date(at.unix_seconds()))
}
