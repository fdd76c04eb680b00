//! The official SDKs, as their registries have them, and the agents that are built on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// What an agent is built on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sdk {
    TypeScript,
    Python,
}

/// One at a time: tests share what is installed.
static INSTALLING: Mutex<()> = Mutex::new(());

impl Sdk {
    /// The agent, with the SDK that it needs in the versions that are written down.
    pub fn agent(self) -> Command {
        let _installing = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        match self {
            Self::TypeScript => {
                let directory = self.installed(&["package.json", "package-lock.json"], |directory| {
                    let mut npm = Command::new("npm");
                    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(directory);
                    run(npm);
                });
                // It finds the SDK beside itself.
                fs::copy(self.source().join("agent.mjs"), directory.join("agent.mjs")).unwrap();
                let mut node = Command::new("node");
                node.arg(directory.join("agent.mjs"));
                node
            }
            Self::Python => {
                let directory = self.installed(&["requirements.txt"], |directory| {
                    let mut venv = Command::new("python3");
                    venv.args(["-m", "venv", "--clear", "."]).current_dir(directory);
                    run(venv);
                    let mut pip = Command::new(directory.join("bin/python"));
                    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
                    pip.arg(self.source().join("requirements.txt"));
                    run(pip);
                });
                let mut python = Command::new(directory.join("bin/python"));
                python.arg(self.source().join("agent.py"));
                python
            }
        }
    }

    /// What is called what the SDK is called.
    fn name(self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Python => "python",
        }
    }

    fn source(self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents").join(self.name())
    }

    /// Where the SDK is, once `install` has come to an end there with these files.
    fn installed(self, files: &[&str], install: impl FnOnce(&Path)) -> PathBuf {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("agents").join(self.name());
        let wanted: String = files.iter().map(|file| fs::read_to_string(self.source().join(file)).unwrap()).collect();
        let mark = directory.join("installed");
        if fs::read_to_string(&mark).ok().as_ref() != Some(&wanted) {
            fs::create_dir_all(&directory).unwrap();
            for file in files {
                fs::copy(self.source().join(file), directory.join(file)).unwrap();
            }
            install(&directory);
            fs::write(&mark, wanted).unwrap();
        }
        directory
    }
}

fn run(mut command: Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; is it installed?"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
