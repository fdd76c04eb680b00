//! The people who use the shortener.

use super::database::{Database, is_storable, on_pool};
use super::password;

/// The longest password that is looked at.
const MAX_PASSWORD: usize = 1_000;

/// A person with an account.
#[derive(Clone, Debug)]
pub struct User {
    /// Never given to anybody else.
    pub id: i64,
    /// What the person types to sign in.
    pub username: String,
    /// What the pages call the person.
    pub name: String,
}

/// The user with this id.
pub async fn find(database: &Database, id: i64) -> Result<Option<User>, sqlx::Error> {
    let row: Option<(String, String)> = on_pool!(database, pool => {
        sqlx::query_as("SELECT username, name FROM users WHERE id = $1").bind(id).fetch_optional(pool)
    })?;
    Ok(row.map(|(username, name)| User { id, username, name }))
}

/// The user with this name and password, if there is one; a wrong name takes as long as a wrong password.
pub async fn authenticate(database: &Database, username: &str, password: &str) -> Result<Option<User>, sqlx::Error> {
    let username = if is_storable(username) { username } else { "" };
    let row: Option<(i64, String, String, String)> = on_pool!(database, pool => {
        sqlx::query_as("SELECT id, username, name, password_hash FROM users WHERE username = $1")
            .bind(username)
            .fetch_optional(pool)
    })?;
    // A password that is too long to be one costs no more than the shortest.
    let password = if password.len() <= MAX_PASSWORD { password.to_owned() } else { String::new() };
    let Some((id, username, name, hash)) = row else {
        // As much work as a comparison, so that time does not tell which names exist.
        password::hash(password).await;
        return Ok(None);
    };
    Ok(password::verify(password, hash).await.then_some(User { id, username, name }))
}
