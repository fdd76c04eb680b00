//! A real browser: Chromium, led by chromedriver.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use fantoccini::ClientBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::example::Example;
use super::tab::Tab;

/// How often a process is looked at, and how long to pause between two looks: together a minute, for a machine that is
/// busy.
const LOOKS: u32 = 3_000;
const PAUSE: Duration = Duration::from_millis(20);

/// A running chromedriver.
#[derive(Debug)]
struct Driver {
    process: Child,
    port: u16,
    browser: PathBuf,
    _directory: TempDir,
}

/// Runs `test` in a browser of its own, at an example of its own.
pub async fn browse<T: Future<Output = ()> + Send + 'static>(settings: Value, test: impl FnOnce(Tab) -> T) {
    browse_at(|| Arc::new(Example::start()), settings, test).await;
}

/// Runs `test` in a browser of its own, at the example that `start` has; the browser is closed in the end, however that
/// comes.
///
/// Where there is no browser, the test passes after a word about it; a machine that says `CI` has to have one.
pub async fn browse_at<T: Future<Output = ()> + Send + 'static>(
    start: impl FnOnce() -> Arc<Example>,
    settings: Value,
    test: impl FnOnce(Tab) -> T,
) {
    let Some(driver) = Driver::shared() else { return };
    let profile = TempDir::new().unwrap();
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        &format!("--user-data-dir={}", profile.path().display()),
    ];
    let mut options = json!({ "args": arguments, "binary": driver.browser });
    options.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let capabilities = json!({ "browserName": "chrome", "goog:chromeOptions": options });
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities.as_object().unwrap().clone())
        .connect(&format!("http://127.0.0.1:{}", driver.port))
        .await
        .unwrap();

    let outcome = tokio::spawn(test(Tab::new(client.clone(), start()))).await;
    client.close().await.unwrap();
    if let Err(error) = outcome {
        resume_unwind(error.into_panic());
    }
}

impl Driver {
    /// The one that tests share; it lives as long as a test holds it.
    fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Driver>> = Mutex::new(Weak::new());
        let (program, browser) = programs()?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        Some(shared.upgrade().unwrap_or_else(|| {
            let driver = Arc::new(Self::start(program, browser.clone()));
            *shared = Arc::downgrade(&driver);
            driver
        }))
    }

    fn start(program: &PathBuf, browser: PathBuf) -> Self {
        let directory = TempDir::new().unwrap();
        let output = directory.path().join("output");
        let file = File::create(&output).unwrap();
        let mut process = Command::new(program)
            .arg("--port=0")
            // What the browser forgets there goes with the directory.
            .env("TMPDIR", directory.path())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        for _ in 0..LOOKS {
            let said = fs::read_to_string(&output).unwrap();
            let port = said.rsplit_once("started successfully on port ").and_then(|(_, rest)| rest.split_once('.'));
            if let Some(port) = port.and_then(|(port, _)| port.parse().ok()) {
                return Self { process, port, browser, _directory: directory };
            }
            assert!(process.try_wait().unwrap().is_none(), "chromedriver did not start: {said}");
            thread::sleep(PAUSE);
        }
        process.kill().unwrap();
        panic!("chromedriver does not say where it is: {}", fs::read_to_string(&output).unwrap());
    }
}

impl Drop for Driver {
    /// Lets it close the browsers that are left, which a kill would not.
    fn drop(&mut self) {
        if let Ok(mut connection) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], self.port))) {
            let request = "GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
            let _ = connection.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = connection.write_all(request.as_bytes());
            let _ = connection.read_to_end(&mut Vec::new());
        }
        for _ in 0..500 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(PAUSE);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// chromedriver and Chromium.
fn programs() -> Option<&'static (PathBuf, PathBuf)> {
    static PROGRAMS: OnceLock<Option<(PathBuf, PathBuf)>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| {
        let browser = ["chromium", "chromium-browser", "google-chrome", "chrome"].into_iter().find_map(find);
        let programs = find("chromedriver").zip(browser);
        if programs.is_none() && env::var_os("CI").is_none() {
            // Past the test harness, which keeps what passing tests print.
            let hint = "tests/browser did nothing: install chromium and chromedriver (Debian: apt-get install chromium \
                        chromium-driver), then run: cargo test --test browser\n";
            let _ = io::stderr().write_all(hint.as_bytes());
        }
        programs
    });
    assert!(programs.is_some() || env::var_os("CI").is_none(), "CI needs chromium and chromedriver in PATH");
    programs.as_ref()
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let program = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&path).map(|directory| directory.join(&program)).find(|candidate| candidate.is_file())
}
