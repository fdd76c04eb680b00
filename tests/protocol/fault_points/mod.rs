//! Every endpoint at every single fault point: each call of the store, before and after its work, failing, late, or never
//! coming back. The answer is right or says that the server is in trouble; then the client tries again.

mod host;
mod machine;
mod registration;
mod token;
mod tokens_in_use;

use std::sync::Arc;

use grantor::store::MemoryStore;

use self::machine::Machine;
use crate::support::{Setup, Start};

/// One test for each endpoint, on a store of the caller's.
macro_rules! fault_points {
    ($($store:ident $(#[$attribute:meta])*: $make:expr;)*) => {
        $(
            mod $store {
                use super::*;

                fault_points! { @ [$(#[$attribute])*] $make =>
                    host::a_decision host::what_the_host_calls registration::a_registration
                    token::a_client_that_asks_for_itself token::a_refresh_without_rotation token::a_replay
                    token::a_rotation token::an_exchange tokens_in_use::a_look_at_a_token tokens_in_use::a_revocation
                }
            }
        )*
    };
    (@ $attributes:tt $make:expr => $($module:ident::$endpoint:ident)*) => {
        $( fault_points! { @@ $attributes $make => $module::$endpoint } )*
    };
    (@@ [$($attribute:tt)*] $make:expr => $module:ident::$endpoint:ident) => {
        #[tokio::test]
        $($attribute)*
        async fn $endpoint() {
            let (store, directory) = $make.await;
            $module::$endpoint(&Machine::on(store, directory).await).await;
        }
    };
}

fault_points! {
    memory: async { (Arc::new(MemoryStore::new()), None) };
    sqlite: async {
        match Setup::sqlite_file().await {
            Start::Sqlite(store, directory) => (store, Some(directory)),
            Start::Memory(_) => panic!("not a file"),
        }
    };
}
