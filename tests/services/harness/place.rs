//! Where a service keeps its data.

use std::net::SocketAddr;

use super::super::support::{Example, OwnDatabase};

/// A kind of store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// The memory of the process.
    Memory,
    /// SQLite files, unless the environment asks for a server.
    AskedFor,
    /// A database of its own on a PostgreSQL.
    Postgres,
    /// A database of its own on a Redis.
    Redis,
}

impl Place {
    /// By the name of the module whose tests are there.
    pub fn named(name: &str) -> Self {
        match name {
            "memory" => Self::Memory,
            "usual" => Self::AskedFor,
            "postgres" => Self::Postgres,
            "redis" => Self::Redis,
            other => panic!("there is no place {other}"),
        }
    }

    /// Starts the example there.
    pub fn start(self, variables: &[(&str, &str)]) -> Example {
        let memory = [("DATABASE_URL", "memory:")];
        let (database, variables) = match self {
            Self::Memory => (None, &[&memory[..], variables].concat()[..]),
            Self::AskedFor => (OwnDatabase::asked_for(), variables),
            Self::Postgres => (Some(OwnDatabase::postgres()), variables),
            Self::Redis => (Some(OwnDatabase::redis()), variables),
        };
        Example::start_on(database, SocketAddr::from(([127, 0, 0, 1], 0)), variables)
    }
}
