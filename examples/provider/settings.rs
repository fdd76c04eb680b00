//! What the environment and the arguments decide.

use std::env;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use grantor::Issuer;
use grantor::cimd::AddressPolicy;
use http::HeaderValue;
use url::Url;

use super::limits::Limits;
use super::plans::Plan;
use super::services::{Plans, Service};
use super::storage::Place;

/// Where the data is unless the operator says otherwise.
const DEFAULT_DATABASE: &str = "sqlite://target/shortener.db";

/// Where the signing key is unless the operator says otherwise.
const DEFAULT_SIGNING_KEY: &str = "target/shortener.pem";

/// The settings, each checked.
#[derive(Debug)]
pub struct Settings {
    /// What the shortener is run as (`--service`).
    pub service: Arc<Service>,
    /// Where to listen (`ADDR`).
    pub address: SocketAddr,
    /// Where the shortener's own tables are (`DATABASE_URL`, or `SHORTENER_DATABASE_URL` if that is a Redis).
    pub database_url: String,
    /// Where clients, codes and tokens are.
    pub place: Place,
    /// What browsers and clients call the service (`ISSUER`); by default it is where the service listens.
    pub issuer: Option<Issuer>,
    /// Clients to register (`CLIENTS`).
    pub clients: Option<PathBuf>,
    /// Whether calls are limited, and to which plan (`PLAN`, `LIMITS`).
    pub limits: Limits,
    /// Where the key is that signs access tokens, for a service that signs them (`SIGNING_KEY`); without, it ends with the
    /// process.
    pub signing_key: Option<PathBuf>,
    /// How the documents of clients are fetched, for a service that reads them.
    pub documents: Documents,
    /// How agents reach the MCP server, for a service that has one.
    pub agents: Agents,
    /// Where the numbers for the operator are (`METRICS_ADDR`); by default nothing is recorded.
    pub metrics: Option<SocketAddr>,
    /// How long a client may take to send a request's head, and again its body (`REQUEST_TIMEOUT`, in seconds).
    pub request_timeout: Duration,
}

/// How the documents of clients are fetched: from public addresses, from the usual port, and from whoever has a certificate
/// that browsers trust; and from these.
#[derive(Debug)]
pub struct Documents {
    /// From which addresses (`DOCUMENT_NETWORKS`).
    pub addresses: AddressPolicy,
    /// From which port besides (`DOCUMENT_PORT`).
    pub port: Option<u16>,
    /// Whose certificates are trusted besides (`DOCUMENT_CA`).
    pub authority: Option<PathBuf>,
}

/// How agents reach the MCP server.
#[derive(Debug)]
pub struct Agents {
    /// The origins of web pages that may call it, besides the service's own (`MCP_ORIGINS`).
    pub origins: Vec<HeaderValue>,
    /// Whether it keeps sessions (`MCP_SESSIONS`).
    pub sessions: AgentSessions,
}

/// Whether the MCP server keeps sessions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AgentSessions {
    /// In the memory of the process: an agent has to come back to the one where it began.
    Kept,
    /// There are none, and any process can answer.
    None,
}

impl Settings {
    /// Reads the environment and the arguments. The error is one line for the operator.
    pub fn read() -> Result<Self, String> {
        let service = Arc::new(service(env::args_os().skip(1))?);
        let address = address("ADDR")?.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
        let metrics = self::address("METRICS_ADDR")?;

        let (database_url, place) = databases()?;

        let issuer = variable("ISSUER")?
            .map(|text| {
                let issuer = Issuer::parse(&text).map_err(|error| format!("ISSUER is {text:?}: {error}"))?;
                // The pages' own links begin at the root.
                if issuer.path().is_empty() {
                    Ok(issuer)
                } else {
                    Err(format!("ISSUER is {text:?}, but should have no path"))
                }
            })
            .transpose()?;

        let request_timeout = variable("REQUEST_TIMEOUT")?.unwrap_or_else(|| "30".to_owned());
        let request_timeout = request_timeout.parse().ok().filter(|seconds| (1..=3_600).contains(seconds));
        let request_timeout = request_timeout
            .ok_or_else(|| "REQUEST_TIMEOUT should be a number of seconds from 1 to 3600, such as 30".to_owned())?;

        Ok(Self {
            limits: limits(&service)?,
            signing_key: signing_key(&place)?,
            documents: documents()?,
            agents: agents()?,
            service,
            address,
            database_url,
            place,
            issuer,
            clients: variable("CLIENTS")?.map(PathBuf::from),
            metrics,
            request_timeout: Duration::from_secs(request_timeout),
        })
    }

    /// Listens, and says where: the port 0 is a free one. The error is one line for the operator.
    pub fn listen(&self) -> Result<(TcpListener, SocketAddr), String> {
        listen("ADDR", self.address)
    }

    /// Listens for whoever collects the numbers, if anybody is to, and says where.
    pub fn listen_for_metrics(&self) -> Result<Option<(TcpListener, SocketAddr)>, String> {
        self.metrics.map(|address| listen("METRICS_ADDR", address)).transpose()
    }
}

