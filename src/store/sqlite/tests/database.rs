use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

use super::*;
use crate::error::Retry;
use crate::store::{CodeStore as _, Insertion, Redemption};

impl Database {
    /// A pool of a host's own.
    async fn pool(&self) -> sqlx::SqlitePool {
        let options = SqliteConnectOptions::new()
            .filename(&self.0)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_millis(20))
            .foreign_keys(false);
        SqlitePoolOptions::new().connect_with(options).await.unwrap()
    }
}

#[tokio::test]
async fn what_was_stored_is_there_when_the_file_is_opened_again() {
    let database = Database::new();
    let code = code(&grant());
    assert_eq!(database.open().await.insert_code(&code).await.unwrap(), Insertion::Inserted);
    let again = database.open().await;
    assert_eq!(again.find_code(&code.key).await.unwrap().as_ref(), Some(&code));
    assert_eq!(again.clone().redeem_code(&code.key, at(1), None).await.unwrap(), Redemption::First);
    again.migrate().await.unwrap();
    assert_eq!(again.redeem_code(&code.key, at(1), None).await.unwrap(), Redemption::Replayed);
}

#[tokio::test]
async fn two_stores_share_a_file() {
    let database = Database::new();
    let (one, two) = (database.open().await, database.open().await);
    let grant = grant();
    let tokens = issued(&grant);
    assert_eq!(one.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    assert!(are_stored(&two, &tokens).await);
    two.revoke_grant(&grant.id, at(1)).await.unwrap();
    assert!(!are_stored(&one, &tokens).await);
}

#[tokio::test]
async fn two_databases_in_memory_are_apart() {
    let (one, two) = (memory().await, memory().await);
    let tokens = issued(&grant());
    assert_eq!(one.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    assert!(are_stored(&one.clone(), &tokens).await);
    assert!(!are_stored(&two, &tokens).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_may_open_a_new_file_at_once() {
    let database = Database::new();
    let opening: Vec<_> = (0..16)
        .map(|_| {
            let url = database.url();
            tokio::spawn(async move { SqliteStore::connect(&url).await.unwrap() })
        })
        .collect();
    let tokens = issued(&grant());
    for (n, opening) in opening.into_iter().enumerate() {
        let store = opening.await.unwrap();
        if n == 0 {
            assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        }
        assert!(are_stored(&store, &tokens).await);
    }
}

#[tokio::test]
async fn a_host_with_a_pool_of_its_own_keeps_its_tables_and_migrations() {
    let database = Database::new();
    let pool = database.pool().await;
    let theirs = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY); INSERT INTO _sqlx_migrations VALUES (1)";
    sqlx::raw_sql(theirs).execute(&pool).await.unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    let code = code(&grant());
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(&code));
    // Though the host has switched off foreign keys, a purged grant leaves nothing behind.
    assert_eq!(store.purge_tokens(at(20_000), MANY).await.unwrap(), 1);
    let left = "SELECT (SELECT count(*) FROM grantor_codes), (SELECT count(*) FROM _sqlx_migrations)";
    let left: (i64, i64) = sqlx::query_as(left).fetch_one(&pool).await.unwrap();
    assert_eq!(left, (0, 1));
}

#[tokio::test]
async fn a_pool_of_one_serves_a_database_in_memory() {
    let pool = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    let store = SqliteStore::new(pool);
    store.migrate().await.unwrap();
    let tokens = issued(&grant());
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    assert!(are_stored(&store, &tokens).await);
}

#[tokio::test]
async fn the_migrations_can_be_run_by_hand() {
    let database = Database::new();
    let pool = database.pool().await;
    sqlx::raw_sql(include_str!("../../migrations/sqlite/0001_initial.sql")).execute(&pool).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO grantor_grants (id, scope, tenant, created_at) VALUES (zeroblob(16), 'read', 'acme', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let store = SqliteStore::new(pool);
    // The first file was run by hand, and the rest is not yet.
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.insert_tokens(&issued(&grant())).await.unwrap(), Insertion::Inserted);
    let older = store.find_grant(&GrantId::from_bytes([0; 16])).await.unwrap().unwrap();
    assert_eq!(older.grant.name, None);
    assert_eq!(older.grant.tenant, Some("acme".parse().unwrap()));
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused() {
    let database = Database::new();
    let store = database.open().await;
    sqlx::query("INSERT INTO grantor_migrations VALUES (1000000)").execute(&store.writer).await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert_eq!(error.to_string(), "the SQLite database was migrated by a newer release, to version 1000000");
    assert!(SqliteStore::connect(&database.url()).await.is_err());
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_an_error() {
    let error = SqliteStore::connect("sqlite:/not/there/at/all.sqlite").await.unwrap_err();
    assert_eq!(error.to_string(), "the SQLite database cannot be opened");
    assert!(SqliteStore::connect("postgres://localhost").await.is_err());
}

#[tokio::test]
async fn a_commit_is_synced() {
    let database = Database::new();
    let ours = database.open().await;
    let theirs = SqliteStore::new(database.pool().await);
    for writer in [ours.writer, theirs.writer] {
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&writer).await.unwrap();
        let level: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&writer).await.unwrap();
        assert_eq!((mode.as_str(), level), ("wal", 3));
    }
}

#[tokio::test]
async fn a_locked_database_is_unavailable_and_reads_go_on() {
    let database = Database::new();
    let pool = database.pool().await;
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    let code = code(&grant());
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    let lock = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(store.redeem_code(&code.key, at(1), None).await.unwrap_err().retry(), Retry::CanHelp);
    assert_eq!(store.count_failure(&code.key).await.unwrap_err().retry(), Retry::CanHelp);
    assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(&code));
    lock.rollback().await.unwrap();
    assert_eq!(store.redeem_code(&code.key, at(1), None).await.unwrap(), Redemption::First);
    pool.close().await;
    assert_eq!(store.find_code(&code.key).await.unwrap_err().retry(), Retry::CanHelp);
}

#[tokio::test]
async fn a_missing_table_and_an_unreadable_row_are_failures() {
    let database = Database::new();
    let store = SqliteStore::new(database.pool().await);
    let code = code(&grant());
    assert_eq!(store.find_code(&code.key).await.unwrap_err().retry(), Retry::CannotHelp);
    assert_eq!(store.insert_code(&code).await.unwrap_err().retry(), Retry::CannotHelp);
    store.migrate().await.unwrap();
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    for spoil in [
        "UPDATE grantor_codes SET challenge = x'00'",
        "UPDATE grantor_codes SET challenge = NULL, failures = -1",
        "UPDATE grantor_codes SET failures = 0; UPDATE grantor_grants SET extra = '{'",
        "UPDATE grantor_grants SET extra = NULL, scope = 'é'",
        "UPDATE grantor_grants SET scope = '', client = ''",
    ] {
        sqlx::raw_sql(spoil).execute(&store.writer).await.unwrap();
        assert_eq!(store.find_code(&code.key).await.unwrap_err().retry(), Retry::CannotHelp, "{spoil}");
    }
}

#[tokio::test]
async fn a_nonce_is_forgotten_without_a_look_at_all_tokens_of_the_grant() {
    let store = memory().await;
    let plan = format!("EXPLAIN QUERY PLAN {}", crate::store::sqlite::tokens::FORGET_NONCE);
    let plan: (i64, i64, i64, String) =
        sqlx::query_as(sqlx::AssertSqlSafe(plan)).fetch_one(&store.writer).await.unwrap();
    assert!(plan.3.contains("grantor_refresh_tokens_nonce (grant_id=? AND successor=?)"), "{}", plan.3);
}
