//! Stores on the servers that `tests/servers/run` starts, each with keys of its own.

use std::ops::Deref;

use grantor::secret::GrantId;
use grantor::store::RedisStore;
use redis::{Client, Connection, cmd};

/// An empty store on the single server. Its keys are deleted when it is dropped.
pub struct Fresh {
    store: RedisStore,
    prefix: String,
    /// The servers to clear.
    urls: Vec<String>,
}

impl Fresh {
    pub async fn on_server() -> Self {
        let url = server_url();
        let prefix = prefix();
        let store = RedisStore::connect(&url).await.unwrap().with_key_prefix(&prefix);
        Self { store, prefix, urls: vec![url] }
    }

    /// An empty store on the cluster, which ends with the tests and need not be cleared.
    pub async fn on_cluster() -> Self {
        let urls = cluster_urls();
        let prefix = prefix();
        let store =
            RedisStore::connect_cluster(urls.iter().map(String::as_str)).await.unwrap().with_key_prefix(&prefix);
        Self { store, prefix, urls: Vec::new() }
    }

    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The keys that there are, on the single server.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        keys(&mut connection(), &self.prefix)
    }
}

impl Deref for Fresh {
    type Target = RedisStore;

    fn deref(&self) -> &RedisStore {
        &self.store
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        for url in &self.urls {
            let Ok(mut connection) = Client::open(url.as_str()).and_then(|client| client.get_connection()) else {
                return;
            };
            for keys in keys(&mut connection, &self.prefix).chunks(1_000) {
                let _ = cmd("UNLINK").arg(keys).exec(&mut connection);
            }
        }
    }
}

/// A prefix that no other test uses.
pub fn prefix() -> String {
    format!("test-{}:", GrantId::random())
}

pub fn server_url() -> String {
    variable("GRANTOR_TEST_REDIS")
}

pub fn cluster_urls() -> Vec<String> {
    variable("GRANTOR_TEST_REDIS_CLUSTER").split(',').map(str::to_owned).collect()
}

/// A connection to the single server, beside the store.
pub fn connection() -> Connection {
    Client::open(server_url()).unwrap().get_connection().unwrap()
}

fn keys(connection: &mut Connection, prefix: &str) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let mut cursor = 0_u64;
    loop {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(10_000);
        let (next, batch): (u64, Vec<Vec<u8>>) = scan.query(connection).unwrap();
        keys.extend(batch);
        if next == 0 {
            return keys;
        }
        cursor = next;
    }
}

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run tests/servers/run cargo test -- --include-ignored"))
}
