//! Everything in one SQLite database.

mod clients;
mod codes;
mod purge;
mod statements;
mod tokens;
mod transaction;

#[cfg(test)]
mod tests;

use std::time::Duration;

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use self::transaction::begin;
use crate::error::StoreError;

/// How long a statement waits for the write lock of another process, and a task for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many connections read. Reads never wait for the writer, and end within microseconds.
const READERS: u32 = 4;

/// Keeps clients, grants, codes and tokens in a SQLite database: a whole authorization server in one file.
///
/// It is a [`ClientStore`](super::ClientStore) and a [`ClientRegistry`](super::ClientRegistry), and holds codes and tokens
/// together, so it is a [`GrantStore`](super::GrantStore) that spends a code and stores its tokens in one transaction.
/// Clones share the connections.
///
/// # Durability
///
/// What was acknowledged survives a killed process **and** a power failure: the database is in WAL mode with
/// `synchronous=EXTRA`, which syncs the log at every commit. That is as true as the disk's own promise to flush. A database
/// in memory is gone with the last clone of its store.
///
/// # Concurrency
///
/// SQLite has one writer at a time. The store's writes queue for one connection of their own, in order, instead of for
/// SQLite's lock; reads run beside them on others. Several processes may share the file: their writers wait for each other
/// for up to five seconds, after which the error says that a retry can help.
///
/// # Schema
///
/// All tables begin with `grantor_`, so the database may hold other things as well. The migrations are plain SQL files,
/// `src/store/migrations/sqlite`, for a team that runs its own: each of them notes in `grantor_migrations` that it ran.
///
/// # Clean-up
///
/// A grant goes with its code and tokens once the last of them expired, or, if one never does, once it is revoked.
/// [`purge_tokens`](super::TokenStore::purge_tokens) finds all of these; [`purge_codes`](super::CodeStore::purge_codes) those
/// that have no token, such as a code that nobody redeemed. What is purged makes room for new rows; the file does not shrink.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use grantor::client::{Client, ClientId};
/// use grantor::store::{ClientRegistry, ClientStore, Insertion, SqliteStore};
///
/// let store = SqliteStore::connect("sqlite::memory:").await?;
/// let id: ClientId = "mobile".parse()?;
/// assert_eq!(store.insert_client(&Client::public(id.clone())).await?, Insertion::Inserted);
/// assert_eq!(store.insert_client(&Client::public(id.clone())).await?, Insertion::Conflict);
/// assert!(store.find_client(&id).await?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    /// One connection. A statement outside a transaction must be run by `execute`, which waits for its commit: a row of a
    /// `RETURNING` is fetched before that, and whether the commit failed is not told.
    writer: SqlitePool,
}

