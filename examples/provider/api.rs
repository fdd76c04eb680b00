//! What a call of the API comes to, once its token is checked.

use grantor::{Access, Subject, Tenant};
use http::StatusCode;
use serde_json::{Value, json};

use super::app::App;
use super::services::{Operation, Unattended};
use crate::shortener::api::{self, Refusal};
use crate::shortener::links::{self, CreateError};
use crate::shortener::workspaces::{self, Reach};

/// Carries out what a token allows; `body` is what was sent, and null if nothing was.
pub async fn answer(
    app: &App,
    operation: Operation,
    access: &Access,
    body: &Value,
) -> Result<(StatusCode, Value), Refusal> {
    let site = &app.site;
    let user_id = user_id(app, access).await?;
    let owner = async || api::owner(site, user_id).await;
    let reach = async || api::reach(site, user_id, access.tenant().map(Tenant::as_str)).await;
    let database = &site.database;
    let value = match operation {
        Operation::Me if user_id.is_none() => json!({ "client_id": access.client_id().map(|id| id.as_str()) }),
        Operation::Me => api::user_json(&owner().await?),
        Operation::Account => {
            let user = owner().await?;
            api::account_json(&user, &workspaces::of(database, user.id).await?)
        }
        Operation::CreateLink | Operation::CreateShortUrl => {
            let link = create(app, operation, reach().await?, body).await?;
            return Ok((StatusCode::CREATED, link));
        }
        Operation::ListLinks => api::links_json(site, &links::list(database, reach().await?).await?),
        Operation::DeleteLinks => {
            // What is deleted for good is deleted by somebody.
            owner().await?;
            json!({ "deleted": links::delete_all(database, reach().await?).await? })
        }
        Operation::Stats => api::stats_json(links::stats(database, reach().await?).await?),
        Operation::ListShortUrls => api::short_urls_json(site, &links::list(database, reach().await?).await?),
        Operation::ListDomains => {
            reach().await?;
            json!({ "data": [{ "domain": site.authority() }] })
        }
        Operation::ListUsers => {
            json!({ "data": api::people_json(&workspaces::members(database, reach().await?).await?) })
        }
        Operation::ListContacts => {
            json!({ "contacts": api::people_json(&workspaces::members(database, reach().await?).await?) })
        }
    };
    Ok((StatusCode::OK, value))
}

/// The user whom a call acts for; nobody, if an app came by itself and has no data of its own.
async fn user_id(app: &App, access: &Access) -> Result<Option<i64>, Refusal> {
    let id = |subject: &Subject| subject.as_str().parse().ok();
    match (access.subject(), access.client_id(), app.service.unattended) {
        (Some(subject), _, _) => Ok(id(subject)),
        (None, Some(client), Unattended::ForItsOwner) => {
            let client = app.server.client(client).await?;
            Ok(client.and_then(|client| client.owner().and_then(id)))
        }
        (None, _, _) => Ok(None),
    }
}

async fn create(app: &App, operation: Operation, reach: Reach<'_>, body: &Value) -> Result<Value, Refusal> {
    let url = match api::url_in(body) {
        Err(error) if operation == Operation::CreateShortUrl => return Err(error.into_invalid()),
        url => url?,
    };
    match links::create(&app.site.database, reach, url).await {
        Ok(link) => Ok(api::link_json(&app.site, &link)),
        Err(CreateError::Refused(why)) if operation == Operation::CreateShortUrl => Err(Refusal::invalid(why)),
        Err(error) => Err(error.into()),
    }
}
