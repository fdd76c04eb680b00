//! Where clients, codes and tokens are, and where calls are counted.

use std::error::Error;
use std::sync::Arc;

use grantor::Stores;
use grantor::rate_limit::{LocalRateLimiter, RateLimiter};
use grantor::store::{
    ClientRegistry, GrantStore, MemoryStore, PostgresStore, RedisError, RedisRateLimiter, RedisStore, SqliteStore,
    TokenStore,
};

use super::limits::Limits;
use crate::shortener::database::Database;

/// What the operator chose.
#[derive(Debug)]
pub enum Place {
    /// Tables beside the shortener's own.
    Database,
    /// The Redis at this URL.
    Redis(String),
    /// This process, and nowhere once it ends.
    Memory,
}

/// What the authorization server works on.
#[derive(Debug)]
pub struct Storage {
    /// Clients, codes and tokens.
    pub stores: Stores,
    /// The same tokens.
    pub tokens: Arc<dyn TokenStore>,
    /// Who counts the calls, if they are limited. Several processes count together if they have a Redis.
    pub limiter: Option<Arc<dyn RateLimiter>>,
}

impl Storage {
    /// Opens the place, and brings its schema up to date. The error is one line for the operator.
    pub async fn open(place: &Place, database: &Database, limits: Limits) -> Result<Self, String> {
        match (place, database) {
            (Place::Redis(url), _) => {
                let store = redis(url).await.map_err(unusable)?;
                let count = |policy| -> Arc<dyn RateLimiter> { Arc::new(RedisRateLimiter::new(&store, policy)) };
                let limiter = counted(limits).map(count);
                Ok(Self::of(store, limiter))
            }
            (Place::Memory, _) => Ok(Self::of(MemoryStore::new(), local(limits))),
            (Place::Database, Database::Sqlite(pool)) => {
                let store = SqliteStore::new(pool.clone());
                store.migrate().await.map_err(unusable)?;
                Ok(Self::of(store, local(limits)))
            }
            (Place::Database, Database::Postgres(pool)) => {
                let store = PostgresStore::new(pool.clone());
                store.migrate().await.map_err(unusable)?;
                Ok(Self::of(store, local(limits)))
            }
        }
    }

    fn of<S: ClientRegistry + GrantStore + 'static>(store: S, limiter: Option<Arc<dyn RateLimiter>>) -> Self {
        let store = Arc::new(store);
        Self { stores: Stores::from(Arc::clone(&store)), tokens: store, limiter }
    }
}

fn counted(limits: Limits) -> Option<Limits> {
    Some(limits).filter(|limits| *limits != Limits::Off)
}

fn local(limits: Limits) -> Option<Arc<dyn RateLimiter>> {
    counted(limits).map(|policy| -> Arc<dyn RateLimiter> { Arc::new(LocalRateLimiter::new(policy)) })
}

/// `redis://host:6379/0`, or `redis+cluster://host:7000` for the cluster of this node; of several, with commas, one has
/// to answer.
async fn redis(url: &str) -> Result<RedisStore, RedisError> {
    if !url.starts_with("redis+cluster:") && !url.contains(',') {
        return RedisStore::connect(url).await;
    }
    let nodes: Vec<String> = url.split(',').map(|node| node.replacen("redis+cluster:", "redis:", 1)).collect();
    RedisStore::connect_cluster(nodes.iter().map(String::as_str)).await
}

/// The error with its causes, in one line.
fn unusable(error: impl Error) -> String {
    let causes = std::iter::successors(error.source(), |&error| error.source());
    causes.map(ToString::to_string).fold(format!("DATABASE_URL: {error}"), |line, cause| {
        // Some say what their cause says.
        if line.ends_with(&cause) { line } else { format!("{line}: {cause}") }
    })
}
