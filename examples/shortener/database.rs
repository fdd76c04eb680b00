//! The SQLite database that the shortener keeps everything in.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

/// Opens the database that `url` names, creates its file and directory if need be, and brings the schema up to date.
pub async fn open(url: &str) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    if let Some(directory) = options.get_filename().parent().filter(|directory| *directory != Path::new("")) {
        std::fs::create_dir_all(directory)?;
    }
    // A database in memory belongs to its one connection, and ends with it.
    let pool = match url.contains(":memory:") || url.contains("mode=memory") {
        true => SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None),
        false => SqlitePoolOptions::new(),
    };
    let pool = pool.acquire_timeout(Duration::from_secs(5)).connect_with(options).await?;
    sqlx::raw_sql(include_str!("schema.sql")).execute(&pool).await?;
    Ok(pool)
}
