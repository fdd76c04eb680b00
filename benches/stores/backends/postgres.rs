//! `PostgresStore` in a schema of its own, beside one bare statement on the same pool.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use grantor::grant::IssuedTokens;
use grantor::secret::TokenKey;
use grantor::store::PostgresStore;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{Backend, fresh_name, insert_clients};
use crate::dataset::{CLIENTS, Dataset, GRANTS_PER_USER, Purpose, SCOPE};
use crate::operation::{Call, Floor, Store};

/// How many grants one statement inserts while loading.
const ROWS: i64 = 50_000;

/// `$1` grants of `$2`, from number `$3` on, that came during `$4` milliseconds, the first at `$5`; `n` is the number and
/// `at` the instant of each.
macro_rules! numbered {
    () => {
        "(SELECT n, $5 + n * $4 / $2 AS at FROM generate_series($3, least($3 + $1, $2) - 1) AS n) AS numbered"
    };
}

/// The server works out the identifiers itself: see `Dataset`.
const LOAD_GRANTS: &str = concat!(
    "INSERT INTO grantor_grants (id, client, subject, scope, created_at, expires_at) \
     SELECT substring(sha256($6 || int8send(n)) FOR 16), 'client-' || n % $9, 'user-' || n / $10, $8, at, at + $7 FROM ",
    numbered!()
);
const LOAD_ACCESS_TOKENS: &str = concat!(
    "INSERT INTO grantor_access_tokens (grant_id, hash, scope, issued_at, expires_at) \
     SELECT substring(sha256($6 || int8send(n)) FOR 16), sha256($9 || int8send(n)), $8, at, at + $7 FROM ",
    numbered!()
);
const LOAD_REFRESH_TOKENS: &str = concat!(
    "INSERT INTO grantor_refresh_tokens (grant_id, hash, issued_at, expires_at) \
     SELECT substring(sha256($6 || int8send(n)) FOR 16), sha256($8 || int8send(n)), at, at + $7 FROM ",
    numbered!()
);

pub(crate) struct Postgres {
    options: PgConnectOptions,
    schema: String,
}

impl Postgres {
    pub(crate) async fn new(url: &str) -> Self {
        let schema = format!("grantor_bench_{}", fresh_name());
        let options: PgConnectOptions = url.parse().expect("a URL");
        let postgres = Self { options: options.options([("search_path", schema.as_str())]), schema };
        let sql = format!("CREATE SCHEMA {}", postgres.schema);
        postgres.connection().await.execute(AssertSqlSafe(sql)).await.expect("a schema");
        let store = PostgresStore::new(postgres.pool(1));
        store.migrate().await.expect("tables");
        let store: Arc<dyn Store> = Arc::new(store);
        insert_clients(&store).await;
        postgres
    }

    fn pool(&self, connections: u32) -> PgPool {
        let options = PgPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(30));
        options.connect_lazy_with(self.options.clone())
    }

    async fn connection(&self) -> PgConnection {
        PgConnection::connect_with(&self.options).await.expect("a connection")
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn open(&self, connections: u32) -> (Arc<dyn Store>, Arc<dyn Floor>) {
        let pool = self.pool(connections);
        let store = PostgresStore::new(pool.clone()).with_patience(Duration::from_secs(30));
        (Arc::new(store), Arc::new(Statements(pool)))
    }

    async fn load(&self, data: &Dataset) {
        let mut connection = self.connection().await;
        // What is loaded matters no more than the schema that it is in.
        connection.execute("SET synchronous_commit = off").await.expect("a setting");
        let grants = i64::try_from(data.grants).expect("that many grants fit no disk");
        let (clients, per_user) = (CLIENTS.cast_signed(), GRANTS_PER_USER.cast_signed());
        let prefix = |purpose| data.prefix(purpose).to_vec();
        for first in (0..grants).step_by(usize::try_from(ROWS).expect("a small number")) {
            let numbered = |sql| sqlx::query(sql).bind(ROWS).bind(grants).bind(first).bind(data.span).bind(data.began);
            let inserts = [
                numbered(LOAD_GRANTS)
                    .bind(prefix(Purpose::Grant))
                    .bind(data.refresh_life)
                    .bind(SCOPE)
                    .bind(clients)
                    .bind(per_user),
                numbered(LOAD_ACCESS_TOKENS)
                    .bind(prefix(Purpose::Grant))
                    .bind(data.access_life)
                    .bind(SCOPE)
                    .bind(prefix(Purpose::Access)),
                numbered(LOAD_REFRESH_TOKENS)
                    .bind(prefix(Purpose::Grant))
                    .bind(data.refresh_life)
                    .bind(prefix(Purpose::Refresh)),
            ];
            for insert in inserts {
                insert.execute(&mut connection).await.expect("rows");
            }
        }
        // What the server would do by itself in the minutes after, in the middle of a measurement.
        for table in ["grants", "codes", "access_tokens", "refresh_tokens"] {
            let sql = format!("VACUUM (ANALYZE) grantor_{table}");
            connection.execute(AssertSqlSafe(sql)).await.expect("statistics");
        }
        // Needs a role that not everybody has.
        let _ = connection.execute("CHECKPOINT").await;
        connection.close().await.expect("to close");
    }

    /// Tables, indexes and all.
    async fn bytes(&self) -> u64 {
        let sql = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
                   WHERE relnamespace = to_regnamespace($1) AND relkind = 'r'";
        let query = sqlx::query_scalar::<_, i64>(sql).bind(&self.schema);
        query.fetch_one(&mut self.connection().await).await.expect("a size").unsigned_abs()
    }

    async fn evicts(&self) -> Option<u64> {
        None
    }

    async fn clear(&self) {
        let sql = format!("DROP SCHEMA {} CASCADE", self.schema);
        self.connection().await.execute(AssertSqlSafe(sql)).await.expect("to drop the schema");
    }
}

