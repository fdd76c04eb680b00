//! `RedisStore` under a prefix of its own, on a server or a cluster, beside one bare `MGET` or script on one connection.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use grantor::clock::Timestamp;
use grantor::grant::IssuedTokens;
use grantor::secret::{GrantId, TokenHash};
use grantor::store::RedisStore;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo as _, Script, cmd, pipe};
use tokio::sync::OnceCell;

use super::{Backend, fresh_name, insert_clients, insert_grants};
use crate::dataset::Dataset;
use crate::operation::{Call, Floor, Store};

/// How many keys are looked for, and deleted, at a time.
const KEYS: usize = 10_000;

/// What takes the place of a token: about as many bytes as the store's.
const VALUE: [u8; 32] = [7; 32];

pub(crate) struct Redis {
    urls: Vec<String>,
    is_cluster: bool,
    prefix: String,
    store: OnceCell<Arc<dyn Store>>,
}

impl Redis {
    pub(crate) fn server(url: &str) -> Self {
        Self::new(vec![url.to_owned()], false)
    }

    /// All nodes must be named: what is stored is weighed and deleted node by node.
    pub(crate) fn cluster(urls: &str) -> Self {
        Self::new(urls.split(',').map(str::to_owned).collect(), true)
    }

    fn new(urls: Vec<String>, is_cluster: bool) -> Self {
        Self { urls, is_cluster, prefix: format!("grantor-bench-{}:", fresh_name()), store: OnceCell::new() }
    }

    async fn store(&self) -> &Arc<dyn Store> {
        self.store
            .get_or_init(async || {
                let store = if self.is_cluster {
                    RedisStore::connect_cluster(self.urls.iter().map(String::as_str)).await
                } else {
                    RedisStore::connect(&self.urls[0]).await
                };
                let store = store.expect("Redis").with_key_prefix(&self.prefix).with_patience(Duration::from_secs(60));
                let store: Arc<dyn Store> = Arc::new(store);
                insert_clients(&store).await;
                store
            })
            .await
    }

    /// The masters, one by one.
    async fn masters(&self) -> Vec<MultiplexedConnection> {
        let mut masters = Vec::new();
        for url in &self.urls {
            let mut connection = connect(url).await;
            if info(&mut connection, "replication", "role").await == "master" {
                masters.push(connection);
            }
        }
        masters
    }
}

async fn connect(url: &str) -> MultiplexedConnection {
    let info = url.into_connection_info().expect("a URL").set_tcp_settings(TcpSettings::default().set_nodelay(true));
    // Deleting millions of keys takes longer than a client waits for an answer.
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let client = Client::open(info).expect("a client");
    client.get_multiplexed_async_connection_with_config(&config).await.expect("a connection")
}

async fn info(connection: &mut MultiplexedConnection, section: &str, name: &str) -> String {
    let text: String = cmd("INFO").arg(section).query_async(connection).await.expect("INFO");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

#[async_trait]
impl Backend for Redis {
    /// All callers share one connection, as they do in a service.
    async fn open(&self, _connections: u32) -> (Arc<dyn Store>, Arc<dyn Floor>) {
        let store = Arc::clone(self.store().await);
        let floor: Arc<dyn Floor> = if self.is_cluster {
            let nodes = self.urls.iter().map(String::as_str).collect::<Vec<_>>();
            let client = ClusterClient::builder(nodes).tcp_settings(TcpSettings::default().set_nodelay(true));
            let connection = client.build().expect("a client").get_async_connection().await.expect("a connection");
            Arc::new(Commands::<ClusterConnection>::new(connection, &self.prefix))
        } else {
            Arc::new(Commands::new(connect(&self.urls[0]).await, &self.prefix))
        };
        (store, floor)
    }

    async fn load(&self, data: &Dataset) {
        insert_grants(self.store().await, data).await;
    }

    /// What the masters use, of which our keys may not be all.
    async fn bytes(&self) -> u64 {
        let mut bytes = 0;
        for mut master in self.masters().await {
            bytes += info(&mut master, "memory", "used_memory").await.parse::<u64>().expect("a number");
        }
        bytes
    }

    async fn evicts(&self) -> Option<u64> {
        let mut keys = 0;
        for mut master in self.masters().await {
            keys += cmd("DBSIZE").query_async::<u64>(&mut master).await.expect("DBSIZE");
        }
        Some(keys)
    }

    async fn clear(&self) {
        for mut master in self.masters().await {
            let mut cursor = 0;
            loop {
                let mut scan = cmd("SCAN");
                scan.arg(cursor).arg("MATCH").arg(format!("{}*", self.prefix)).arg("COUNT").arg(KEYS);
                let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut master).await.expect("SCAN");
                // One by one: keys of different slots cannot be named together.
                let mut unlink = pipe();
                for key in keys {
                    unlink.cmd("UNLINK").arg(key).ignore();
                }
                if !unlink.is_empty() {
                    unlink.query_async::<()>(&mut master).await.expect("UNLINK");
                }
                cursor = next;
                if cursor == 0 {
                    break;
                }
            }
        }
    }
}

