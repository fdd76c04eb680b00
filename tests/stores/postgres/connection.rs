//! Connections end or are missing: each call answers in bounded time that a retry can help, has happened or not,
//! and the next one works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use grantor::error::{Retry, StoreError};
use grantor::store::{CodeStore as _, PostgresStore};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::support::calls::{Stock, calls};
use crate::support::interruption::interrupted;
use crate::support::postgres::{Schema, eventually};
use crate::support::records::*;

const TABLES: &str = "grantor_clients, grantor_grants, grantor_codes, grantor_access_tokens, grantor_refresh_tokens";

/// Far more than a call may take that gives up, even on a busy machine.
pub(super) const BOUND: Duration = Duration::from_secs(15);
/// For calls that cannot succeed.
const SHORTEST: Duration = Duration::from_millis(50);

/// All that is stored, except what is random.
async fn contents(beside: &mut PgConnection) -> String {
    let sql = "SELECT concat_ws(E'\n', \
        (SELECT string_agg(concat_ws(' ', 'client', id, version, record), E'\n' ORDER BY id) FROM grantor_clients), \
        (SELECT string_agg(format('grant %s %s %s', expires_at, last_used_at, revoked_at), E'\n' \
            ORDER BY expires_at, last_used_at, revoked_at) FROM grantor_grants), \
        (SELECT string_agg(format('code %s %s', redeemed_at, failures), E'\n' ORDER BY redeemed_at, failures) \
            FROM grantor_codes), \
        (SELECT string_agg(format('access token %s', expires_at), E'\n' ORDER BY expires_at) FROM grantor_access_tokens), \
        (SELECT string_agg(format('refresh token %s %s %s', expires_at, retired_at, retries), E'\n' \
            ORDER BY expires_at, retired_at) FROM grantor_refresh_tokens))";
    sqlx::query_scalar(sql).fetch_one(beside).await.unwrap()
}

async fn empty(beside: &mut PgConnection) {
    beside.execute(AssertSqlSafe(format!("TRUNCATE {TABLES}"))).await.unwrap();
}

async fn terminate(beside: &mut PgConnection, pid: i32) {
    sqlx::query("SELECT pg_terminate_backend($1)").bind(pid).execute(beside).await.unwrap();
}