struct Statements(PgPool);

impl Statements {
    async fn found(&self, sql: &'static str, key: &TokenKey) -> bool {
        let query = sqlx::query(sql).bind(key.grant.as_bytes().as_slice()).bind(key.hash.as_bytes().as_slice());
        query.fetch_optional(&self.0).await.expect("a row").is_some()
    }

    async fn spend(&self, sql: &'static str, key: &TokenKey, tokens: &IssuedTokens) -> bool {
        let (access, refresh) = (&tokens.access, tokens.refresh.as_ref().expect("a refresh token"));
        let query = sqlx::query(sql)
            .bind(key.grant.as_bytes().as_slice())
            .bind(key.hash.as_bytes().as_slice())
            .bind(access.issued_at.unix_millis())
            .bind(access.key.hash.as_bytes().as_slice())
            .bind(access.scope.as_str())
            .bind(access.expires_at.map(|at| at.unix_millis()))
            .bind(refresh.key.hash.as_bytes().as_slice())
            .bind(refresh.expires_at.map(|at| at.unix_millis()));
        query.fetch_optional(&self.0).await.expect("a row").is_some()
    }
}

/// An update that must find its row, and two insertions that follow from it.
macro_rules! spend {
    ($update:literal) => {
        concat!(
            "WITH won AS (",
            $update,
            " RETURNING grant_id), \
             access AS ( \
                 INSERT INTO grantor_access_tokens (grant_id, hash, scope, issued_at, expires_at) \
                 SELECT grant_id, $4, $5, $3, $6 FROM won \
             ), \
             refresh AS ( \
                 INSERT INTO grantor_refresh_tokens (grant_id, hash, issued_at, expires_at) \
                 SELECT grant_id, $7, $3, $8 FROM won \
             ) \
             SELECT true FROM won"
        )
    };
}

#[async_trait]
impl Floor for Statements {
    async fn make(&self, call: &Call) -> bool {
        match call {
            Call::FindAccessToken(key) => {
                let sql =
                    "SELECT scope, issued_at, expires_at FROM grantor_access_tokens WHERE grant_id = $1 AND hash = $2";
                self.found(sql, key).await
            }
            Call::FindRefreshToken(key) => {
                let sql = "SELECT issued_at, expires_at FROM grantor_refresh_tokens WHERE grant_id = $1 AND hash = $2";
                self.found(sql, key).await
            }
            Call::FindCode(key) => {
                let sql = "SELECT challenge, redirect_uri FROM grantor_codes WHERE grant_id = $1 AND hash = $2";
                self.found(sql, key).await
            }
            Call::Exchange(key, tokens) => {
                let sql = spend!(
                    "UPDATE grantor_codes SET redeemed_at = $3 WHERE grant_id = $1 AND hash = $2 AND redeemed_at IS NULL"
                );
                self.spend(sql, key, tokens).await
            }
            Call::Rotate(key, successors) => {
                let sql = spend!(
                    "UPDATE grantor_refresh_tokens SET retired_at = $3 \
                     WHERE grant_id = $1 AND hash = $2 AND retired_at IS NULL"
                );
                self.spend(sql, key, &successors.1).await
            }
            _ => false,
        }
    }

    fn observe(&self, _call: &Call) {}
}
