//! Short links: the shortener's business.

use url::Url;

use super::database::{Database, is_storable, on_pool};
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
pub async fn create(database: &Database, user_id: i64, url: &str) -> Result<Link, CreateError> {
    let url = acceptable(url.trim()).map_err(CreateError::Refused)?;
    loop {
        let slug = random::slug();
        let row: Option<Row> = on_pool!(database, pool => {
            sqlx::query_as(
                "INSERT INTO links (slug, user_id, url) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING \
                 RETURNING slug, url, visits, created_at",
            )
            .bind(slug)
            .bind(user_id)
            .bind(url.as_str())
            .fetch_optional(pool)
        })?;
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
pub async fn list(database: &Database, user_id: i64) -> Result<Vec<Link>, sqlx::Error> {
    let rows: Vec<Row> = on_pool!(database, pool => {
        sqlx::query_as(
            "SELECT slug, url, visits, created_at FROM links WHERE user_id = $1 ORDER BY created_at DESC, slug LIMIT $2",
        )
        .bind(user_id)
        .bind(MAX_LISTED)
        .fetch_all(pool)
    })?;
    Ok(rows.into_iter().map(link).collect())
}

/// Deletes a user's links, and tells how many there were.
pub async fn delete_all(database: &Database, user_id: i64) -> Result<u64, sqlx::Error> {
    on_pool!(database, pool => async {
        sqlx::query("DELETE FROM links WHERE user_id = $1")
            .bind(user_id)
            .execute(pool)
            .await
            .map(|done| done.rows_affected())
    })
}

/// A user's links in numbers.
pub async fn stats(database: &Database, user_id: i64) -> Result<Stats, sqlx::Error> {
    // In PostgreSQL, a sum is of another type than what it sums.
    let (links, visits) = on_pool!(database, pool => {
        sqlx::query_as("SELECT count(*), CAST(coalesce(sum(visits), 0) AS BIGINT) FROM links WHERE user_id = $1")
            .bind(user_id)
            .fetch_one(pool)
    })?;
    Ok(Stats { links, visits })
}

/// Where `slug` leads; counts a visit.
pub async fn follow(database: &Database, slug: &str) -> Result<Option<String>, sqlx::Error> {
    if !is_storable(slug) {
        return Ok(None);
    }
    on_pool!(database, pool => {
        sqlx::query_scalar("UPDATE links SET visits = visits + 1 WHERE slug = $1 RETURNING url")
            .bind(slug)
            .fetch_optional(pool)
    })
}

/// Where `slug` leads, without a visit.
pub async fn find(database: &Database, slug: &str) -> Result<Option<String>, sqlx::Error> {
    if !is_storable(slug) {
        return Ok(None);
    }
    on_pool!(database, pool => {
        sqlx::query_scalar("SELECT url FROM links WHERE slug = $1").bind(slug).fetch_optional(pool)
    })
}
