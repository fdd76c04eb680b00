//! Everything in a PostgreSQL database.

mod batches;
mod clients;
mod codes;
mod connection;
mod failure;
mod migration;
mod names;
mod parameters;
mod steps;
mod tokens;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use self::failure::Failure;
pub use self::failure::PostgresError;
pub use self::names::InvalidPostgresName;
use self::names::Names;

/// How long a call waits for a connection and for the answer, unless the host says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

const FILES: [&str; 3] = [
    include_str!("../migrations/postgres/0001_initial.sql"),
    include_str!("../migrations/postgres/0002_names_and_tenants.sql"),
    include_str!("../migrations/postgres/0003_client_reviews.sql"),
];

/// Makes a statement of SQL that uses the names of the files in `migrations`.
type Write<'a> = dyn Fn(&str) -> SqlStr + 'a;

/// Keeps clients, grants, codes and tokens in a PostgreSQL database, through a pool of the host's own.
///
/// It is a [`ClientStore`](super::ClientStore) and a [`ClientRegistry`](super::ClientRegistry), and holds codes and tokens
/// together, so it is a [`GrantStore`](super::GrantStore). Every step is one statement: an exchange, a rotation, a bearer check.
/// Clones share the pool.
///
/// # Durability
///
/// What was acknowledged survives a killed server and a power failure, as long as the server runs with `fsync=on` and
/// `synchronous_commit=on`, its defaults. With `synchronous_commit=off` the last moments before a crash can be lost; so can
/// they at a failover to a replica that is not synchronous. Then a code that was redeemed, a refresh token that was rotated and a
/// grant that was revoked may be good again, and tokens that somebody holds unknown.
///
/// # Replicas
///
/// Give the store a pool that leads to the primary, for reads too. A replica lags behind: it would still find what was
/// just revoked, and not yet find the code that was just sent. No question that the server asks can bear that.
///
/// # Trouble
///
/// A lost connection, a full pool, a server that is down, starting or only reading: each ends within
/// [a bounded time](Self::with_patience) in an error that says that a retry can help. A statement that lost a race
/// (`serialization_failure`, `deadlock_detected`) is sent again, ten times at most, so that the pool may have any
/// `default_transaction_isolation`. A call whose future is dropped has happened or not; its connection goes back to the pool
/// once the statement has ended, or is closed. PostgreSQL itself goes on waiting for a lock when nobody waits for the answer
/// any more, unless the pool's options set a `statement_timeout`.
///
/// # Connections
///
/// A call holds one connection for one statement of about a millisecond, so a few per core of the database's machine serve
/// thousands of calls a second. sqlx tests each connection before a call (`test_before_acquire`), which costs a round trip and
/// hides most restarts of the server from your users.
///
/// **Proxies.** Statements are prepared once per connection. A proxy that gives connections to clients by transaction must
/// know about that, as PgBouncer does since 1.21 with `max_prepared_statements` above zero. For one that does not there is
/// [`behind_proxy`](Self::behind_proxy).
///
/// # Schema
///
/// The tables begin with `grantor_` and lie where the `search_path` leads, or [where](Self::with_schema) and
/// [however](Self::with_table_prefix) you want. The migrations are plain SQL files, `src/store/migrations/postgres`, for a
/// team that runs its own: each of them notes in `grantor_migrations` that it ran, and [`migrations`](Self::migrations)
/// gives them with your names. The encoding of the database must be UTF-8.
///
/// **Distributed engines** that speak PostgreSQL's protocol: there are no sequences, advisory locks, notifications or foreign
/// keys, every key begins with the grant, and what happens to a grant touches only rows of that grant. CockroachDB needs
/// `sql.multiple_modifications_of_table.enabled`, because a rotation changes several rows of one table in one statement; it
/// never changes a row twice.
///
/// # Clean-up
///
/// A grant goes with its code and tokens once the last of them expired, or, if one never does, once it is revoked.
/// [`purge_tokens`](super::TokenStore::purge_tokens) finds all of these; [`purge_codes`](super::CodeStore::purge_codes) those
/// that have no token, such as a code that nobody redeemed. Both work in short statements of 500 grants or tokens, and pass
/// over rows that are in use: these go with the next purge. What is deleted becomes room for new rows by autovacuum, whose
/// defaults do.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use grantor::store::PostgresStore;
/// use sqlx::postgres::PgPoolOptions;
///
/// let pool = PgPoolOptions::new().max_connections(16).connect("postgres://app@db.internal/app").await?;
/// let store = PostgresStore::new(pool).with_schema("oauth")?;
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: PgPool,
    names: Names,
    proxy: Proxy,
    patience: Duration,
    statements: Arc<Statements>,
}