/// Reads what the store has written, under the names that it gives; writes beside it, in the same slot.
struct Commands<C> {
    connection: C,
    prefix: String,
    spend: Script,
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Commands<C> {
    fn new(connection: C, prefix: &str) -> Self {
        let spend = Script::new(
            "local spent = redis.call('GET', KEYS[1]) \
             redis.call('SET', KEYS[2], ARGV[1], 'PXAT', ARGV[2]) \
             redis.call('SET', KEYS[3], ARGV[1], 'PXAT', ARGV[2]) \
             redis.call('SET', KEYS[4], ARGV[1], 'PXAT', ARGV[3]) \
             return spent and 1 or 0",
        );
        Self { connection, prefix: prefix.to_owned(), spend }
    }

    fn key(&self, grant: GrantId, kind: &str, hash: Option<TokenHash>) -> Vec<u8> {
        let hash = hash.map_or_else(Vec::new, |hash| hash.as_bytes().to_vec());
        [format!("{}{{{grant}}}:{kind}", self.prefix).into_bytes(), hash].concat()
    }

    async fn found(&self, grant: GrantId, key: Vec<u8>) -> bool {
        let mut get = cmd("MGET");
        get.arg(self.key(grant, "g", None)).arg(key);
        let values: Vec<Option<Vec<u8>>> = get.query_async(&mut self.connection.clone()).await.expect("MGET");
        values.iter().all(Option::is_some)
    }

    /// A read of what is spent, and three writes.
    async fn spend(&self, grant: GrantId, spent: Vec<u8>, tokens: &IssuedTokens) -> bool {
        let (access, refresh) = (&tokens.access, tokens.refresh.as_ref().expect("a refresh token"));
        let millis = |at: Option<Timestamp>| at.map_or(0, |at| at.unix_millis());
        let spending = self
            .spend
            .key(spent)
            .key(self.key(grant, "floor", None))
            .key(self.key(grant, "floor:a:", Some(access.key.hash)))
            .key(self.key(grant, "floor:r:", Some(refresh.key.hash)))
            .arg(&VALUE[..])
            .arg(millis(access.expires_at))
            .arg(millis(refresh.expires_at))
            .invoke_async::<i64>(&mut self.connection.clone())
            .await;
        spending.expect("EVALSHA") == 1
    }
}

#[async_trait]
impl<C: ConnectionLike + Clone + Send + Sync + 'static> Floor for Commands<C> {
    async fn make(&self, call: &Call) -> bool {
        match call {
            Call::FindAccessToken(key) => self.found(key.grant, self.key(key.grant, "a:", Some(key.hash))).await,
            Call::FindRefreshToken(key) => self.found(key.grant, self.key(key.grant, "r:", Some(key.hash))).await,
            Call::FindCode(key) => self.found(key.grant, self.key(key.grant, "c", None)).await,
            Call::Exchange(key, tokens) => self.spend(key.grant, self.key(key.grant, "c", None), tokens).await,
            Call::Rotate(key, successors) => {
                let spent = self.key(key.grant, "r:", Some(key.hash));
                self.spend(key.grant, spent, &successors.1).await
            }
            _ => false,
        }
    }

    fn observe(&self, _call: &Call) {}
}
