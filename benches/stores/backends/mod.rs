//! Where the stores keep things: opened, filled, weighed and cleared.

mod memory;
mod postgres;
mod redis;
mod sqlite;

use std::sync::Arc;

use async_trait::async_trait;
use grantor::client::Client;
use grantor::store::Insertion;

use crate::arguments::StoreKind;
use crate::dataset::{self, CLIENTS, Dataset};
use crate::operation::{Floor, Store};

/// How many grants are inserted at a time through a store that takes them one by one.
const INSERTERS: u64 = 128;

/// A place of our own.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// The store over so many connections, and what it is compared with, over as many.
    async fn open(&self, connections: u32) -> (Arc<dyn Store>, Arc<dyn Floor>);

    /// Stores all of it, by the quickest way there is.
    async fn load(&self, data: &Dataset);

    /// What takes room: see each backend.
    async fn bytes(&self) -> u64;

    /// How many rows or keys there are, if the backend deletes by itself what expires.
    async fn evicts(&self) -> Option<u64>;

    /// Deletes everything.
    async fn clear(&self);
}

/// An empty place for a store; `None` if nobody said where, and then it says how to.
pub(crate) async fn backend(kind: StoreKind) -> Option<Arc<dyn Backend>> {
    Some(match kind {
        StoreKind::Memory => Arc::new(memory::Memory::new()),
        StoreKind::Sqlite => Arc::new(sqlite::Sqlite::new().await),
        StoreKind::Postgres => Arc::new(postgres::Postgres::new(&url(kind, "GRANTOR_TEST_POSTGRES")?).await),
        StoreKind::Redis => Arc::new(redis::Redis::server(&url(kind, "GRANTOR_TEST_REDIS")?)),
        StoreKind::Cluster => Arc::new(redis::Redis::cluster(&url(kind, "GRANTOR_TEST_REDIS_CLUSTER")?)),
    })
}

fn url(kind: StoreKind, variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok();
    if url.is_none() {
        let name = kind.name();
        println!("{name}: not measured; run tests/servers/run cargo bench --bench stores -- --store {name}");
    }
    url
}

/// A name that nothing else has.
fn fresh_name() -> String {
    let key = dataset::random_key(grantor::secret::GrantId::random());
    key.grant.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn insert_clients(store: &Arc<dyn Store>) {
    for n in 0..CLIENTS {
        let client = Client::public(dataset::client_id(n));
        let client = client.with_redirect_uri("https://app.example/callback".parse().expect("a URI"));
        assert_eq!(store.insert_client(&client).await.expect("insert_client"), Insertion::Inserted);
    }
}

/// Stores grants one by one, many at a time.
async fn insert_grants(store: &Arc<dyn Store>, data: &Dataset) {
    let inserters: Vec<_> = (0..INSERTERS)
        .map(|first| {
            let (store, data) = (Arc::clone(store), data.clone());
            tokio::spawn(async move {
                for n in (first..data.grants).step_by(usize::try_from(INSERTERS).expect("a small number")) {
                    let insertion = store.insert_tokens(&data.issued(n)).await.expect("insert_tokens");
                    assert_eq!(insertion, Insertion::Inserted);
                }
            })
        })
        .collect();
    for inserter in inserters {
        inserter.await.expect("an inserter");
    }
}
