//! `SqliteStore` in a file of its own, beside bare statements over connections with the same settings.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use grantor::store::SqliteStore;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, QueryBuilder};
use tempfile::TempDir;

use super::{Backend, insert_clients};
use crate::dataset::{self, Dataset, SCOPE};
use crate::operation::{Call, Floor, Store};

/// How many rows one statement inserts while loading.
const ROWS: u64 = 1_000;

/// The readers of a `SqliteStore` that opens the file itself.
const READERS: u32 = 4;

pub(crate) struct Sqlite {
    directory: TempDir,
}

impl Sqlite {
    pub(crate) async fn new() -> Self {
        // Beside the build, where a real disk is; a temporary directory is often memory.
        let directory = tempfile::Builder::new().prefix("stores-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let sqlite = Self { directory: directory.expect("a directory") };
        let store: Arc<dyn Store> = Arc::new(sqlite.store().await);
        insert_clients(&store).await;
        sqlite
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.directory.path().join("database").display())
    }

    fn options(&self) -> SqliteConnectOptions {
        let options: SqliteConnectOptions = self.url().parse().expect("a URL");
        options.foreign_keys(true).synchronous(SqliteSynchronous::Extra).busy_timeout(Duration::from_secs(5))
    }

    async fn store(&self) -> SqliteStore {
        SqliteStore::connect(&self.url()).await.expect("a database")
    }
}

#[async_trait]
impl Backend for Sqlite {
    /// There is one writer whatever the callers.
    async fn open(&self, _connections: u32) -> (Arc<dyn Store>, Arc<dyn Floor>) {
        let pool = |size| SqlitePoolOptions::new().max_connections(size).test_before_acquire(false);
        let writer = pool(1).connect_lazy_with(self.options());
        let readers = pool(READERS).connect_lazy_with(self.options());
        (Arc::new(self.store().await), Arc::new(Statements { writer, readers }))
    }

    async fn load(&self, data: &Dataset) {
        // Everything in memory and no journal, which is for databases that matter.
        let options = self.options().journal_mode(SqliteJournalMode::Off).synchronous(SqliteSynchronous::Off);
        let options = options.foreign_keys(false).pragma("cache_size", "-4000000").pragma("locking_mode", "EXCLUSIVE");
        let mut connection = options.connect().await.expect("a connection");
        connection.execute("BEGIN IMMEDIATE").await.expect("a transaction");
        for first in (0..data.grants).step_by(usize::try_from(ROWS).expect("a small number")) {
            let some = first..data.grants.min(first + ROWS);
            insert_grants(&mut connection, data, some.clone()).await;
            insert_access_tokens(&mut connection, data, some.clone()).await;
            insert_refresh_tokens(&mut connection, data, some).await;
        }
        connection.execute("COMMIT").await.expect("a commit");
        connection.close().await.expect("to close");
        // Else the first checkpoint, in the middle of a measurement, waits for all of it to reach the disk.
        let file = std::fs::File::open(self.directory.path().join("database")).expect("the database");
        file.sync_all().expect("to sync");
    }

    /// The pages that are in use.
    async fn bytes(&self) -> u64 {
        let mut connection = self.options().connect().await.expect("a connection");
        let sql = "SELECT (page_count - freelist_count) * page_size \
                   FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
        let bytes: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a size");
        bytes.unsigned_abs()
    }

    async fn evicted(&self) -> Option<u64> {
        None
    }

    async fn clear(&self) {
        let _ = std::fs::remove_file(self.directory.path().join("database"));
    }
}

async fn insert_grants(connection: &mut SqliteConnection, data: &Dataset, some: std::ops::Range<u64>) {
    let mut sql = QueryBuilder::new("INSERT INTO grantor_grants (id, client, subject, scope, created_at, expires_at) ");
    sql.push_values(some, |mut row, n| {
        row.push_bind(data.grant_id(n).as_bytes().to_vec())
            .push_bind(dataset::client_id(n).as_str().to_owned())
            .push_bind(dataset::subject(n).as_str().to_owned())
            .push_bind(SCOPE)
            .push_bind(data.issued_at(n))
            .push_bind(data.issued_at(n) + data.refresh_life);
    });
    sql.build().execute(connection).await.expect("grants");
}

