//! More that can be known of a running example and done to it.

use std::fs;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::example::{DATABASE, Example, database_url, launch, with_database};
use super::sabotage::run_sqlite;
use super::server::{Kind, OwnDatabase};

impl Example {
    /// The one that tests share which leave each other in peace. It lives as long as a test holds it.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Example>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let example = Arc::new(Self::start());
            *shared = Arc::downgrade(&example);
            example
        })
    }

    /// Starts it on a free port, with an SQLite file whatever the tests are run on.
    pub fn start_on_sqlite() -> Self {
        Self::start_on(None, SocketAddr::from(([127, 0, 0, 1], 0)), &[])
    }

    /// Starts it on a free port, with a PostgreSQL database of its own.
    pub fn start_on_postgres() -> Self {
        Self::start_on(Some(OwnDatabase::postgres()), SocketAddr::from(([127, 0, 0, 1], 0)), &[])
    }

    /// Where it is: scheme, host and port, which is also its issuer.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The database's files, byte for byte.
    pub fn database(&self) -> Vec<u8> {
        let files = fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap());
        let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(DATABASE));
        files.flat_map(|file| fs::read(file.path()).unwrap()).collect()
    }

    /// The URL of the database, for a look from the side.
    pub fn database_url(&self) -> String {
        self.own_database.as_ref().map_or_else(|| database_url(self.directory.path()), |own| own.url().to_owned())
    }

    /// Changes the database from the side; beside a Redis, the tables are in a file.
    pub fn run_sql(&self, sql: &str) {
        match &self.own_database {
            Some(database) if matches!(database.kind, Kind::Postgres { .. }) => database.run_sql(sql),
            _ => run_sqlite(&database_url(self.directory.path()), sql),
        }
    }

    pub const fn is_on_a_server(&self) -> bool {
        self.own_database.is_some()
    }

    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// Ends the process without a chance to finish anything (`kill -9`).
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again after [`kill`](Self::kill): same address, same database, these environment variables.
    pub fn restart_with(&mut self, variables: &[(&str, &str)]) {
        self.launches += 1;
        let variables = with_database(self.own_database.as_ref(), variables);
        let (process, _) = launch(self.directory.path(), &variables, self.address, self.launches)
            .unwrap_or_else(|output| panic!("the example did not start again:\n{output}"));
        self.process = process;
    }
}
