//! What a call costs the database: one statement, and a few rows, however many there are.

use std::cell::Cell;

use grantor::store::{CodeStore as _, PostgresStore, TokenStore as _};
use sqlx::Executor as _;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

use crate::support::calls::{Stock, calls};
use crate::support::postgres::{Schema, eventually};
use crate::support::records::*;

/// Many of everything: grants that expire late, and others that never do, with codes, tokens and clients.
const CROWD: &str = "
    INSERT INTO grantor_clients SELECT 'client-' || n, 'owner-' || n, 0, 0, '{}', 1000000000 + n
        FROM generate_series(1, 5000) AS n;
    INSERT INTO grantor_grants
        SELECT sha256(n::text::bytea), 'client-' || n, 'user-' || n, '', NULL, 'tenant-' || n, NULL, 0,
            CASE WHEN n % 2 = 0 THEN 1000000000 + n END, NULL, NULL
        FROM generate_series(1, 20000) AS n;
    INSERT INTO grantor_codes SELECT id, id, NULL, '', true, 1000000000, 0, 1 FROM grantor_grants;
    INSERT INTO grantor_access_tokens SELECT id, id, '', NULL, 0, expires_at FROM grantor_grants;
    INSERT INTO grantor_refresh_tokens SELECT id, id, 0, expires_at FROM grantor_grants;
";

/// A long life of the grant whose refresh token is to be rotated.
const CHAIN: &str = "
    INSERT INTO grantor_refresh_tokens
        SELECT $1, sha256(n::text::bytea), 0, 1000000000, 1, '\\x00000000000000000000000000000000',
            sha256((n + 1)::text::bytea), '', NULL, NULL, 0
        FROM generate_series(1, 3000) AS n
";

/// Leaves the crowd only.
const CLEAN: &str = "
    DELETE FROM grantor_clients WHERE id IN ('app', 'new');
    DELETE FROM grantor_codes WHERE expires_at < 1000000000;
    DELETE FROM grantor_access_tokens WHERE expires_at < 1000000000;
    DELETE FROM grantor_refresh_tokens WHERE expires_at <= 1000000000;
    DELETE FROM grantor_grants WHERE expires_at < 1000000000;
";
const ANALYZE: &str =
    "ANALYZE grantor_clients, grantor_grants, grantor_codes, grantor_access_tokens, grantor_refresh_tokens";
const VACUUM: &str = "VACUUM (INDEX_CLEANUP ON) grantor_clients, grantor_grants, grantor_codes, grantor_access_tokens, \
                      grantor_refresh_tokens";

/// Rows and entries of indexes that were read so far, in all tables of the schema.
async fn reads(schema: &Schema) -> (i64, i64) {
    let mut beside = schema.beside().await;
    // What a connection has read is counted when it ends, at the latest.
    eventually("a connection stays", async || schema.backends(&mut beside).await.is_empty()).await;
    let sql = "SELECT \
        (SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables WHERE schemaname = $1), \
        (SELECT coalesce(sum(idx_tup_read), 0)::bigint FROM pg_stat_user_indexes WHERE schemaname = $1)";
    sqlx::query_as(sql).bind(&schema.name).fetch_one(&mut beside).await.unwrap()
}

thread_local! {
    /// How many statements sqlx has sent in this thread.
    static STATEMENTS: Cell<usize> = const { Cell::new(0) };
}

/// Counts them by what sqlx logs.
struct Counting;

impl Layer<Registry> for Counting {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, Registry>) {
        if event.metadata().target() == "sqlx::query" {
            STATEMENTS.set(STATEMENTS.get() + 1);
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_call_is_one_statement_that_reads_a_few_rows() {
    let schema = Schema::new().await;
    let mut beside = schema.beside().await;
    schema.migrated(1).await.1.close().await;
    beside.execute(CROWD).await.unwrap();
    beside.execute(ANALYZE).await.unwrap();
    tracing::subscriber::set_global_default(Registry::default().with(Counting)).unwrap();
    for (name, call) in calls::<PostgresStore>() {
        let pool = schema.pool(1);
        let store = schema.store(&pool);
        let stock = Stock::put_into(&store).await;
        if name == "rotate_refresh_token" {
            sqlx::query(CHAIN).bind(stock.tokens.grant.id.as_bytes().as_slice()).execute(&mut beside).await.unwrap();
        }
        pool.close().await;
        let before = reads(&schema).await;

        let pool = schema.pool(1);
        let store = schema.store(&pool);
        drop(pool.acquire().await.unwrap());
        STATEMENTS.set(0);
        let answer = call(&store, &stock).await.unwrap();
        let statements = STATEMENTS.get();
        pool.close().await;
        let after = reads(&schema).await;

        // One user, client or tenant has few grants here, and little is due. The entries include those of deleted rows, which a VACUUM
        // leaves while some other transaction might still see them.
        let (most_statements, most_rows, most_entries) = match name {
            "count_clients" => (1, i64::from(MANY.get()), 0),
            "touch_secret" => (2, 0, 500),
            "purge_tokens" => (6, 0, 500),
            _ => (1, 0, 500),
        };
        assert!(answer || name == "count_clients", "{name}");
        assert!((1..=most_statements).contains(&statements), "{name}: {statements} statements");
        assert!(after.0 - before.0 <= most_rows, "{name} reads {} rows without an index", after.0 - before.0);
        assert!(after.1 - before.1 <= most_entries, "{name} reads {} entries of indexes", after.1 - before.1);
        assert!(after > before || !name.starts_with("find"), "{name} is not seen to read anything");

        beside.execute(CLEAN).await.unwrap();
        beside.execute(VACUUM).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_plan_that_was_made_while_the_tables_were_empty_is_good_later() {
    let schema = Schema::new().await;
    let (store, pool) = schema.migrated(1).await;
    let missing = async || {
        // PostgreSQL makes one plan for all after the fifth time.
        for _ in 0..10 {
            assert_eq!(store.find_access_token(&key(&grant())).await.unwrap(), None);
            assert_eq!(store.find_refresh_token(&key(&grant())).await.unwrap(), None);
            assert_eq!(store.find_code(&key(&grant())).await.unwrap(), None);
        }
    };
    missing().await;
    // A pool that is not the store's keeps its count to itself, and ends with it.
    let crowding = schema.pool(1);
    let crowd = format!("SET search_path = {}; {CROWD}", schema.name);
    crowding.execute(sqlx::AssertSqlSafe(crowd)).await.unwrap();
    crowding.close().await;
    let mut beside = schema.beside().await;
    let scanned = "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables WHERE schemaname = $1";
    eventually("the crowd is not counted", async || schema.backends(&mut beside).await.len() == 1).await;
    let before: i64 = sqlx::query_scalar(scanned).bind(&schema.name).fetch_one(&mut beside).await.unwrap();
    missing().await;
    pool.close().await;
    let (after, _) = reads(&schema).await;
    assert_eq!(after, before, "rows were read without an index");
}
