//! What the environment decides.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use grantor::Issuer;

/// The settings, each checked.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen (`ADDR`).
    pub address: SocketAddr,
    /// Where the data is (`DATABASE_URL`).
    pub database_url: String,
    /// What browsers and clients call the service (`ISSUER`); by default it is where the service listens.
    pub issuer: Option<Issuer>,
    /// Clients to register (`CLIENTS`).
    pub clients: Option<PathBuf>,
    /// How long a client may take to send a request's head, and again its body (`REQUEST_TIMEOUT`, in seconds).
    pub request_timeout: Duration,
}

impl Settings {
    /// Reads the environment. The error is one line for the operator.
    pub fn from_environment() -> Result<Self, String> {
        let address = variable("ADDR")?.unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let address = address.parse().map_err(|_| {
            format!("ADDR is {address:?}, but should be an IP address and a port, such as 127.0.0.1:8080")
        })?;

        let database_url = variable("DATABASE_URL")?.unwrap_or_else(|| "sqlite://target/shortener.db".to_owned());
        if !database_url.starts_with("sqlite:") {
            return Err("DATABASE_URL should name an SQLite file, such as sqlite://target/shortener.db".to_owned());
        }

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
            address,
            database_url,
            issuer,
            clients: variable("CLIENTS")?.map(PathBuf::from),
            request_timeout: Duration::from_secs(request_timeout),
        })
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
