//! Passwords, hashed by Argon2id.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

/// How many passwords are hashed at once; each takes a processor and some 20 MB for a moment.
static HASHING: Semaphore = Semaphore::const_new(4);

/// Hashes `password` with a random salt, off the threads that serve requests.
pub async fn hash(password: String) -> Option<String> {
    blocking(move || Some(Argon2::default().hash_password(password.as_bytes()).ok()?.to_string())).await.flatten()
}

/// Whether `password` is the one that `hash` was made of; checked off the threads that serve requests.
pub async fn verify(password: String, hash: String) -> bool {
    blocking(move || {
        PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
    .unwrap_or(false)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let _turn = HASHING.acquire().await.ok()?;
    tokio::task::spawn_blocking(work).await.ok()
}
