//! Snip, a link shortener that has become an OAuth provider: `cargo run --example axum`.
//!
//! `oauth/` is what that took: the adapter, the extractor, the consent page, the set-up. The rest is the shortener.
//!
//! Environment variables decide, all of them optional:
//!
//! | | |
//! |---|---|
//! | `ADDR` | where to listen: `127.0.0.1:8080` |
//! | `ISSUER` | what browsers and clients call the service, such as `https://links.example`; by default where it listens |
//! | `DATABASE_URL` | where the data is: `sqlite://target/shortener.db`, `postgres://user@host/database`, `redis://host:6379/0`, `redis+cluster://host:7000` (several nodes with commas) |
//! | `SHORTENER_DATABASE_URL` | where people, links and sessions are if `DATABASE_URL` is a Redis: `sqlite://target/shortener.db` |
//! | `CLIENTS` | a JSON file of clients to register |
//! | `REQUEST_TIMEOUT` | the seconds that a client may take to send the head of a request, and again its body: `30` |
//! | `RUST_LOG` | what to log: `info` |
//!
//! Several processes may share one PostgreSQL or Redis. They need the same `ISSUER`.

mod api;
mod app;
mod oauth;
mod pages;
mod settings;
#[path = "../shortener/mod.rs"]
mod shortener;
mod web;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use grantor::Issuer;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::oauth::last_used::LastUsed;
use crate::oauth::setup;
use crate::pages::demo::{Client, Connections, Demo};
use crate::settings::Settings;
use crate::shortener::database::{self, Database};
use crate::shortener::seed::{self, DEMO_USERS};
use crate::web::serve;
use crate::web::session_store::Sessions;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("snip: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the service and serves until it is interrupted. The error is one line for the operator.
async fn run() -> Result<(), String> {
    let settings = Settings::from_environment()?;
    let listener = TcpListener::bind(settings.address)
        .await
        .map_err(|error| format!("ADDR: cannot listen on {}: {error}", settings.address))?;
    let address = listener.local_addr().map_err(|error| format!("ADDR: {error}"))?;
    let issuer = match &settings.issuer {
        Some(issuer) => issuer.clone(),
        None => Issuer::parse(&format!("http://{address}"))
            .map_err(|error| format!("ISSUER has to be set, because http://{address} cannot be one: {error}"))?,
    };

    let database = open_database(&settings).await?;
    let (stores, tokens) = setup::stores(&database, settings.redis_url.as_deref()).await?;
    let server = setup::authorization_server(&issuer, stores)?;
    setup::check(&server).await?;
    setup::install_demo(&server, &issuer).await?;
    if let Some(file) = &settings.clients {
        let count = setup::install_clients(&server, file).await?;
        tracing::info!(count, "clients registered");
    }
    let client = Client::new(issuer.as_str(), &format!("http://{address}"))
        .map_err(|error| format!("the demo client has no HTTP: {error}"))?;

    tokio::spawn(setup::purge_forever(server.clone(), Sessions::new(database.clone())));
    let app = App {
        origin: issuer.as_str().into(),
        database,
        throttle: Arc::default(),
        server,
        last_used: Arc::new(LastUsed::new(tokens)),
        demo: Arc::new(Demo { client, connections: Connections::default() }),
    };
    let interrupted = serve::interruption().map_err(|error| format!("interrupts cannot be waited for: {error}"))?;
    greet(&issuer, address);
    serve::serve(listener, app::router(app), settings.request_timeout, interrupted).await;
    Ok(())
}

/// The shortener's own database, with people in it.
async fn open_database(settings: &Settings) -> Result<Database, String> {
    let variable = if settings.redis_url.is_some() { "SHORTENER_DATABASE_URL" } else { "DATABASE_URL" };
    let shown = database::shown(&settings.database_url);
    let database = Database::open(&settings.database_url)
        .await
        .map_err(|error| format!("{variable}: {shown} cannot be opened: {error}"))?;
    seed::add_demo_users(&database).await.map_err(|error| format!("{variable}: {shown}: {error}"))?;
    Ok(database)
}

/// Says where it is and how to try it.
fn greet(issuer: &Issuer, address: SocketAddr) {
    println!("Snip is at {issuer} (listening on {address})");
    for user in &DEMO_USERS {
        println!("  sign in as {:<6} with the password {:?}", user.username, user.password);
    }
    println!("  see the whole flow:  {issuer}/demo");
    println!("  register an app:     {issuer}/developers");
    println!("  for a client:        curl {issuer}/.well-known/oauth-authorization-server");
}
