//! A running agent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::sdk::Sdk;

/// How long an agent may take for anything: it begins by loading its SDK, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// An agent in a process of its own; it is killed when this is dropped.
#[derive(Debug)]
pub struct Agent {
    process: Child,
    said: UnboundedReceiver<Value>,
}

impl Agent {
    /// Starts one, with all that it is told.
    pub fn start(sdk: Sdk, settings: &Value) -> Self {
        let mut command = sdk.agent();
        let pipes = command.arg(settings.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = pipes.stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (say, said) = unbounded_channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = say.send(serde_json::from_str(&line).unwrap_or_else(|_| json!({ "unexpected": line })));
            }
        });
        Self { process, said }
    }

    /// Tells it to do something; what it says to that is to be heard.
    pub fn tell(&mut self, command: &Value) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{command}").unwrap();
    }

    /// What it has its user look at.
    pub async fn opens(&mut self) -> String {
        self.hear("open").await.as_str().unwrap().to_owned()
    }

    /// What came of what it was told to do.
    pub async fn done(&mut self) -> Value {
        self.hear("done").await
    }

    /// Why what it was told to do cannot be done.
    pub async fn failed(&mut self) -> String {
        self.hear("failed").await.as_str().unwrap().to_owned()
    }

    async fn hear(&mut self, wanted: &str) -> Value {
        let heard = tokio::time::timeout(PATIENCE, self.said.recv()).await;
        match heard.as_ref().map(|said| said.as_ref().and_then(|said| said.get(wanted))) {
            Ok(Some(said)) => said.clone(),
            _ => panic!("not {wanted}, but {heard:?}, and:\n{}", self.last_words()),
        }
    }

    /// What it has complained of.
    fn last_words(&mut self) -> String {
        let _ = self.process.kill();
        let mut words = String::new();
        let _ = self.process.stderr.take().unwrap().read_to_string(&mut words);
        words
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
