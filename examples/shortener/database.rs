//! The database that the shortener keeps everything in: SQLite, or PostgreSQL for several processes on several machines.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection};
use url::Url;

/// How long a task waits for a connection, and SQLite for its lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the answer to a query may take altogether, and opening the database.
const ANSWER: Duration = PATIENCE.saturating_mul(2);
/// How long PostgreSQL works on a statement or waits for its locks: less than anybody waits for the answer, so that nothing
/// happens after it was given up.
const STATEMENT: &str = "4s";
/// What SQLite says while another process holds the file.
const BUSY: &str = "5";
/// Whoever changes the schema in PostgreSQL holds the advisory lock of this number.
const SCHEMA_LOCK: i64 = 0x736e_6970;

/// An open database. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Database {
    /// One file, or memory.
    Sqlite(SqlitePool),
    /// A server.
    Postgres(PgPool),
}

/// Runs the same query on the pool of either database; sqlx finds out which one it is for. A service that has one database
/// writes just the query.
macro_rules! on_pool {
    ($database:expr, $pool:ident => $query:expr) => {
        match $database {
            $crate::shortener::database::Database::Sqlite($pool) => $crate::shortener::database::answer($query).await,
            $crate::shortener::database::Database::Postgres($pool) => $crate::shortener::database::answer($query).await,
        }
    };
}
pub(crate) use on_pool;

/// What a query comes to, within a bounded time even if the server is there and says nothing.
pub async fn answer<T>(query: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(ANSWER, query).await {
        Ok(result) => result,
        Err(elapsed) => Err(sqlx::Error::Io(elapsed.into())),
    }
}

/// What a message may say of a URL: nothing that could be a part of a password, wherever somebody put it.
pub fn shown(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.to_owned();
    }
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.map_or_else(|| "the database".to_owned(), |host| format!("the database at {host}"))
}

/// Whether a text can be in the database at all. One with a zero byte cannot: PostgreSQL calls the very question a failure.
pub fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

impl Database {
    /// Opens the database that `url` names, and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, sqlx::Error> {
        if url.starts_with("sqlite:") {
            answer(open_sqlite(url)).await.map(Self::Sqlite)
        } else {
            answer(open_postgres(url)).await.map(Self::Postgres)
        }
    }
}

/// Creates the file and its directory if need be.
async fn open_sqlite(url: &str) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE);
    if let Some(directory) = options.get_filename().parent().filter(|directory| *directory != Path::new("")) {
        std::fs::create_dir_all(directory)?;
    }
    // A database in memory belongs to its one connection, and ends with it.
    let pool = match url.contains(":memory:") || url.contains("mode=memory") {
        true => SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None),
        false => SqlitePoolOptions::new(),
    };
    let pool = pool.acquire_timeout(PATIENCE);
    let pool = loop {
        match pool.clone().connect_with(options.clone()).await {
            // Of several processes that put a new file into WAL mode at once, all but one fail, however patient they are.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(BUSY) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => break result?,
        }
    };
    sqlx::raw_sql(include_str!("schema/sqlite.sql")).execute(&pool).await?;
    add_workspaces_to_links(&pool).await?;
    Ok(pool)
}

/// Links are older than workspaces. SQLite adds a column only once, so it has to be asked before, under the lock.
async fn add_workspaces_to_links(pool: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM pragma_table_info('links') WHERE name = 'workspace_id'")
        .fetch_one(&mut *transaction)
        .await?;
    if there == 0 {
        let add = "ALTER TABLE links ADD COLUMN workspace_id TEXT REFERENCES workspaces (id) ON DELETE CASCADE";
        sqlx::query(add).execute(&mut *transaction).await?;
    }
    sqlx::query("CREATE INDEX IF NOT EXISTS links_by_workspace ON links (workspace_id, created_at DESC)")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

async fn open_postgres(url: &str) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.options([("statement_timeout", STATEMENT)]);
    // Not with the pool, which would try again for a while and then tell nothing but that.
    let mut connection = PgConnection::connect_with(&options).await?;
    // Of several processes that create a table at once, all but one could fail: IF NOT EXISTS does not wait for the others.
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SCHEMA_LOCK).execute(&mut *transaction).await?;
    sqlx::raw_sql(include_str!("schema/postgres.sql")).execute(&mut *transaction).await?;
    transaction.commit().await?;
    connection.close().await?;
    Ok(PgPoolOptions::new().acquire_timeout(PATIENCE).connect_lazy_with(options))
}
