//! The two people who can sign in when the database is new, and their first links.

use super::database::{Database, on_pool};
use super::password;

/// A demo user.
#[derive(Debug)]
pub struct DemoUser {
    /// What to type to sign in.
    pub username: &'static str,
    /// The password, which is no secret: it is printed at start-up.
    pub password: &'static str,
    name: &'static str,
    links: &'static [(&'static str, &'static str, i64)],
}

/// Everybody who can sign in.
pub const DEMO_USERS: [DemoUser; 2] = [
    DemoUser {
        username: "ada",
        password: "correct horse",
        name: "Ada Lovelace",
        links: &[
            ("notes", "https://en.wikipedia.org/wiki/Note_G", 1843),
            ("engine", "https://en.wikipedia.org/wiki/Analytical_engine", 211),
            ("bernoulli", "https://en.wikipedia.org/wiki/Bernoulli_number", 36),
        ],
    },
    DemoUser {
        username: "grace",
        password: "battery staple",
        name: "Grace Hopper",
        links: &[
            ("moth", "https://en.wikipedia.org/wiki/Software_bug", 1947),
            ("nanosecond", "https://en.wikipedia.org/wiki/Grace_Hopper", 118),
        ],
    },
];

/// Adds the demo users that are not there yet, each with its links. Another process may be doing the same.
pub async fn add_demo_users(database: &Database) -> Result<(), sqlx::Error> {
    for user in &DEMO_USERS {
        let known: Option<i64> = on_pool!(database, pool => {
            sqlx::query_scalar("SELECT id FROM users WHERE username = $1")
                .bind(user.username)
                .fetch_optional(pool)
        })?;
        if known.is_none()
            && let Some(hash) = password::hash(user.password.to_owned()).await
        {
            add(database, user, &hash).await?;
        }
    }
    Ok(())
}

async fn add(database: &Database, user: &DemoUser, hash: &str) -> Result<(), sqlx::Error> {
    on_pool!(database, pool => async {
        let mut transaction = pool.begin().await?;
        let id: Option<i64> = sqlx::query_scalar(
            "INSERT INTO users (username, name, password_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id",
        )
        .bind(user.username)
        .bind(user.name)
        .bind(hash)
        .fetch_optional(&mut *transaction)
        .await?;
        for (slug, url, visits) in id.map_or(&[][..], |_| user.links) {
            sqlx::query("INSERT INTO links (slug, user_id, url, visits) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
                .bind(slug)
                .bind(id)
                .bind(url)
                .bind(visits)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    })
}
