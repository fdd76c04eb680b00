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
mod rate_limiter;
mod records;
mod reviews;
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

pub use self::rate_limiter::RedisRateLimiter;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many connections wait for replicas: one that waits does nothing else.
const WRITERS: usize = 16;

/// Keeps clients, grants, codes and tokens in Redis: one server, or a Redis Cluster.
///
/// It is a [`ClientStore`](super::ClientStore) and a [`ClientRegistry`](super::ClientRegistry), and holds codes and tokens
/// together, so it is a [`GrantStore`](super::GrantStore) that spends a code and stores its tokens in one step. Clones share the
/// connections. It needs Redis 6.2 or newer, or Valkey.
///
/// ```no_run
/// use std::time::Duration;
/// use grantor::store::RedisStore;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let server = RedisStore::connect("redis://127.0.0.1/").await?;
///
/// let cluster = RedisStore::connect_cluster(["redis://10.0.0.1/", "redis://10.0.0.2/", "redis://10.0.0.3/"])
///     .await?
///     .with_key_prefix("acme-oauth:")
///     .with_replica_acknowledgements(1, Duration::from_millis(200));
/// # Ok(())
/// # }
/// ```
///
/// # Durability
///
/// **Redis can lose what it acknowledged**, so read this before you trust it with more than sessions. What is lost is lost for
/// decisions, too: a redemption that is lost lets a code be redeemed again for what is left of its minute, to whoever has it and
/// its verifier; a rotation that is lost brings the replaced refresh token back; a revocation that is lost leaves tokens in use
/// until they expire, or until somebody revokes them again; what was issued and is lost has its user sign in again.
///
/// * A server that crashes loses what is not in its append-only file. With `appendonly yes` and `appendfsync always` that is
///   nothing; with `everysec` it is about a second; without the file it is everything.
/// * Replication is asynchronous. A failover loses what the new master had not got yet: the last moments, or, when the network was
///   split, all that the old master took until `min-replicas-max-lag` or `cluster-node-timeout` stopped it.
/// * [`with_replica_acknowledgements`](Self::with_replica_acknowledgements) has every write wait (`WAIT`) until so many replicas
///   have it; a write that they do not acknowledge in time is an error that a retry can help, and may have happened. If **all**
///   replicas of each master must acknowledge, a failover to any of them loses nothing that was acknowledged. If fewer must, it
///   may promote one that did not. It is no consensus: a replica acknowledges what is in its memory, and a master that is cut
///   off may go on to answer reads as of before, until it notices.
/// * A call that was not acknowledged has been done on the master all the same. Whoever asks again to revoke a token, or withdraws
///   what is withdrawn, is told that it is done, whether a replica knows or not. Revoking a user, a client, a tenant or a grant by this
///   trait waits again.
/// * Waiting for all replicas, a node that is down leaves the rest of its part without acknowledgements, and so without writes,
///   until it is back or was taken out. Choose between that and the losses above.
/// * A master without an append-only file must not be restarted before a replica took over: it would come back empty, and its
///   replicas would follow it.
///
/// Where none of this will do, use a store that promises more, such as `PostgresStore`.
///
/// # Configuration
///
/// | setting | why |
/// |---|---|
/// | `maxmemory-policy noeviction` | any other lets Redis evict what tells that a code was redeemed or a grant revoked; a server that is full stores nothing more, and still revokes |
/// | `appendonly yes`, `appendfsync always` or `everysec` | see above |
/// | `min-replicas-to-write 1`, `min-replicas-max-lag 10` | a master that is cut off stops taking writes |
/// | a clock that is right to a minute | see below |
///
/// An access-control list must allow the prefix's keys and the commands of `src/store/redis/scripts`, `EVAL`, `EVALSHA`, `WAIT`
/// and what the client connects with.
///
/// # Keys
///
/// All of a grant is in the slot of its identifier, so that each step is one script in one place. Below, `g` stands for the
/// grant's identifier and `h` for the 32 bytes of a hash.
///
/// | key | what | kept |
/// |---|---|---|
/// | `grantor:{g}:g` | the grant | for a day after what was issued under it last expires, or it was revoked |
/// | `grantor:{g}:c` | its code | as long as the grant |
/// | `grantor:{g}:a:h`, `:r:h` | an access or refresh token | until it expires |
/// | `grantor:{g}:p` | names of its tokens that never expire | until it is revoked |
/// | `grantor:client:id` | a client | until it is deleted |
/// | `grantor:{subject-grants:id}:order`, `:due` | the grants of a user | 90 days longer than their grants |
/// | `grantor:{client-grants:id}:order`, `:due` | the grants of a client | the same |
/// | `grantor:{tenant-grants:id}:order`, `:due` | the grants that are confined to a tenant | the same |
/// | `grantor:{owner-clients:id}:order`, `:due` | the clients of an owner | while it has any |
/// | `grantor:{clients}:order`, `:due` | all clients | the same |
/// | `grantor:{clients}:review` | when to look whether a client is still used | the same |
///
/// Redis evicts by itself what has expired: tokens a minute later, because its clock is not the caller's, grants and codes a day
/// later, because a consent form may be sent again. So
/// [`purge_tokens`](super::TokenStore::purge_tokens) and [`purge_codes`](super::CodeStore::purge_codes) have nothing to do. What
/// never expires is kept until its grant is revoked.
///
/// Lists lie in other slots than what they name. Whatever is stored was listed before; what a list names is looked at before
/// it is shown or revoked, and decides by itself who it belongs to; what is gone is dropped whenever its list grows or is read, a
/// few members at a time. A list that is lost, as in a failover, hides its grants from listings and from
/// [`revoke_subject`](super::TokenStore::revoke_subject), [`revoke_client`](super::TokenStore::revoke_client) and
/// [`revoke_tenant`](super::TokenStore::revoke_tenant) until something more is stored for the same user, client or tenant, and
/// changes nothing about what they allow. The list of somebody who had a grant that never expires stays.
///
/// # Memory
///
/// About 220 bytes for an access token, 250 for a refresh token, retired ones included, and 1,000 for a grant with its code and
/// its places in two lists, and 150 more if it is confined to a tenant: 2 KB for a user who signed in and has refreshed once. A token that allows what its grant does
/// does not repeat it. A refresh token that is rotated every hour and lasts for a month leaves 720 retired ones behind, 180 KB:
/// they are what tells a replay.
///
/// # Time
///
/// A bearer check is one `MGET`, an exchange or a refresh one script. What is stored under a new grant takes a round trip before
/// that, for the lists. Each call is bounded by [`with_patience`](Self::with_patience), whatever happens to the connection. Lost
/// connections are made anew by the next call. A read is repeated by itself; a write is not, unless a server refused to
/// execute it, for it would take its own first half for somebody else's.
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
    /// Connects to a server: `redis://user:password@host:port/database`.
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

    /// Uses the host's own client, and connects when it is first needed. Its TCP settings should have `nodelay`.
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
        Ok(Self::with_target(&Target::Cluster(Box::new(builder.build().map_err(Failure::Open)?))))
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

    /// Gives up a call after so long, five seconds unless told otherwise. Of those that take several steps, such as
    /// revoking all of a user, each step has as long.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Makes every write wait until so many replicas have it, for so long at most; then it is an error that a retry can help,
    /// and whether the replicas get it is not known. See [durability](Self#durability) for what that promises.
    ///
    /// A connection that waits does nothing else, so writes take turns on sixteen of their own.
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
