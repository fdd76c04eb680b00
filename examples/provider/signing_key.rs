//! The key that signs access tokens, in a file that outlives the process.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use grantor::jwt::{Algorithm, KeySet, SigningKey};

/// The key in `file`, or a new one, which is put there if there is none; without a file, it ends with the process. The
/// error is one line for the operator.
pub fn open(algorithm: Algorithm, file: Option<&Path>) -> Result<KeySet, String> {
    let Some(file) = file else { return generate(algorithm).map(KeySet::new) };
    let name = file.display();
    if !file.exists() {
        create(algorithm, file).map_err(|error| format!("SIGNING_KEY: {name}: {error}"))?;
    }
    let pem = fs::read_to_string(file).map_err(|error| format!("SIGNING_KEY: {name} cannot be read: {error}"))?;
    let key = SigningKey::from_pem(&pem).map_err(|error| format!("SIGNING_KEY: {name}: {error}"))?;
    if key.algorithm() == algorithm {
        Ok(KeySet::new(key))
    } else {
        Err(format!("SIGNING_KEY: {name} is a key for {}, but should be one for {algorithm}", key.algorithm()))
    }
}

fn generate(algorithm: Algorithm) -> Result<SigningKey, String> {
    SigningKey::generate(algorithm).map_err(|error| error.to_string())
}

/// Of several processes that find none, all go on with the key of the first.
fn create(algorithm: Algorithm, file: &Path) -> Result<(), String> {
    let pem = generate(algorithm)?.to_pem().map_err(|error| error.to_string())?;
    let unfinished = file.with_extension(format!("{}.new", std::process::id()));
    let written = private(&unfinished).and_then(|mut new| {
        new.write_all(pem.as_bytes())?;
        new.sync_all()?;
        fs::hard_link(&unfinished, file)
    });
    let removed = fs::remove_file(&unfinished);
    match written.and(removed) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// A new file that nobody else may read.
fn private(file: &Path) -> std::io::Result<File> {
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}