async fn insert_access_tokens(connection: &mut SqliteConnection, data: &Dataset, some: std::ops::Range<u64>) {
    let mut sql =
        QueryBuilder::new("INSERT INTO grantor_access_tokens (grant_id, hash, scope, issued_at, expires_at) ");
    sql.push_values(some, |mut row, n| {
        let key = data.access_key(n);
        row.push_bind(key.grant.as_bytes().to_vec())
            .push_bind(key.hash.as_bytes().to_vec())
            .push_bind(SCOPE)
            .push_bind(data.issued_at(n))
            .push_bind(data.issued_at(n) + data.access_life);
    });
    sql.build().execute(connection).await.expect("access tokens");
}

async fn insert_refresh_tokens(connection: &mut SqliteConnection, data: &Dataset, some: std::ops::Range<u64>) {
    let mut sql = QueryBuilder::new("INSERT INTO grantor_refresh_tokens (grant_id, hash, issued_at, expires_at) ");
    sql.push_values(some, |mut row, n| {
        let key = data.refresh_key(n);
        row.push_bind(key.grant.as_bytes().to_vec())
            .push_bind(key.hash.as_bytes().to_vec())
            .push_bind(data.issued_at(n))
            .push_bind(data.issued_at(n) + data.refresh_life);
    });
    sql.build().execute(connection).await.expect("refresh tokens");
}

struct Statements {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Statements {
    async fn found(&self, sql: &'static str, key: &grantor::secret::TokenKey) -> bool {
        let query = sqlx::query(sql).bind(key.grant.as_bytes().as_slice()).bind(key.hash.as_bytes().as_slice());
        query.fetch_optional(&self.readers).await.expect("a row").is_some()
    }

    /// An update that must find its row and two insertions, in one transaction.
    async fn spend(
        &self,
        update: &'static str,
        key: &grantor::secret::TokenKey,
        tokens: &grantor::grant::IssuedTokens,
    ) -> bool {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.expect("a transaction");
        let grant = key.grant.as_bytes().as_slice();
        let (access, refresh) = (&tokens.access, tokens.refresh.as_ref().expect("a refresh token"));
        let at = access.issued_at.unix_millis();
        let update = sqlx::query(update).bind(grant).bind(key.hash.as_bytes().as_slice()).bind(at);
        let updated = update.execute(&mut *transaction).await.expect("an update").rows_affected();
        sqlx::query(
            "INSERT INTO grantor_access_tokens (grant_id, hash, scope, issued_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(grant)
        .bind(access.key.hash.as_bytes().as_slice())
        .bind(access.scope.as_str())
        .bind(at)
        .bind(access.expires_at.map(|at| at.unix_millis()))
        .execute(&mut *transaction)
        .await
        .expect("an access token");
        sqlx::query(
            "INSERT INTO grantor_refresh_tokens (grant_id, hash, issued_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(grant)
        .bind(refresh.key.hash.as_bytes().as_slice())
        .bind(at)
        .bind(refresh.expires_at.map(|at| at.unix_millis()))
        .execute(&mut *transaction)
        .await
        .expect("a refresh token");
        transaction.commit().await.expect("a commit");
        updated == 1
    }
}

#[async_trait]
impl Floor for Statements {
    async fn make(&self, call: &Call) -> bool {
        match call {
            Call::FindAccessToken(key) => {
                let sql =
                    "SELECT scope, issued_at, expires_at FROM grantor_access_tokens WHERE grant_id = ?1 AND hash = ?2";
                self.found(sql, key).await
            }
            Call::FindRefreshToken(key) => {
                let sql = "SELECT issued_at, expires_at FROM grantor_refresh_tokens WHERE grant_id = ?1 AND hash = ?2";
                self.found(sql, key).await
            }
            Call::FindCode(key) => {
                let sql = "SELECT challenge, redirect_uri FROM grantor_codes WHERE grant_id = ?1 AND hash = ?2";
                self.found(sql, key).await
            }
            Call::Exchange(key, tokens) => {
                let sql = "UPDATE grantor_codes SET redeemed_at = ?3 \
                           WHERE grant_id = ?1 AND hash = ?2 AND redeemed_at IS NULL";
                self.spend(sql, key, tokens).await
            }
            Call::Rotate(key, successors) => {
                let sql = "UPDATE grantor_refresh_tokens SET retired_at = ?3 \
                           WHERE grant_id = ?1 AND hash = ?2 AND retired_at IS NULL";
                self.spend(sql, key, &successors.1).await
            }
            _ => false,
        }
    }

    fn observe(&self, _call: &Call) {}
}
