//! The tables are made once, by whoever comes first, where the host wants them.

use grantor::store::{Insertion, PostgresStore, TokenStore as _};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::support::postgres::{Schema, fresh_name, url};
use crate::support::records::*;

/// The names of tables and indexes that are in the schema.
async fn relations(schema: &Schema, name: &str) -> Vec<String> {
    let sql = "SELECT relname::text FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname = $1 ORDER BY 1";
    sqlx::query_scalar(sql).bind(name).fetch_all(&mut schema.beside().await).await.unwrap()
}

async fn assert_works(store: &PostgresStore) {
    let tokens = issued(&grant());
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    assert!(are_stored(store, &tokens).await);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_second_migration_changes_nothing() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let tokens = issued(&grant());
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    let before = relations(&schema, &schema.name).await;
    store.migrate().await.unwrap();
    assert!(are_stored(&store, &tokens).await);
    assert_eq!(relations(&schema, &schema.name).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn any_number_may_migrate_at_once_even_if_there_is_no_schema_yet() {
    let schema = Schema::new().await;
    let mut beside = schema.beside().await;
    for _ in 0..5 {
        beside.execute(AssertSqlSafe(format!("DROP SCHEMA {} CASCADE", schema.name))).await.unwrap();
        // Each has a pool of its own, as a process has.
        let migrating: Vec<_> = (0..20)
            .map(|_| {
                let store = schema.store(&schema.pool(1));
                tokio::spawn(async move {
                    store.migrate().await.unwrap();
                    store
                })
            })
            .collect();
        for migrating in migrating {
            assert_works(&migrating.await.unwrap()).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn tables_have_the_names_that_the_host_chose() {
    let schema = Schema::new().await;
    let pool = schema.pool(2);
    for (schema_name, prefix) in [(format!("{}_Own-1", schema.name), "Auth-"), (format!("{}_Own-2", schema.name), "")] {
        let store =
            PostgresStore::new(pool.clone()).with_table_prefix(prefix).unwrap().with_schema(&schema_name).unwrap();
        store.migrate().await.unwrap();
        store.migrate().await.unwrap();
        assert_works(&store).await;
        let names = relations(&schema, &schema_name).await;
        assert!(names.len() > 10, "{names:?}");
        assert!(names.contains(&format!("{prefix}refresh_tokens_expires_at")), "{names:?}");
        assert!(names.iter().all(|name| name.starts_with(prefix) && !name.contains("grantor")), "{names:?}");
        pool.execute(AssertSqlSafe(format!("DROP SCHEMA \"{schema_name}\" CASCADE"))).await.unwrap();
    }
    assert_eq!(relations(&schema, &schema.name).await, [""; 0]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn without_a_schema_the_search_path_decides() {
    let schema = Schema::new().await;
    let options = schema.options.clone().options([("search_path", &schema.name)]);
    let store = PostgresStore::new(schema.pool_options(2).connect_with(options).await.unwrap());
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    assert_works(&store).await;
    assert!(relations(&schema, &schema.name).await.contains(&"grantor_grants".to_owned()));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_url_is_enough() {
    let schema = Schema::new().await;
    let separator = if url().contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options[search_path]={}", url(), schema.name);
    for _ in 0..2 {
        assert_works(&PostgresStore::connect(&url).await.unwrap()).await;
    }
    assert!(relations(&schema, &schema.name).await.contains(&"grantor_grants".to_owned()));
    let error = PostgresStore::connect("sqlite::memory:").await.unwrap_err();
    assert_eq!(error.to_string(), "the PostgreSQL database cannot be opened");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn the_migrations_can_be_run_by_the_hosts_own_tool() {
    let schema = Schema::new().await;
    // The files as they are.
    for file in [
        include_str!("../../../src/store/migrations/postgres/0001_initial.sql"),
        include_str!("../../../src/store/migrations/postgres/0002_names_and_tenants.sql"),
        include_str!("../../../src/store/migrations/postgres/0003_client_reviews.sql"),
    ] {
        sqlx::raw_sql(file).execute(&mut schema.beside().await).await.unwrap();
    }
    let pool = schema.pool(2);
    let store = schema.store(&pool);
    assert_works(&store).await;
    store.migrate().await.unwrap();

    // With other names.
    let prefix = format!("p{}_", &fresh_name()[..8]);
    let renamed = schema.store(&pool).with_table_prefix(&prefix).unwrap();
    for (number, sql) in renamed.migrations() {
        let mut transaction = pool.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await.unwrap();
        transaction.commit().await.unwrap();
        let noted = format!("SELECT max(version) FROM {}.{prefix}migrations", schema.name);
        assert_eq!(sqlx::query_scalar::<_, i64>(AssertSqlSafe(noted)).fetch_one(&pool).await.unwrap(), number);
    }
    assert_works(&renamed).await;
    renamed.migrate().await.unwrap();
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn grants_of_before_a_migration_are_kept_and_found_by_tenant() {
    let schema = Schema::new().await;
    let mut beside = schema.beside().await;
    beside.execute(include_str!("../../../src/store/migrations/postgres/0001_initial.sql")).await.unwrap();
    let older = "INSERT INTO grantor_grants (id, scope, tenant, created_at) \
                 VALUES (substring(sha256('1') FOR 16), 'read', 'acme', 0)";
    beside.execute(older).await.unwrap();
    let pool = schema.pool(1);
    let store = schema.store(&pool);
    store.migrate().await.unwrap();
    assert_eq!(store.revoke_tenant(&"acme".parse().unwrap(), at(7)).await.unwrap(), 1);
    assert_works(&store).await;
}

/// A schema as the first release left it, with grants of two tenants in it.
async fn older() -> Schema {
    let schema = Schema::new().await;
    let mut beside = schema.beside().await;
    beside.execute(include_str!("../../../src/store/migrations/postgres/0001_initial.sql")).await.unwrap();
    let grants = "INSERT INTO grantor_grants (id, scope, tenant, created_at) \
                  SELECT substring(sha256(n::text::bytea) FOR 16), 'read', 'tenant-' || n % 2, 0 \
                  FROM generate_series(1, 1000) AS n";
    beside.execute(grants).await.unwrap();
    schema
}

const INDEX: &str = "grantor_grants_tenant ON grantor_grants (tenant, id) WHERE tenant IS NOT NULL";

/// Whether the index of the second migration can be used; `None` if there is none.
async fn index(schema: &Schema) -> Option<bool> {
    let sql = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('grantor_grants_tenant')";
    sqlx::query_scalar(sql).fetch_optional(&mut schema.beside().await).await.unwrap()
}

async fn assert_upgraded(schema: &Schema, store: &PostgresStore) {
    assert_eq!(index(schema).await, Some(true));
    assert_works(store).await;
    assert_eq!(store.revoke_tenant(&"tenant-0".parse().unwrap(), at(7)).await.unwrap(), 500);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn others_go_on_writing_while_a_large_table_gets_an_index() {
    let schema = older().await;
    let pool = schema.pool(2);
    let store = schema.store(&pool);
    let mut observer = schema.beside().await;
    let mut writer = schema.beside().await;
    // The index is not ready before this transaction has ended.
    let mut beside = schema.beside().await;
    let mut open = beside.begin().await.unwrap();
    open.execute("UPDATE grantor_grants SET last_used_at = 1").await.unwrap();
    let migrating = tokio::spawn({
        let store = store.clone();
        async move { store.migrate().await }
    });
    schema.until_waiting(&mut observer, 1).await;
    // What would have to wait behind the migration fails at once.
    writer.execute("SET lock_timeout = '1ms'").await.unwrap();
    let write =
        "INSERT INTO grantor_grants (id, scope, created_at) VALUES (substring(sha256('new') FOR 16), 'read', 0)";
    writer.execute(write).await.unwrap();
    assert!(!migrating.is_finished());
    open.commit().await.unwrap();
    migrating.await.unwrap().unwrap();
    assert_upgraded(&schema, &store).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn an_index_that_was_made_beforehand_is_taken_as_it_is() {
    for by_hand in [false, true] {
        let schema = older().await;
        let mut beside = schema.beside().await;
        beside.execute(AssertSqlSafe(format!("CREATE INDEX CONCURRENTLY {INDEX}"))).await.unwrap();
        let made = "SELECT 'grantor_grants_tenant'::regclass::oid::bigint";
        let before: i64 = sqlx::query_scalar(made).fetch_one(&mut beside).await.unwrap();
        let pool = schema.pool(2);
        let store = schema.store(&pool);
        if by_hand {
            let file = include_str!("../../../src/store/migrations/postgres/0002_names_and_tenants.sql");
            sqlx::raw_sql(file).execute(&mut beside).await.unwrap();
        }
        store.migrate().await.unwrap();
        assert_upgraded(&schema, &store).await;
        assert_eq!(sqlx::query_scalar::<_, i64>(made).fetch_one(&mut beside).await.unwrap(), before);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn an_index_that_somebody_did_not_finish_is_built_anew() {
    let schema = older().await;
    // One that fails half-way leaves the same behind as one that is broken off.
    let unique = "CREATE UNIQUE INDEX CONCURRENTLY grantor_grants_tenant ON grantor_grants (tenant)";
    assert!(schema.beside().await.execute(unique).await.is_err());
    assert_eq!(index(&schema).await, Some(false));
    let pool = schema.pool(1);
    let store = schema.store(&pool);
    store.migrate().await.unwrap();
    assert_upgraded(&schema, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn any_number_may_migrate_at_once_what_the_release_before_left() {
    for _ in 0..5 {
        let schema = older().await;
        let migrating: Vec<_> = (0..20)
            .map(|_| {
                let store = schema.store(&schema.pool(1));
                tokio::spawn(async move {
                    store.migrate().await.unwrap();
                    store
                })
            })
            .collect();
        let mut stores = Vec::new();
        for migrating in migrating {
            stores.push(migrating.await.unwrap());
        }
        assert_upgraded(&schema, &stores[0]).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_database_of_a_newer_release_is_refused() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    schema.beside().await.execute("INSERT INTO grantor_migrations VALUES (1000000)").await.unwrap();
    let error = store.migrate().await.unwrap_err();
    assert_eq!(error.to_string(), "the PostgreSQL database was migrated by a newer release, to version 1000000");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_table_of_somebody_elses_is_left_alone() {
    let schema = Schema::new().await;
    let mut beside = schema.beside().await;
    beside.execute("CREATE TABLE grantor_codes (theirs TEXT)").await.unwrap();
    beside.execute("CREATE TABLE grantor_grants (tenant TEXT, id TEXT)").await.unwrap();
    let pool = schema.pool(2);
    let error = schema.store(&pool).migrate().await.unwrap_err();
    assert_eq!(error.to_string(), "the PostgreSQL database cannot be migrated");
    // Nothing of the migration is left.
    assert_eq!(relations(&schema, &schema.name).await, ["grantor_codes", "grantor_grants"]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_migration_whose_future_is_dropped_is_done_or_not() {
    let schema = Schema::new().await;
    let pool = schema.pool(1);
    let store = schema.store(&pool);
    for polls in 1.. {
        let done = crate::support::interruption::interrupted(store.migrate(), polls).await.is_some();
        // The only connection comes back once the migration has come to its end.
        pool.acquire().await.unwrap();
        let relations = relations(&schema, &schema.name).await.len();
        assert!(relations == 0 || relations > 10, "{relations} tables and indexes");
        if done {
            assert!(relations > 10);
            break;
        }
    }
}
