//! Short links: the shortener's business.

use sqlx::SqlitePool;
use url::Url;

use super::random;

/// The longest URL that can be shortened, in bytes.
pub const MAX_URL: usize = 2_000;
/// How many links a page or an API answer shows.
const MAX_LISTED: i64 = 200;

/// A short link.
#[derive(Clone, Debug)]
pub struct Link {
    /// The short path.
    pub slug: String,
    /// Where it leads.
    pub url: String,
    /// How often it was followed.
    pub visits: i64,
    /// In seconds since the Unix epoch.
    pub created_at: i64,
}

/// A user's links in numbers.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// How many links the user has.
    pub links: i64,
    /// How often they were followed, all together.
    pub visits: i64,
}

/// Why a link was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The person can put this right.
    #[error("{0}")]
    Refused(&'static str),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

type Row = (String, String, i64, i64);

fn link((slug, url, visits, created_at): Row) -> Link {
    Link { slug, url, visits, created_at }
}

/// Shortens `url` for a user.
pub async fn create(pool: &SqlitePool, user_id: i64, url: &str) -> Result<Link, CreateError> {
    let url = acceptable(url.trim()).map_err(CreateError::Refused)?;
    loop {
        let row: Option<Row> = sqlx::query_as(
            "INSERT INTO links (slug, user_id, url) VALUES (?, ?, ?) ON CONFLICT DO NOTHING \
             RETURNING slug, url, visits, created_at",
        )
        .bind(random::slug())
        .bind(user_id)
        .bind(url.as_str())
        .fetch_optional(pool)
        .await?;
        if let Some(row) = row {
            return Ok(link(row));
        }
    }
}

fn acceptable(url: &str) -> Result<Url, &'static str> {
    if url.is_empty() {
        return Err("Enter the address that the link should lead to.");
    }
    if url.len() > MAX_URL {
        return Err("That address is longer than 2,000 characters.");
    }
    let parsed = Url::parse(url).map_err(|_| "That is not a complete web address. It should begin with https://.")?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none_or(str::is_empty) {
        return Err("Only web addresses can be shortened: https:// or http://.");
    }
    // A parser may write an address longer than it was given, by percent-encoding.
    if parsed.as_str().len() > 3 * MAX_URL {
        return Err("That address is longer than 2,000 characters.");
    }
    Ok(parsed)
}

/// A user's newest links.
pub async fn list(pool: &SqlitePool, user_id: i64) -> Result<Vec<Link>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT slug, url, visits, created_at FROM links WHERE user_id = ? ORDER BY created_at DESC, slug LIMIT ?",
    )
    .bind(user_id)
    .bind(MAX_LISTED)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(link).collect())
}

/// A user's links in numbers.
pub async fn stats(pool: &SqlitePool, user_id: i64) -> Result<Stats, sqlx::Error> {
    let (links, visits) = sqlx::query_as("SELECT count(*), coalesce(sum(visits), 0) FROM links WHERE user_id = ?")
        .bind(user_id)
        .fetch_one(pool)
        .await?;
    Ok(Stats { links, visits })
}

/// Where `slug` leads; counts a visit.
pub async fn follow(pool: &SqlitePool, slug: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("UPDATE links SET visits = visits + 1 WHERE slug = ? RETURNING url")
        .bind(slug)
        .fetch_optional(pool)
        .await
}
