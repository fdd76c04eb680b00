//! The whole application: the shortener, and what made it a provider.

use std::net::SocketAddr;
use std::sync::Arc;

use grantor::client::ClientId;
use grantor::{AuthorizationServer, Issuer};

use super::client::Client;
use super::demo::Demo;
use super::last_used::{self, LastUsed};
use super::mcp::{self, McpServer};
use super::services::{AppStore, Service};
use super::settings::Settings;
use super::setup;
use super::storage::{Place, Storage};
use crate::shortener::database::{self, Database};
use crate::shortener::seed::{self, DEMO_USERS};
use crate::shortener::site::Site;

/// What handlers share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// What the shortener is run as.
    pub service: Arc<Service>,
    /// The shortener.
    pub site: Site,
    /// The authorization server.
    pub server: AuthorizationServer,
    /// When each grant and each secret was last used.
    pub last_used: Arc<LastUsed>,
    /// The apps that the operator vouches for.
    pub recommended: Arc<[ClientId]>,
    /// The demo client.
    pub demo: Arc<Demo>,
    /// The MCP server, if the service has one.
    pub mcp: Option<McpServer>,
}

impl App {
    /// Opens everything, for a service that listens on `address`. The error is one line for the operator.
    pub async fn open(settings: &Settings, address: SocketAddr) -> Result<Self, String> {
        let issuer = match &settings.issuer {
            Some(issuer) => issuer.clone(),
            None => Issuer::parse(&format!("http://{address}"))
                .map_err(|error| format!("ISSUER has to be set, because http://{address} cannot be one: {error}"))?,
        };
        let database = open_database(settings).await?;
        let (observer, used_secrets) = last_used::secret_observer();
        let storage = Storage::open(&settings.place, &database, settings.limits).await?;
        let server = setup::authorization_server(&issuer, settings, &database, &storage, observer)?;
        setup::check(&server).await?;
        let mut recommended = vec![setup::install_demo(&server, &issuer).await?];
        if let Some(file) = &settings.clients {
            let installed = setup::install_clients(&server, file).await?;
            tracing::info!(count = installed.len(), "clients registered");
            recommended.extend(installed);
        }
        let client = Client::new(issuer.as_str(), &format!("http://{address}"), Arc::clone(&settings.service))
            .map_err(|error| format!("the demo client has no HTTP: {error}"))?;
        let last_used = Arc::new(LastUsed::new(storage.tokens));
        tokio::spawn(Arc::clone(&last_used).note_secrets(server.clone(), used_secrets));
        let site = Site::new(settings.service.title, database, issuer.as_str());
        let site = match settings.service.app_store {
            AppStore::Shown => site.with_app_store(),
            AppStore::Absent => site,
        };
        let (service, demo) = (Arc::clone(&settings.service), Arc::new(Demo::new(client)));
        let app = Self { service, site, server, last_used, recommended: recommended.into(), demo, mcp: None };
        let mcp = McpServer::new(&app, &settings.agents).map_err(|error| format!("the MCP server: {error}"))?;
        Ok(Self { mcp, ..app })
    }

    /// Says where it is and how to try it.
    pub fn greet(&self, address: SocketAddr) {
        let origin = &self.site.origin;
        println!("Snip is at {origin} (listening on {address})");
        if self.service.name != "snip" {
            println!("  run as:              {}", self.service.title);
        }
        for user in &DEMO_USERS {
            println!("  sign in as {:<6} with the password {:?}", user.username, user.password);
        }
        println!("  see the whole flow:  {origin}/demo");
        println!("  register an app:     {origin}/developers");
        if self.mcp.is_some() {
            println!("  for an agent:        {origin}{}", mcp::PATH);
        }
        println!("  for a client:        curl {origin}/.well-known/oauth-authorization-server");
    }
}

/// The shortener's own database, with people in it.
async fn open_database(settings: &Settings) -> Result<Database, String> {
    let variable = match settings.place {
        Place::Redis(_) => "SHORTENER_DATABASE_URL",
        Place::Database | Place::Memory => "DATABASE_URL",
    };
    let shown = database::shown(&settings.database_url);
    let database = Database::open(&settings.database_url)
        .await
        .map_err(|error| format!("{variable}: {shown} cannot be opened: {error}"))?;
    seed::add_demo_users(&database).await.map_err(|error| format!("{variable}: {shown}: {error}"))?;
    Ok(database)
}
