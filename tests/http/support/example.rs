//! The example, as a process of its own.

use std::env;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::server::OwnDatabase;
use crate::EXAMPLE;

/// How often a start is looked at, and how long to pause between two looks: together a minute, for a machine that is
/// busy.
const LOOKS: u32 = 3_000;
const PAUSE: Duration = Duration::from_millis(20);
/// What the environment may say that a test does not.
const VARIABLES: [&str; 13] = [
    "ADDR",
    "CLIENTS",
    "DOCUMENT_CA",
    "DOCUMENT_NETWORKS",
    "DOCUMENT_PORT",
    "ISSUER",
    "LIMITS",
    "MCP_ORIGINS",
    "MCP_SESSIONS",
    "METRICS_ADDR",
    "PLAN",
    "REQUEST_TIMEOUT",
    "RUST_LOG",
];
/// The name of the database's file; those that belong to it begin with it.
pub(super) const DATABASE: &str = "snip.db";

/// A running example with a database of its own; it is killed when this is dropped.
#[derive(Debug)]
pub struct Example {
    pub(super) process: Child,
    pub(super) directory: TempDir,
    pub(super) address: SocketAddr,
    pub(super) launches: u32,
    pub(super) own_database: Option<OwnDatabase>,
}

impl Example {
    /// Starts it on a free port.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts it on a free port, with these environment variables as well; a name that begins with `--` is an argument.
    pub fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), variables)
    }

    /// Starts it at an address; the port 0 is a free one.
    pub fn start_at(address: SocketAddr, variables: &[(&str, &str)]) -> Self {
        Self::start_on(OwnDatabase::asked_for(), address, variables)
    }

    /// Starts it on a database of its own on a server, or on an SQLite file.
    pub fn start_on(own_database: Option<OwnDatabase>, address: SocketAddr, variables: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let variables = with_database(own_database.as_ref(), variables);
        let (process, address) = launch(directory.path(), &variables, address, 1)
            .unwrap_or_else(|output| panic!("the example did not start:\n{output}"));
        Self { process, directory, address, launches: 1, own_database }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that it wrote since it was started the last time.
    pub fn output(&self) -> String {
        fs::read_to_string(output_file(self.directory.path(), self.launches)).unwrap()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Not before the process that uses it has gone.
        drop(self.own_database.take());
        if thread::panicking() {
            eprintln!("the example's output:\n{}", self.output());
        }
    }
}

/// The example, to be started with a database in `directory`, and without anything that the environment says about it.
pub fn command(directory: &Path) -> Command {
    let mut command = Command::new(binary());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.env("SIGNING_KEY", directory.join("signing-key.pem"));
    command.env("DATABASE_URL", database_url(directory)).env("SHORTENER_DATABASE_URL", database_url(directory));
    command.stdin(Stdio::null());
    command
}

/// The variables for a process on this database; the test's own come last, and count.
pub(super) fn with_database<'a>(
    database: Option<&'a OwnDatabase>,
    variables: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    database.map(|database| ("DATABASE_URL", database.url())).into_iter().chain(variables.iter().copied()).collect()
}

pub(super) fn database_url(directory: &Path) -> String {
    format!("sqlite://{}", directory.join(DATABASE).display())
}

/// Starts the process and waits until it answers; the error is what it said before it ended.
pub(super) fn launch(
    directory: &Path,
    variables: &[(&str, &str)],
    address: SocketAddr,
    number: u32,
) -> Result<(Child, SocketAddr), String> {
    let file = output_file(directory, number);
    let mut process = spawn(directory, variables, address, &file);
    for _ in 0..LOOKS {
        let output = fs::read_to_string(&file).unwrap();
        let ended = process.try_wait().unwrap().is_some();
        if ended && output.contains("cannot listen") && address.port() != 0 {
            // The port was handed to some short connection meanwhile.
            process = spawn(directory, variables, address, &file);
        } else if ended {
            return Err(output);
        } else if let Some(address) = greeted(&output, address)
            && TcpStream::connect(address).is_ok()
        {
            return Ok((process, address));
        }
        thread::sleep(PAUSE);
    }
    let _ = process.kill();
    let _ = process.wait();
    Err(fs::read_to_string(&file).unwrap())
}

fn spawn(directory: &Path, variables: &[(&str, &str)], address: SocketAddr, file: &Path) -> Child {
    let output = File::create(file).unwrap();
    let (arguments, variables): (Vec<_>, Vec<_>) = variables.iter().partition(|(name, _)| name.starts_with("--"));
    command(directory)
        .env("ADDR", address.to_string())
        .envs(variables)
        .args(arguments.into_iter().flat_map(|(name, value)| [name, value]))
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap()
}

/// Where the process listens, once it has said so: at `address`, or at the one that it chose.
fn greeted(output: &str, address: SocketAddr) -> Option<SocketAddr> {
    let line = output.split_inclusive('\n').find(|line| line.starts_with("Snip is at") && line.ends_with('\n'))?;
    // What it is called comes first, and may look like an address too.
    let chosen = line.split([' ', '(', ')', '/', '\n']).rev().find_map(|word| word.parse().ok());
    if address.port() == 0 { chosen } else { Some(address) }
}

fn output_file(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("output-{number}"))
}

/// The example's program, built if need be: tests may be run without it.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--example", EXAMPLE, "--quiet"]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "the example does not build");
        let own = env::current_exe().unwrap();
        let profile = own.ancestors().nth(2).unwrap();
        profile.join("examples").join(format!("{EXAMPLE}{}", env::consts::EXE_SUFFIX))
    })
}
