//! A database of a test's own on a server that is there already.

use std::env;
use std::future::Future;
use std::thread;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tokio::runtime;
use url::Url;

/// The marker that a Redis database is a test's; it holds the time at which it was taken.
const MARKER: &str = "grantor-test-of-the-example";

/// Takes the database if it is empty, or if a test left it behind more than ten minutes ago.
const TAKE: &str = "
    local taken = tonumber(redis.call('GET', KEYS[1]))
    local now = tonumber(redis.call('TIME')[1])
    if redis.call('DBSIZE') > 0 and not (taken and now - taken > 600) then return 0 end
    redis.call('FLUSHDB')
    redis.call('SET', KEYS[1], now)
    return 1";

/// An empty database, which goes with this if that can be.
#[derive(Debug)]
pub struct OwnDatabase {
    url: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Postgres {
        server: String,
        name: String,
    },
    Redis,
    /// Not empty, but shared: it has no numbered databases.
    RedisCluster,
}

impl OwnDatabase {
    /// On the PostgreSQL of `GRANTOR_TEST_POSTGRES`.
    pub fn postgres() -> Self {
        let server = server("GRANTOR_TEST_POSTGRES");
        let name = format!("grantor_example_{:016x}", rand::random::<u64>());
        let mut url = Url::parse(&server).unwrap();
        url.set_path(&name);
        run_sql(&server, format!("CREATE DATABASE {name}"));
        Self { url: url.into(), kind: Kind::Postgres { server, name } }
    }

    /// On the Redis of `GRANTOR_TEST_REDIS`: one of its numbered databases that is empty.
    pub fn redis() -> Self {
        let mut url = Url::parse(&server("GRANTOR_TEST_REDIS")).unwrap();
        for number in 1..16 {
            url.set_path(&number.to_string());
            let client = redis::Client::open(url.as_str()).unwrap();
            let mut connection = client.get_connection().unwrap();
            if redis::Script::new(TAKE).key(MARKER).invoke::<bool>(&mut connection).unwrap() {
                return Self { url: url.into(), kind: Kind::Redis };
            }
        }
        panic!("no database of the Redis at GRANTOR_TEST_REDIS from 1 to 15 is empty");
    }

    /// The Redis Cluster of `GRANTOR_TEST_REDIS_CLUSTER`.
    pub fn redis_cluster() -> Self {
        Self { url: server("GRANTOR_TEST_REDIS_CLUSTER"), kind: Kind::RedisCluster }
    }

    /// The one that `GRANTOR_TEST_EXAMPLE_ON` asks for, if it does: every test can be run on each store.
    pub fn asked_for() -> Option<Self> {
        match env::var("GRANTOR_TEST_EXAMPLE_ON").ok()?.as_str() {
            "postgres" => Some(Self::postgres()),
            "redis" => Some(Self::redis()),
            other => panic!("GRANTOR_TEST_EXAMPLE_ON is {other:?}, but should be postgres or redis"),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs SQL from the side.
    pub fn run_sql(&self, sql: &str) {
        run_sql(&self.url, sql.to_owned());
    }

    /// Breaks every connection that anybody has to it.
    pub fn break_connections(&self) {
        match &self.kind {
            Kind::Postgres { server, name } => {
                let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
                run_sql(server, format!("{others} = '{name}'"));
            }
            Kind::Redis => self.break_redis_connections(),
            Kind::RedisCluster => unimplemented!("others have connections to it"),
        }
    }

    fn break_redis_connections(&self) {
        let number = format!(" db={} ", self.url.rsplit('/').next().unwrap());
        let mut connection = redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap();
        let own: u64 = redis::cmd("CLIENT").arg("ID").query(&mut connection).unwrap();
        let clients: String = redis::cmd("CLIENT").arg("LIST").query(&mut connection).unwrap();
        for client in clients.lines().filter(|client| client.contains(&number)) {
            let id = client.split(' ').find_map(|part| part.strip_prefix("id=")).unwrap();
            if id != own.to_string() {
                // It may have gone by itself.
                let _: u64 = redis::cmd("CLIENT").arg(&["KILL", "ID", id]).query(&mut connection).unwrap();
            }
        }
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        match &self.kind {
            Kind::Postgres { server, name } => run_sql(server, format!("DROP DATABASE {name} WITH (FORCE)")),
            Kind::Redis => {
                let mut connection = redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap();
                redis::cmd("FLUSHDB").exec(&mut connection).unwrap();
            }
            Kind::RedisCluster => {}
        }
    }
}

#[track_caller]
fn server(variable: &str) -> String {
    let unset = || panic!("{variable} is not set: tests/servers/run cargo test -- --include-ignored");
    env::var(variable).ok().filter(|url| !url.is_empty()).unwrap_or_else(unset)
}

fn run_sql(server: &str, sql: String) {
    block_on(async move {
        let mut connection = PgConnection::connect(server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

pub fn run_sqlite(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    block_on(async move {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Waits for a future from within a test that is one itself.
fn block_on(future: impl Future<Output = ()> + Send) {
    thread::scope(|scope| {
        scope.spawn(|| runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future));
    });
}
