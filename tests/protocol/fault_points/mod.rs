//! Every endpoint at every single fault point: each call of the store, before and after its work, failing, late, or never
//! coming back. The answer is right or says that the server is in trouble; then the client tries again.

mod host;
mod machine;
mod registration;
mod token;
mod tokens_in_use;

use std::sync::Arc;

use grantor::secret::GrantId;
use grantor::store::{MemoryStore, RedisStore, SqliteStore};

use self::machine::Machine;
use crate::support::postgres::Schema;

/// One test for each endpoint, on a store of the caller's.
macro_rules! fault_points {
    (test [$($attribute:tt)*] $make:expr => $module:ident::$endpoint:ident) => {
        #[tokio::test]
        $($attribute)*
        async fn $endpoint() {
            let (store, _guard) = $make.await;
            $module::$endpoint(&Machine::on(store).await).await;
        }
    };
    (tests $attributes:tt $make:expr => $($module:ident::$endpoint:ident)*) => {
        $( fault_points! { test $attributes $make => $module::$endpoint } )*
    };
    ($($store:ident $(#[$attribute:meta])*: $make:expr;)*) => {
        $(
            mod $store {
                use super::*;

                fault_points! { tests [$(#[$attribute])*] $make =>
                    host::a_decision host::a_denial host::what_the_host_calls registration::a_first_use registration::a_purge_of_clients
                    registration::a_registration
                    token::a_client_that_asks_for_itself token::a_refresh_without_rotation token::a_replay
                    token::a_rotation token::an_exchange tokens_in_use::a_look_at_a_token tokens_in_use::a_revocation
                }
            }
        )*
    };
}

fault_points! {
    memory: async { (Arc::new(MemoryStore::new()), ()) };
    sqlite: async {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("test.db").display());
        (Arc::new(SqliteStore::connect(&url).await.unwrap()), directory)
    };
    postgres #[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]: async {
        let schema = Schema::new().await;
        let (store, _) = schema.migrated(4).await;
        (Arc::new(store), schema)
    };
    redis #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]: async {
        let store = RedisStore::connect(&variable("GRANTOR_TEST_REDIS")).await.unwrap();
        (Arc::new(store.with_key_prefix(&format!("test:{}:", GrantId::random()))), ())
    };
    redis_cluster #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]: async {
        let urls = variable("GRANTOR_TEST_REDIS_CLUSTER");
        let store = RedisStore::connect_cluster(urls.split(',')).await.unwrap();
        (Arc::new(store.with_key_prefix(&format!("test:{}:", GrantId::random()))), ())
    };
}

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run tests/servers/run cargo test -- --include-ignored"))
}
