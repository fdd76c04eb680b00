//! Short links: the shortener's business.

use url::Url;

use super::database::{Database, is_storable, on_pool};
use super::random;
use super::workspaces::{self, Reach, within_reach};

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
    /// The name of its workspace.
    pub workspace: String,
}

/// Links in numbers.
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// How many there are.
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
    /// A link belongs to a person, too.
    #[error("nobody makes the link")]
    Nobody,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

type Row = (String, String, i64, i64, String);

fn link((slug, url, visits, created_at, workspace): Row) -> Link {
    Link { slug, url, visits, created_at, workspace }
}

/// Shortens `url` for a user, in the workspace or else in their first.
pub async fn create(database: &Database, reach: Reach<'_>, url: &str) -> Result<Link, CreateError> {
    let url = acceptable(url.trim()).map_err(CreateError::Refused)?;
    let user_id = reach.user_id().ok_or(CreateError::Nobody)?;
    let workspaces = workspaces::of(database, user_id).await?;
    let workspace = workspaces.iter().find(|own| reach.workspace().is_none_or(|wanted| own.id == wanted));
    let workspace = workspace.ok_or(CreateError::Refused("You are not a member of that workspace."))?;
    loop {
        let slug = random::slug();
        let row: Option<(String, String, i64, i64)> = on_pool!(database, pool => {
            sqlx::query_as(
                "INSERT INTO links (slug, user_id, url, workspace_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING \
                 RETURNING slug, url, visits, created_at",
            )
            .bind(slug)
            .bind(user_id)
            .bind(url.as_str())
            .bind(&workspace.id)
            .fetch_optional(pool)
        })?;
        if let Some((slug, url, visits, created_at)) = row {
            return Ok(Link { slug, url, visits, created_at, workspace: workspace.name.clone() });
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

/// The newest links.
pub async fn list(database: &Database, reach: Reach<'_>) -> Result<Vec<Link>, sqlx::Error> {
    let rows: Vec<Row> = on_pool!(database, pool => {
        sqlx::query_as(concat!(
            "SELECT slug, url, visits, created_at, name FROM links JOIN workspaces ON id = workspace_id WHERE ",
            within_reach!(),
            " ORDER BY created_at DESC, slug LIMIT $3",
        ))
        .bind(reach.user_id())
        .bind(reach.workspace())
        .bind(MAX_LISTED)
        .fetch_all(pool)
    })?;
    Ok(rows.into_iter().map(link).collect())
}

/// Deletes links, and tells how many there were.
pub async fn delete_all(database: &Database, reach: Reach<'_>) -> Result<u64, sqlx::Error> {
    on_pool!(database, pool => async {
        sqlx::query(concat!("DELETE FROM links WHERE ", within_reach!()))
            .bind(reach.user_id())
            .bind(reach.workspace())
            .execute(pool)
            .await
            .map(|done| done.rows_affected())
    })
}

/// Links in numbers.
pub async fn stats(database: &Database, reach: Reach<'_>) -> Result<Stats, sqlx::Error> {
    // In PostgreSQL, a sum is of another type than what it sums.
    let (links, visits) = on_pool!(database, pool => {
        sqlx::query_as(concat!(
            "SELECT count(*), CAST(coalesce(sum(visits), 0) AS BIGINT) FROM links WHERE ",
            within_reach!(),
        ))
        .bind(reach.user_id())
        .bind(reach.workspace())
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
