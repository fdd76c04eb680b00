//! Everything in a Redis server or cluster.

mod bytes;
mod calls;
mod client_lists;
mod clients;
mod codes;
mod connection;
mod failure;
mod grant_lists;
mod join;
mod keys;
mod lists;
mod records;
mod scripts;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::io::tcp::TcpSettings;
use redis::{Client, IntoConnectionInfo as _};

use self::calls::Acknowledgement;
use self::connection::{Connection, Target, Turns};
use self::keys::Keys;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many connections wait for replicas: one that waits does nothing else.
const WRITERS: usize = 16;

/// Keeps clients, grants, codes and tokens in Redis: one server, or a Redis Cluster.
#[derive(Clone, Debug)]
pub struct RedisStore {
    shared: Arc<Shared>,
    keys: Keys,
    patience: Duration,
    acknowledgement: Option<Acknowledgement>,
}

#[derive(Debug)]
struct Shared {
    /// Does everything that does not wait for replicas.
    reader: Connection,
    writers: Turns,
}

impl RedisStore {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// [`RedisError`] if that failed.
    pub async fn connect(url: &str) -> Result<Self, RedisError> {
        let info = url.into_connection_info().map_err(Failure::Open)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let store = Self::new(Client::open(info).map_err(Failure::Open)?);
        store.establish().await?;
        Ok(store)
    }

    /// Connects to a Redis Cluster of which these are some nodes.
    ///
    /// # Errors
    ///
    /// [`RedisError`] if that failed.
    pub async fn connect_cluster(urls: impl IntoIterator<Item = &str>) -> Result<Self, RedisError> {
        let builder = ClusterClient::builder(urls.into_iter().collect::<Vec<_>>());
        let store = Self::new_cluster(builder.tcp_settings(TcpSettings::default().set_nodelay(true)))?;
        store.establish().await?;
        Ok(store)
    }

    /// Uses the host's own client, and connects when it is first needed.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with_target(&Target::Server(client))
    }

    /// Uses the host's own settings for a cluster, except for retries and time-outs, and connects when it is first needed.
    ///
    /// # Errors
    ///
    /// [`RedisError`] if the settings contradict each other.
    pub fn new_cluster(builder: ClusterClientBuilder) -> Result<Self, RedisError> {
        // See `connection` for the retries. Calls are bounded by the store.
        let builder = builder.retries(0).overall_response_timeout(None).response_timeout(FOR_EVER);
        Ok(Self::with_target(&Target::Cluster(builder.build().map_err(Failure::Open)?)))
    }

    fn with_target(target: &Target) -> Self {
        let shared = Shared { reader: Connection::new(target.clone()), writers: Turns::new(target, WRITERS) };
        Self { shared: Arc::new(shared), keys: Keys::new("grantor:"), patience: PATIENCE, acknowledgement: None }
    }

    async fn establish(&self) -> Result<(), RedisError> {
        match tokio::time::timeout(self.patience, self.shared.reader.establish()).await {
            Ok(connected) => Ok(connected.map_err(Failure::Connect)?),
            Err(elapsed) => Err(Failure::Connect(std::io::Error::from(elapsed).into()).into()),
        }
    }

    /// Begins every key with this text instead of `grantor:`. Braces in it are written `%7B` and `%7D`, so that slots are
    /// still chosen by the grant.
    #[must_use]
    pub fn with_key_prefix(mut self, prefix: &str) -> Self {
        self.keys = Keys::new(prefix);
        self
    }

    /// Gives up a call after so long, five seconds unless told otherwise.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Makes every write wait until so many replicas have it.
    #[must_use]
    pub const fn with_replica_acknowledgements(mut self, replicas: u32, timeout: Duration) -> Self {
        self.acknowledgement = Some(Acknowledgement { replicas, timeout });
        self
    }
}

/// The client of the cluster takes no `None` for how long an answer may take.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Redis could not be reached, or its URL is wrong.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RedisError(#[from] Failure);

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the URL or the settings of Redis are wrong")]
    Open(#[source] redis::RedisError),
    #[error("Redis cannot be reached")]
    Connect(#[source] redis::RedisError),
}
