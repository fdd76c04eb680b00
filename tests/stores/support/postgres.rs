//! A schema of its own for each test, in the database that `GRANTOR_TEST_POSTGRES` names.

use std::time::{Duration, Instant};

use grantor::secret::GrantId;
use grantor::store::PostgresStore;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

/// What the names of these schemas begin with.
const PREFIX: &str = "grantor_test_";

/// The server that the tests share.
pub fn url() -> String {
    std::env::var("GRANTOR_TEST_POSTGRES").expect(
        "GRANTOR_TEST_POSTGRES must name a PostgreSQL database: run tests/servers/run cargo test -- --include-ignored",
    )
}

/// A name that nothing else has, of characters that a name of PostgreSQL's may have unquoted.
pub fn fresh_name() -> String {
    GrantId::random().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A schema that is dropped with this value.
pub struct Schema {
    pub name: String,
    pub options: PgConnectOptions,
}

impl Schema {
    pub async fn new() -> Self {
        Self::on(&url()).await
    }

    /// An empty schema on some server.
    pub async fn on(url: &str) -> Self {
        let name = format!("{PREFIX}{}", fresh_name());
        let options: PgConnectOptions = url.parse().unwrap();
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        connection.execute(AssertSqlSafe(format!("CREATE SCHEMA {name}"))).await.unwrap();
        connection.close().await.unwrap();
        Self { options: options.application_name(&name), name }
    }

    /// A pool of so many connections, which know the schema by name only and can be told from others by the application's name.
    pub fn pool(&self, connections: u32) -> PgPool {
        self.pool_options(connections).connect_lazy_with(self.options.clone())
    }

    pub fn pool_options(&self, connections: u32) -> PgPoolOptions {
        PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(20))
    }

    /// A store over the pool, for this schema, as the host would configure it.
    pub fn store(&self, pool: &PgPool) -> PostgresStore {
        PostgresStore::new(pool.clone()).with_schema(&self.name).unwrap().with_patience(Duration::from_secs(20))
    }

    /// A store that can be used at once, with its pool.
    pub async fn migrated(&self, connections: u32) -> (PostgresStore, PgPool) {
        let pool = self.pool(connections);
        let store = self.store(&pool);
        store.migrate().await.unwrap();
        (store, pool)
    }

    /// A connection beside the pool, which finds the tables without their schema.
    pub async fn beside(&self) -> PgConnection {
        let options = self.options.clone().application_name("beside").options([("search_path", self.name.as_str())]);
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// The processes that serve this schema's pools, and whether they wait for a lock.
    pub async fn backends(&self, beside: &mut PgConnection) -> Vec<(i32, bool)> {
        let sql = "SELECT pid, wait_event_type IS NOT DISTINCT FROM 'Lock' AS waits FROM pg_stat_activity \
                   WHERE application_name = $1";
        let rows = sqlx::query(sql).bind(&self.name).fetch_all(beside).await.unwrap();
        rows.iter().map(|row| (row.get("pid"), row.get("waits"))).collect()
    }

    /// Waits until so many of them wait for a lock.
    pub async fn until_waiting(&self, beside: &mut PgConnection, count: usize) -> Vec<i32> {
        let mut waiting = Vec::new();
        eventually("no call waits for the lock", async || {
            waiting = self.backends(beside).await.into_iter().filter(|(_, waits)| *waits).map(|(pid, _)| pid).collect();
            waiting.len() >= count
        })
        .await;
        waiting
    }
}

impl Drop for Schema {
    /// The best that can be done: a test that was killed leaves its schema behind.
    fn drop(&mut self) {
        let (options, name) = (self.options.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let Ok(mut connection) = PgConnection::connect_with(&options.application_name("cleaner")).await else {
                    return;
                };
                // What a test that failed holds locked must not keep the others waiting.
                let sql = format!("SET lock_timeout = '5s'; DROP SCHEMA IF EXISTS {name} CASCADE");
                let _ = connection.execute(AssertSqlSafe(sql)).await;
            });
        });
        let _ = dropping.join();
    }
}

/// Asks until the answer is yes.
pub async fn eventually(otherwise: &str, mut condition: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "{otherwise}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