pub(super) fn assert_can_be_retried(error: &StoreError, what: &str) {
    assert_eq!(error.retry(), Retry::CanHelp, "{what}: {:?}", std::error::Error::source(error));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_connection_that_is_killed_in_the_middle_of_a_statement() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(1).await;
    let mut beside = schema.beside().await;
    let mut locking = schema.beside().await;
    for (name, call) in calls::<PostgresStore>() {
        // Once while it is being prepared, and once with the prepared statement, if the first call has left one.
        for prepared in [false, true] {
            empty(&mut beside).await;
            if prepared {
                let first = Stock::put_into(&store).await;
                assert!(call(&store, &first).await.unwrap(), "{name}");
                empty(&mut beside).await;
            }
            let stock = Arc::new(Stock::put_into(&store).await);
            let before = contents(&mut beside).await;

            let mut lock = locking.begin().await.unwrap();
            lock.execute(AssertSqlSafe(format!("LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE"))).await.unwrap();
            let calling = {
                let (store, stock) = (store.clone(), Arc::clone(&stock));
                tokio::spawn(async move { call(&store, &stock).await })
            };
            for pid in schema.until_waiting(&mut beside, 1).await {
                terminate(&mut beside, pid).await;
            }
            assert_can_be_retried(&calling.await.unwrap().unwrap_err(), name);
            lock.rollback().await.unwrap();

            assert_eq!(contents(&mut beside).await, before, "{name}");
            assert!(call(&store, &stock).await.unwrap(), "{name}, after the connection was lost");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_connection_that_is_killed_when_half_of_a_statement_is_done() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(1).await;
    let mut beside = schema.beside().await;
    let mut blocking = schema.beside().await;
    for (name, call) in calls::<PostgresStore>() {
        empty(&mut beside).await;
        let stock = Arc::new(Stock::put_into(&store).await);
        // Somebody is about to insert the same last row, and the statement waits to see whether that happens.
        let insert = "INSERT INTO grantor_access_tokens (grant_id, hash, scope, issued_at) VALUES ($1, $2, '', 0)";
        let (insert, key) = match name {
            "exchange_code" => (insert, stock.exchanged.access.key),
            "insert_tokens" => (insert, stock.new_tokens.access.key),
            "rotate_refresh_token" => {
                let refresh = "INSERT INTO grantor_refresh_tokens (grant_id, hash, issued_at) VALUES ($1, $2, 0)";
                (refresh, refresh_key(&stock.successors))
            }
            "reuse_refresh_token" => (insert, stock.successors.access.key),
            "insert_code" => {
                let code = "INSERT INTO grantor_codes (grant_id, hash, redirect_uri, redirect_uri_requested, expires_at, \
                            failures) VALUES ($1, $2, '', true, 0, 0)";
                (code, stock.new_code.key)
            }
            _ => continue,
        };
        let before = contents(&mut beside).await;
        let mut other = blocking.begin().await.unwrap();
        let key = (key.grant.as_bytes().to_vec(), key.hash.as_bytes().to_vec());
        sqlx::query(insert).bind(key.0).bind(key.1).execute(&mut *other).await.unwrap();
        let calling = {
            let (store, stock) = (store.clone(), Arc::clone(&stock));
            tokio::spawn(async move { call(&store, &stock).await })
        };
        for pid in schema.until_waiting(&mut beside, 1).await {
            terminate(&mut beside, pid).await;
        }
        assert_can_be_retried(&calling.await.unwrap().unwrap_err(), name);
        other.rollback().await.unwrap();
        assert_eq!(contents(&mut beside).await, before, "{name}");
        assert!(call(&store, &stock).await.unwrap(), "{name}, after the connection was lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_connection_that_was_killed_while_nobody_used_it_is_not_noticed() {
    let schema = Schema::new().await;
    let (store, pool) = schema.migrated(3).await;
    let mut beside = schema.beside().await;
    for (name, call) in calls::<PostgresStore>() {
        empty(&mut beside).await;
        let stock = Stock::put_into(&store).await;
        // All connections are open.
        drop([pool.acquire().await.unwrap(), pool.acquire().await.unwrap(), pool.acquire().await.unwrap()]);
        for (pid, _) in schema.backends(&mut beside).await {
            terminate(&mut beside, pid).await;
        }
        eventually("a backend lives on", async || schema.backends(&mut beside).await.is_empty()).await;
        assert!(call(&store, &stock).await.unwrap(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_call_that_waits_for_a_lock_gives_up_and_is_done_or_not() {
    let schema = Schema::new().await;
    let (store, pool) = schema.migrated(1).await;
    let hasty = store.clone().with_patience(SHORTEST);
    let mut beside = schema.beside().await;
    let mut locking = schema.beside().await;
    for (name, call) in calls::<PostgresStore>() {
        empty(&mut beside).await;
        let stock = Stock::put_into(&store).await;
        let mut lock = locking.begin().await.unwrap();
        lock.execute(AssertSqlSafe(format!("LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE"))).await.unwrap();
        let begun = Instant::now();
        assert_can_be_retried(&call(&hasty, &stock).await.unwrap_err(), name);
        assert!(begun.elapsed() < BOUND, "{name}");
        // The pool has its connection back before long, though the lock is still held.
        drop(tokio::time::timeout(BOUND, pool.acquire()).await.unwrap().unwrap());
        lock.rollback().await.unwrap();
        // The server notices only when it tries to answer.
        eventually("an abandoned statement does not end", async || schema.backends(&mut beside).await.len() < 2).await;
        assert!(store.count_failure(&stock.new_code.key).await.is_ok(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_call_whose_future_is_dropped_is_done_or_not() {
    let schema = Schema::new().await;
    let (store, pool) = schema.migrated(1).await;
    let mut interruptions = 0;
    for store in [store.clone(), store.behind_proxy()] {
        let mut beside = schema.beside().await;
        for (name, call) in calls::<PostgresStore>() {
            empty(&mut beside).await;
            let stock = Stock::put_into(&store).await;
            let before = contents(&mut beside).await;
            assert!(call(&store, &stock).await.unwrap());
            let after = contents(&mut beside).await;

            for polls in 1.. {
                empty(&mut beside).await;
                let stock = Stock::put_into(&store).await;
                // The only connection is idle, so that each poll gets as far as it can.
                drop(pool.acquire().await.unwrap());
                let outcome = interrupted(call(&store, &stock), polls).await;
                // Whatever the call has left to do is done once its connection is free.
                drop(pool.acquire().await.unwrap());
                let now = contents(&mut beside).await;
                if let Some(outcome) = outcome {
                    assert!(outcome.unwrap(), "{name}");
                    assert_eq!(now, after, "{name}");
                    break;
                }
                interruptions += 1;
                // A purge may delete the tokens and not yet their grant.
                assert!(now == before || now == after || name == "purge_tokens", "{name} after {polls} polls:\n{now}");
            }
        }
    }
    assert!(interruptions > 100, "{interruptions} interruptions prove nothing");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_full_pool() {
    let schema = Schema::new().await;
    let (store, pool) = schema.migrated(1).await;
    let stock = Stock::put_into(&store).await;
    let hasty = store.clone().with_patience(SHORTEST);
    let held = pool.acquire().await.unwrap();
    for (name, call) in calls::<PostgresStore>() {
        let begun = Instant::now();
        assert_can_be_retried(&call(&hasty, &stock).await.unwrap_err(), name);
        assert!(begun.elapsed() < BOUND, "{name}");
    }
    drop(held);
    assert!(store.find_code(&stock.code.key).await.unwrap().is_some());
    pool.close().await;
    assert_can_be_retried(&store.find_code(&stock.code.key).await.unwrap_err(), "a closed pool");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn what_will_not_pass_is_told_apart() {
    let schema = Schema::new().await;
    let pool = schema.pool(1);
    let store = schema.store(&pool);
    let missing = store.find_code(&key(&grant())).await.unwrap_err();
    assert_eq!(missing.retry(), Retry::CannotHelp, "there are no tables");
    let elsewhere = schema.pool_options(1).connect_lazy_with(schema.options.clone().database("not_there"));
    let error = schema.store(&elsewhere).find_code(&key(&grant())).await.unwrap_err();
    assert_eq!(error.retry(), Retry::CannotHelp, "there is no database");

    store.migrate().await.unwrap();
    let code = code(&grant());
    assert_eq!(store.insert_code(&code).await.unwrap(), grantor::store::Insertion::Inserted);
    for spoil in [
        "UPDATE grantor_codes SET challenge = '\\x00'",
        "UPDATE grantor_codes SET challenge = NULL, failures = -1",
        "UPDATE grantor_codes SET failures = 0; UPDATE grantor_grants SET extra = '{'",
        "UPDATE grantor_grants SET extra = NULL, scope = 'é'",
        "UPDATE grantor_grants SET scope = '', client = ''",
    ] {
        schema.beside().await.execute(spoil).await.unwrap();
        assert_eq!(store.find_code(&code.key).await.unwrap_err().retry(), Retry::CannotHelp, "{spoil}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_primary_that_became_a_standby_is_left_for_a_new_connection() {
    let schema = Schema::new().await;
    let (store, pool) = schema.migrated(1).await;
    let stock = Stock::put_into(&store).await;
    // As a server that was demoted answers to those who are still connected.
    pool.execute("SET default_transaction_read_only = on").await.unwrap();
    assert_can_be_retried(&store.count_failure(&stock.code.key).await.unwrap_err(), "read-only");
    store.count_failure(&stock.code.key).await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_statement_that_the_server_gives_up_can_be_retried() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(1).await;
    let stock = Stock::put_into(&store).await;
    let mut locking = schema.beside().await;
    let mut lock = locking.begin().await.unwrap();
    lock.execute("SELECT FROM grantor_grants FOR UPDATE").await.unwrap();
    for (setting, what) in [("statement_timeout", "query_canceled"), ("lock_timeout", "lock_not_available")] {
        let options = schema.options.clone().options([(setting, "50ms")]);
        let hasty = schema.store(&schema.pool_options(1).connect_lazy_with(options));
        assert_can_be_retried(&hasty.exchange_code_of(&stock).await.unwrap_err(), what);
    }
    lock.rollback().await.unwrap();
    assert!(store.exchange_code_of(&stock).await.unwrap());
}

trait Exchange {
    async fn exchange_code_of(&self, stock: &Stock) -> Result<bool, StoreError>;
}

impl Exchange for PostgresStore {
    async fn exchange_code_of(&self, stock: &Stock) -> Result<bool, StoreError> {
        let calls = calls::<Self>();
        let (_, exchange) = calls.iter().find(|(name, _)| *name == "exchange_code").unwrap();
        exchange(self, stock).await
    }
}