/// The service that `--service name` or `--service=name` asks for; without, it is Snip itself.
fn service(arguments: impl Iterator<Item = OsString>) -> Result<Service, String> {
    let names = Service::NAMES.join(", ");
    let mut name = "snip".to_owned();
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        name = match argument.split_once('=') {
            Some(("--service", name)) => name.to_owned(),
            None if argument == "--service" => arguments.next().unwrap_or_default(),
            _ => return Err(format!("{argument:?} is no argument; there is --service, with one of {names}")),
        };
    }
    Service::named(&name).ok_or_else(|| format!("--service is {name:?}, but should be one of {names}"))
}

/// A service without plans limits no user, whatever plan is asked for.
fn limits(service: &Service) -> Result<Limits, String> {
    let plan = variable("PLAN")?.unwrap_or_else(|| "bulk".to_owned());
    let plan = Plan::parse(&plan)
        .ok_or_else(|| format!("PLAN is {plan:?}, but should be free, pro, bulk, or a number of calls a minute"))?;
    match variable("LIMITS")?.as_deref() {
        Some("off") => Ok(Limits::Off),
        None | Some("on") => Ok(match service.plans {
            Plans::Sold => Limits::On(plan),
            Plans::Unknown => Limits::Strangers,
        }),
        Some(other) => Err(format!("LIMITS is {other:?}, but should be on or off")),
    }
}

/// How the documents of clients are fetched.
fn documents() -> Result<Documents, String> {
    let networks = variable("DOCUMENT_NETWORKS")?.unwrap_or_default();
    let mut networks = networks.split(',').map(str::trim).filter(|network| !network.is_empty());
    let addresses = networks.try_fold(AddressPolicy::public(), |addresses, network| {
        addresses.with_network(network).map_err(|error| format!("DOCUMENT_NETWORKS has {network:?}: {error}"))
    })?;
    let port = variable("DOCUMENT_PORT")?;
    let port = port.map(|port| port.parse().map_err(|_| format!("DOCUMENT_PORT is {port:?}, but should be a port")));
    Ok(Documents { addresses, port: port.transpose()?, authority: variable("DOCUMENT_CA")?.map(PathBuf::from) })
}

/// How agents reach the MCP server.
fn agents() -> Result<Agents, String> {
    let sessions = match variable("MCP_SESSIONS")?.as_deref() {
        None | Some("on") => AgentSessions::Kept,
        Some("off") => AgentSessions::None,
        Some(other) => return Err(format!("MCP_SESSIONS is {other:?}, but should be on or off")),
    };
    let origins = variable("MCP_ORIGINS")?.unwrap_or_default();
    let origins = origins.split(',').map(str::trim).filter(|origin| !origin.is_empty()).map(|origin| {
        // As browsers send it: no path, no default port, the host in lower case.
        let written = Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == origin);
        let written = written.then(|| HeaderValue::try_from(origin).ok()).flatten();
        written.ok_or_else(|| {
            format!("MCP_ORIGINS has {origin:?}, but should have origins, such as http://localhost:6274")
        })
    });
    Ok(Agents { origins: origins.collect::<Result<_, _>>()?, sessions })
}

/// What is only in memory is signed by a key that is nowhere else either.
fn signing_key(place: &Place) -> Result<Option<PathBuf>, String> {
    let file = variable("SIGNING_KEY")?.map(PathBuf::from);
    Ok(match place {
        Place::Memory => file,
        Place::Database | Place::Redis(_) => file.or_else(|| Some(PathBuf::from(DEFAULT_SIGNING_KEY))),
    })
}

fn listen(variable: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), String> {
    let failed = |error| format!("{variable}: cannot listen on {address}: {error}");
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn address(name: &str) -> Result<Option<SocketAddr>, String> {
    let parsed = variable(name)?.map(|text| {
        text.parse()
            .map_err(|_| format!("{name} is {text:?}, but should be an IP address and a port, such as 127.0.0.1:8080"))
    });
    parsed.transpose()
}

/// The URL of the shortener's own database, and where clients, codes and tokens are.
fn databases() -> Result<(String, Place), String> {
    let url = variable("DATABASE_URL")?.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    match url.split_once(':').map_or("", |(scheme, _)| scheme) {
        "sqlite" | "postgres" | "postgresql" => Ok((url, Place::Database)),
        "memory" => Ok(("sqlite::memory:".to_owned(), Place::Memory)),
        "redis" | "redis+cluster" => {
            // People and links are rows, with or without Redis.
            let own = variable("SHORTENER_DATABASE_URL")?.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
            if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| own.starts_with(scheme)) {
                Ok((own, Place::Redis(url)))
            } else {
                Err(format!(
                    "SHORTENER_DATABASE_URL should begin with sqlite: or postgres:, such as {DEFAULT_DATABASE}"
                ))
            }
        }
        "rediss" => {
            Err("DATABASE_URL: this example is built without TLS for Redis, so it takes redis: only".to_owned())
        }
        _ => Err(format!(
            "DATABASE_URL should begin with sqlite:, postgres:, redis: or memory:, such as {DEFAULT_DATABASE}"
        )),
    }
}

/// An unset and an empty variable are the same.
fn variable(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{name} is not valid UTF-8")),
    }
}
