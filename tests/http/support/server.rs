//! A database of a test's own on a server that is there already.

use std::env;
use std::future::Future;
use std::thread;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime;
use url::Url;

/// The marker that a Redis database is a test's; it holds the time at which it was taken.
const MARKER: &str = "grantor-test-of-the-example";

/// How often all of them are looked at, and how long to pause between two looks: together two minutes, in which other
/// tests end.
const LOOKS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(200);

/// Takes the database if it is empty, or if a test left it behind more than ten minutes ago.
const TAKE: &str = "
    local taken = tonumber(redis.call('GET', KEYS[1]))
    local now = tonumber(redis.call('TIME')[1])
    if redis.call('DBSIZE') > 0 and not (taken and now - taken > 600) then return 0 end
    redis.call('FLUSHDB')
    redis.call('SET', KEYS[1], now)
    return 1";

/// An empty database, which goes with this.
#[derive(Debug)]
pub struct OwnDatabase {
    pub(super) url: String,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Postgres { server: String, name: String },
    Redis,
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

    /// On the Redis of `GRANTOR_TEST_REDIS`: one of its numbered databases that is empty, once there is one.
    pub fn redis() -> Self {
        let mut url = Url::parse(&server("GRANTOR_TEST_REDIS")).unwrap();
        for _ in 0..LOOKS {
            for number in 1..16 {
                url.set_path(&number.to_string());
                let client = redis::Client::open(url.as_str()).unwrap();
                let mut connection = client.get_connection().unwrap();
                if redis::Script::new(TAKE).key(MARKER).invoke::<bool>(&mut connection).unwrap() {
                    return Self { url: url.into(), kind: Kind::Redis };
                }
            }
            thread::sleep(PAUSE);
        }
        panic!("no database of the Redis at GRANTOR_TEST_REDIS from 1 to 15 is empty");
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
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        match &self.kind {
            Kind::Postgres { server, name } => run_sql(server, format!("DROP DATABASE {name} WITH (FORCE)")),
            Kind::Redis => {
                let mut connection = redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap();
                redis::cmd("FLUSHDB").exec(&mut connection).unwrap();
            }
        }
    }
}

/// The URL of the server that a variable names.
#[track_caller]
pub fn server(variable: &str) -> String {
    let unset = || panic!("{variable} is not set: tests/servers/run cargo test -- --include-ignored");
    env::var(variable).ok().filter(|url| !url.is_empty()).unwrap_or_else(unset)
}

pub(super) fn run_sql(server: &str, sql: String) {
    block_on(async move {
        let mut connection = PgConnection::connect(server).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Waits for a future from within a test that is one itself.
pub(super) fn block_on(future: impl Future<Output = ()> + Send) {
    thread::scope(|scope| {
        scope.spawn(|| runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future));
    });
}