impl PostgresStore {
    /// Connects to the database, and migrates it.
    ///
    /// The URL is `postgres://user:password@host/database`, with parameters as in sqlx.
    ///
    /// # Errors
    ///
    /// [`PostgresError`] if that failed.
    pub async fn connect(url: &str) -> Result<Self, PostgresError> {
        let pool = PgPoolOptions::new().acquire_timeout(PATIENCE).connect(url).await.map_err(Failure::Open)?;
        let store = Self::new(pool);
        store.migrate().await?;
        Ok(store)
    }

    /// Uses the host's own pool, and migrates nothing: see [`PostgresStore::migrate`].
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        let names = Names::default();
        let statements = Arc::new(Statements::new(&names));
        Self { pool, names, proxy: Proxy::KeepsStatements, patience: PATIENCE, statements }
    }

    /// Keeps the tables in this schema, whatever the `search_path`.
    ///
    /// # Errors
    ///
    /// [`InvalidPostgresName`] unless it is 1 to 63 ASCII letters, digits, underscores and hyphens; capitals count.
    pub fn with_schema(self, schema: &str) -> Result<Self, InvalidPostgresName> {
        let names = self.names.clone().with_schema(schema)?;
        Ok(self.with_names(names))
    }

    /// Begins the names of tables and indexes with this instead of `grantor_`.
    ///
    /// # Errors
    ///
    /// [`InvalidPostgresName`] unless it is at most 32 ASCII letters, digits, underscores and hyphens; capitals count.
    pub fn with_table_prefix(self, prefix: &str) -> Result<Self, InvalidPostgresName> {
        let names = self.names.clone().with_prefix(prefix)?;
        Ok(self.with_names(names))
    }

    /// Waits so long, instead of five seconds, for a connection and the answer to a statement together, and then fails in a way
    /// that a retry can help. The pool's own `acquire_timeout` may end it sooner. Revocations by user, client or tenant and purges are
    /// several statements.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Works through a proxy that gives a connection of its own to each transaction, and does not know prepared statements:
    /// PgBouncer before 1.21, or without `max_prepared_statements`.
    ///
    /// Each statement is then prepared anew within a transaction of its own: four round trips instead of one. Without this,
    /// such a proxy may run a statement that another client has prepared. Besides, the proxy must be told to ignore the start-up
    /// parameter `extra_float_digits`, or the pool not to send it (`PgConnectOptions::extra_float_digits(None)`).
    #[must_use]
    pub const fn behind_proxy(mut self) -> Self {
        self.proxy = Proxy::SharesConnections;
        self
    }

    fn with_names(self, names: Names) -> Self {
        let statements = Arc::new(Statements::new(&names));
        Self { names, statements, ..self }
    }
}

impl fmt::Debug for PostgresStore {
    /// All but the statements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("pool", &self.pool)
            .field("names", &self.names)
            .field("proxy", &self.proxy)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// What stands between the pool and the server.
#[derive(Clone, Copy, Debug)]
enum Proxy {
    /// Nothing, or something that knows the statements that were prepared through it.
    KeepsStatements,
    /// Something that may send any two messages to different servers, unless they are of one transaction.
    SharesConnections,
}

struct Statements {
    clients: clients::Statements,
    codes: codes::Statements,
    tokens: tokens::Statements,
    batches: batches::Statements,
}

impl Statements {
    fn new(names: &Names) -> Self {
        let write = |sql: &str| AssertSqlSafe(Arc::<str>::from(names.apply(sql))).into_sql_str();
        Self {
            clients: clients::Statements::new(&write),
            codes: codes::Statements::new(&write),
            tokens: tokens::Statements::new(&write),
            batches: batches::Statements::new(&write),
        }
    }
}
