//! The example, as a process of its own.

use std::env;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// How often a start is looked at, and how long to pause between two looks: together a minute, for a machine that is busy.
const LOOKS: u32 = 3_000;
const PAUSE: Duration = Duration::from_millis(20);
/// The name of the database's file; those that belong to it begin with it.
const DATABASE: &str = "snip.db";

/// A running example with a database of its own; it is killed when this is dropped.
#[derive(Debug)]
pub struct Example {
    process: Child,
    directory: TempDir,
    variables: Vec<(String, String)>,
    address: SocketAddr,
    launches: u32,
}

impl Example {
    /// Starts it on a free port.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts it on a free port, with these environment variables as well.
    pub fn start_with(variables: &[(&str, &str)]) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), variables)
    }

    /// Starts it at an address; the port 0 is a free one.
    pub fn start_at(address: SocketAddr, variables: &[(&str, &str)]) -> Self {
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let directory = TempDir::new().unwrap();
        let (process, address) = launch(directory.path(), &variables, address, 1)
            .unwrap_or_else(|output| panic!("the example did not start:\n{output}"));
        Self { process, directory, variables, address, launches: 1 }
    }

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

    /// Where it is: scheme, host and port, which is also its issuer.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that it wrote since it was started the last time.
    pub fn output(&self) -> String {
        fs::read_to_string(output_file(self.directory.path(), self.launches)).unwrap()
    }

    /// The database's files, byte for byte.
    pub fn database(&self) -> Vec<u8> {
        let files = fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap());
        let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(DATABASE));
        files.flat_map(|file| fs::read(file.path()).unwrap()).collect()
    }

    /// The URL of the database, for a look from the side.
    pub fn database_url(&self) -> String {
        database_url(self.directory.path())
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

    /// Starts it again after [`kill`](Self::kill): same address, same database, and what `variables` changes.
    pub fn restart_with(&mut self, variables: &[(&str, &str)]) {
        self.variables.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.launches += 1;
        let (process, _) = launch(self.directory.path(), &self.variables, self.address, self.launches)
            .unwrap_or_else(|output| panic!("the example did not start again:\n{output}"));
        self.process = process;
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("the example's output:\n{}", self.output());
        }
    }
}

/// The example, to be started with a database in `directory`, and without anything that the environment says about it.
pub fn command(directory: &Path) -> Command {
    let mut command = Command::new(binary());
    for variable in ["ADDR", "CLIENTS", "ISSUER", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command.env("DATABASE_URL", database_url(directory));
    command.stdin(Stdio::null());
    command
}

fn database_url(directory: &Path) -> String {
    format!("sqlite://{}", directory.join(DATABASE).display())
}

/// Starts the process and waits until it answers; the error is what it said before it ended.
fn launch(
    directory: &Path,
    variables: &[(String, String)],
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

fn spawn(directory: &Path, variables: &[(String, String)], address: SocketAddr, file: &Path) -> Child {
    let output = File::create(file).unwrap();
    command(directory)
        .env("ADDR", address.to_string())
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap()
}

/// Where the process listens, once it has said so: at `address`, or at the one that it chose.
fn greeted(output: &str, address: SocketAddr) -> Option<SocketAddr> {
    let line = output.split_inclusive('\n').find(|line| line.starts_with("Snip is at") && line.ends_with('\n'))?;
    let chosen = line.split([' ', '(', ')', '/', '\n']).find_map(|word| word.parse().ok());
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
        cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--example", "axum", "--quiet"]);
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "the example does not build");
        let own = env::current_exe().unwrap();
        let profile = own.ancestors().nth(2).unwrap();
        profile.join("examples").join(format!("axum{}", env::consts::EXE_SUFFIX))
    })
}
