//! Snip, a link shortener that has become an OAuth provider: `cargo run --example axum`.
//!
//! `oauth/` and `../provider/` are what that took: the adapter, the extractor, the consent page; the set-up. The rest
//! is the shortener.
//!
//! `--service` runs it as one of the services of `../provider/services/`, such as
//! `cargo run --example axum -- --service clyk`.
//!
//! Environment variables decide the rest, all of them optional:
//!
//! | | |
//! |---|---|
//! | `ADDR` | where to listen: `127.0.0.1:8080` |
//! | `ISSUER` | what browsers and clients call the service, such as `https://links.example`; by default where it listens |
//! | `DATABASE_URL` | where the data is: `sqlite://target/shortener.db`, `postgres://user@host/database`, `redis://host:6379/0`, `redis+cluster://host:7000` (several nodes with commas), `memory:` |
//! | `SHORTENER_DATABASE_URL` | where people, links and sessions are if `DATABASE_URL` is a Redis: `sqlite://target/shortener.db` |
//! | `CLIENTS` | a JSON file of clients to register |
//! | `PLAN` | how often users may call the API of a service that sells plans: `bulk` (100 a minute), `pro` (30), `free` (10), or a number |
//! | `LIMITS` | `off` for no limits at all, as for load tests |
//! | `SIGNING_KEY` | the PEM file of the key of a service that signs its tokens, made if it is not there: `target/shortener.pem` |
//! | `DOCUMENT_NETWORKS` | networks that clients' own documents may be fetched from besides public ones, for tests and intranets: such as `10.20.0.0/16,fd00:20::/32`; by default none |
//! | `DOCUMENT_PORT` | a port that they may be fetched from besides 443 |
//! | `DOCUMENT_CA` | the PEM file of a root certificate that is trusted there besides the public ones |
//! | `MCP_ORIGINS` | the origins of web pages that may call the MCP server besides the service's own: such as `http://localhost:6274,https://agent.example`; by default none |
//! | `MCP_SESSIONS` | `off` for an MCP server without sessions, so that an agent may be sent to another process with each request |
//! | `METRICS_ADDR` | where to serve `/metrics` for Prometheus, to nobody but the operator: such as `127.0.0.1:9090`; by default nowhere |
//! | `REQUEST_TIMEOUT` | the seconds that a client may take to send the head of a request, and again its body: `30` |
//! | `RUST_LOG` | what to log: `info,rmcp=warn` |
//!
//! Several processes may share one PostgreSQL or Redis. They need the same `ISSUER`, and `MCP_SESSIONS=off` unless an agent
//! always gets to the one where its session began.

mod api;
mod app;
mod oauth;
mod pages;
#[path = "../provider/mod.rs"]
mod provider;
#[path = "../shortener/mod.rs"]
mod shortener;
mod web;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::provider::app::App;
use crate::provider::settings::Settings;
use crate::provider::setup;
use crate::web::{metrics, serve};

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,rmcp=warn"));
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
    let settings = Settings::read()?;
    let (listener, address) = settings.listen()?;
    if let Some((listener, address)) = settings.listen_for_metrics()? {
        let served = metrics::serve(listener, provider::metrics::record()?);
        tokio::spawn(served.map_err(|error| format!("METRICS_ADDR: {error}"))?);
        println!("Snip's metrics are at http://{address}/metrics");
    }
    let app = App::open(&settings, address).await?;
    tokio::spawn(setup::purge_forever(app.server.clone(), app.site.sessions.clone()));
    let interrupted = serve::interruption().map_err(|error| format!("interrupts cannot be waited for: {error}"))?;
    app.greet(address);
    serve::serve(listener, app, settings.request_timeout, interrupted).await.map_err(|error| format!("ADDR: {error}"))
}