impl SqliteStore {
    /// Opens the database, creates it if it does not exist, and migrates it.
    ///
    /// The URL is `sqlite:path/to/file`, or `sqlite::memory:` for a database of this store's own that lives in memory.
    ///
    /// # Errors
    ///
    /// [`SqliteError`] if that failed.
    pub async fn connect(url: &str) -> Result<Self, SqliteError> {
        let options = url.parse::<SqliteConnectOptions>().map_err(Failure::Open)?;
        let options = durable(options).create_if_missing(true).busy_timeout(PATIENCE);
        // A local connection does not go stale, and a database in memory ends with its connection.
        let pool = SqlitePoolOptions::new()
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false);
        let writer = pool.clone().max_connections(1).connect_with(options.clone()).await.map_err(Failure::Open)?;
        let readers = if write_ahead(&writer).await.map_err(Failure::Open)? {
            pool.max_connections(READERS).connect_lazy_with(options)
        } else {
            // Without WAL, readers and the writer would lock each other out; in memory they would not even see each other.
            writer.clone()
        };
        let store = Self { readers, writer };
        store.migrate().await?;
        Ok(store)
    }

    /// Uses the host's own pool, and migrates nothing: see [`SqliteStore::migrate`].
    ///
    /// The pool serves reads. For writes the store opens one more connection with the pool's options, but
    /// always with `foreign_keys=ON` and `synchronous=EXTRA`. A pool of one connection serves both as it is. Put the
    /// database into WAL mode (`journal_mode(SqliteJournalMode::Wal)`), or reads and writes wait for each other. For a
    /// database in memory rather use [`SqliteStore::connect`]: a pool may drop a connection, and the database with it.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        // A pool of one is how a host keeps a database in memory, where a second connection could see another database.
        if pool.options().get_max_connections() == 1 {
            return Self { readers: pool.clone(), writer: pool };
        }
        let writer = pool
            .options()
            .clone()
            .max_connections(1)
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(durable(SqliteConnectOptions::clone(&pool.connect_options())));
        Self { readers: pool, writer }
    }

    /// Brings the tables up to date, if they are not. Any number of processes may do so at once.
    ///
    /// # Errors
    ///
    /// [`SqliteError`] if nothing was changed, or if a newer release of this crate has migrated the database.
    pub async fn migrate(&self) -> Result<(), SqliteError> {
        const FILES: [&str; 3] = [
            include_str!("../migrations/sqlite/0001_initial.sql"),
            include_str!("../migrations/sqlite/0002_names_and_tenants.sql"),
            include_str!("../migrations/sqlite/0003_client_reviews.sql"),
        ];

        // sqlx's own migrator takes no lock on SQLite, and its table is the host's unless told otherwise.
        let mut writer = self.writer.acquire().await.map_err(Failure::Migrate)?;
        let mut transaction = begin(&mut writer).await.map_err(Failure::Migrate)?;
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'grantor_migrations')")
                .fetch_one(&mut *transaction)
                .await
                .map_err(Failure::Migrate)?;
        let version: i64 = if exists {
            sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM grantor_migrations")
                .fetch_one(&mut *transaction)
                .await
                .map_err(Failure::Migrate)?
        } else {
            0
        };
        let applied = usize::try_from(version).ok().filter(|applied| *applied <= FILES.len());
        let Some(applied) = applied else {
            return Err(Failure::Newer { version }.into());
        };
        for file in FILES.into_iter().skip(applied) {
            sqlx::raw_sql(file).execute(&mut *transaction).await.map_err(Failure::Migrate)?;
        }
        transaction.commit().await.map_err(Failure::Migrate)?;
        Ok(())
    }

    /// The connection that writes, for a transaction.
    async fn writer(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.writer.acquire().await.map_err(store_error)
    }
}

/// The options of a connection that writes.
fn durable(options: SqliteConnectOptions) -> SqliteConnectOptions {
    // EXTRA is FULL, and in the journal modes other than WAL it syncs the directory too.
    options.foreign_keys(true).synchronous(SqliteSynchronous::Extra)
}

/// Puts the database into WAL mode, and returns whether it is.
async fn write_ahead(writer: &SqlitePool) -> Result<bool, sqlx::Error> {
    let mut attempts_left = 16_u32;
    loop {
        match sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL").fetch_one(writer).await {
            Ok(mode) => return Ok(mode.eq_ignore_ascii_case("wal")),
            Err(error) if can_pass(&error) && attempts_left > 0 => {
                // Of several connections that change the mode at once all but one fail, whatever the busy timeout.
                // Waiting for the write lock waits for that one.
                attempts_left -= 1;
                begin(&mut *writer.acquire().await?).await?.rollback().await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct SqliteError(#[from] Failure);

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the SQLite database cannot be opened")]
    Open(#[source] sqlx::Error),
    #[error("the SQLite database cannot be migrated")]
    Migrate(#[source] sqlx::Error),
    #[error("the SQLite database was migrated by a newer release, to version {version}")]
    Newer { version: i64 },
}

fn store_error(error: sqlx::Error) -> StoreError {
    if can_pass(&error) { StoreError::unavailable(error) } else { StoreError::failed(error) }
}

/// Whether the same statement may succeed later.
fn can_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            let code = error.code().and_then(|code| code.parse::<i32>().ok());
            // The low byte of an extended result code is the primary one: SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM,
            // SQLITE_INTERRUPT, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN and SQLITE_PROTOCOL.
            code.is_some_and(|code| matches!(code & 0xFF, 5 | 6 | 7 | 9 | 10 | 13 | 14 | 15))
        }
        _ => false,
    }
}
