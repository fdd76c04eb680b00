//! Servers that a test starts for itself, from installed programs, and stops.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use super::postgres::eventually;

/// Where a program is. Distributions keep some off the path.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(name)))
        .filter(|path| path.exists())
        .collect();
    versions.sort();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let others =
        std::env::split_paths(&others).chain([PathBuf::from("/usr/sbin")]).map(|directory| directory.join(name));
    versions
        .pop()
        .or_else(|| others.into_iter().find(|path| path.exists()))
        .unwrap_or_else(|| panic!("{name} is not installed"))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The ids of the user and group called postgres.
fn postgres_ids() -> (u32, u32) {
    let id = |option| {
        let output = Command::new("id").args([option, "postgres"]).output().unwrap();
        String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse()
            .expect("there is no user postgres to run servers for root")
    };
    (id("-u"), id("-g"))
}

/// A command that runs as somebody whom these servers accept: they refuse to be started by root.
fn command(name: &str) -> Command {
    let mut command = Command::new(program(name));
    if is_root() {
        let (user, group) = postgres_ids();
        command.uid(user).gid(group);
    }
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A directory that the servers may write to.
fn directory() -> TempDir {
    let directory = tempfile::Builder::new().prefix("grantor-server-").tempdir().unwrap();
    if is_root() {
        let (user, group) = postgres_ids();
        std::os::unix::fs::chown(directory.path(), Some(user), Some(group)).unwrap();
    }
    directory
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A PostgreSQL server with a database of its own.
pub struct Server {
    directory: TempDir,
    port: u16,
}

impl Server {
    pub fn new() -> Self {
        let server = Self { directory: directory(), port: free_port() };
        let mut initdb = command("initdb");
        initdb.arg("-D").arg(server.data()).args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]);
        assert!(initdb.status().unwrap().success(), "initdb failed");
        server.start();
        server
    }

    pub fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new().host("127.0.0.1").port(self.port).username("postgres").database("postgres")
    }

    pub fn start(&self) {
        let settings = format!("-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories=", self.port);
        let log = self.directory.path().join("log");
        let started = self.pg_ctl().arg("-l").arg(&log).args(["-w", "-t", "60", "-o", &settings, "start"]).status();
        assert!(started.unwrap().success(), "{}", std::fs::read_to_string(log).unwrap_or_default());
    }

    /// Stops it as a crash would: nothing is written any more, and the next start recovers from the log.
    pub fn crash(&self) {
        assert!(self.pg_ctl().args(["-m", "immediate", "-w", "stop"]).status().unwrap().success());
    }

    fn pg_ctl(&self) -> Command {
        let mut command = command("pg_ctl");
        command.arg("-D").arg(self.data());
        command
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.pg_ctl().args(["-m", "immediate", "stop"]).stderr(Stdio::null()).status();
    }
}

/// PgBouncer, which gives a server's connection to a client for one transaction at a time.
pub struct Proxy {
    process: Child,
    pub options: PgConnectOptions,
    _directory: TempDir,
}

impl Proxy {
    /// Before the server of `options`, with so many connections to it.
    pub async fn before(options: &PgConnectOptions, connections: u32) -> Self {
        let (directory, port) = (directory(), free_port());
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, settings(options, port, connections)).unwrap();
        let process = command("pgbouncer").arg("-q").arg(&file).stderr(Stdio::null()).spawn().unwrap();
        let options = options.clone().host("127.0.0.1").port(port);
        // The proxy refuses the parameter.
        let proxy = Self { process, options: options.extra_float_digits(None), _directory: directory };
        eventually("pgbouncer does not answer", async || PgConnection::connect_with(&proxy.options).await.is_ok())
            .await;
        proxy
    }
}

fn settings(options: &PgConnectOptions, port: u16, connections: u32) -> String {
    format!(
        "[databases]\n* = host={} port={} user={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = {connections}\n\
         max_client_conn = 500\n",
        options.get_host(),
        options.get_port(),
        options.get_username(),
    )
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
