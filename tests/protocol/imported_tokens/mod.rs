//! Tokens that another server issued before: they go on working, and nobody has to authorize again.

use std::time::Duration;

use grantor::clock::{Clock as _, Timestamp};
use grantor::configuration::ImportedTokens;
use grantor::error::ErrorReason;
use grantor::grant::ImportedGrant;
use grantor::secret::ImportedToken;
use grantor::{ImportError, Imported};

use crate::support::{Setup, Start, bearer};

/// Turns each test into one on both stores.
macro_rules! importing_on_both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($setup:ident) $body:block)*) => {
        $(
            $(#[$meta])*
            #[tokio::test]
            async fn $name() {
                for $setup in both().await $body
            }
        )*
    };
}

mod cost;
mod life;
mod rows;

const ACCESS: &str = "clyk_live_2YotnFZFEjr1zCsicMWpAA";
const REFRESH: &str = "4f9a1c7be03d5826f1a2b3c4d5e6f70812345678";

/// A server on each store that accepts imported tokens.
async fn both() -> [Setup; 2] {
    let [memory, sqlite] = Setup::both_starts().await;
    [start(memory).await, start(sqlite).await]
}

async fn start(start: Start) -> Setup {
    Setup::start(start, |builder| builder.imported_tokens(ImportedTokens::Accepted)).await
}

fn plain(text: &str) -> ImportedToken {
    ImportedToken::plain(text).unwrap()
}

/// What alice allowed a client to read, without tokens.
fn grant_to(client: &str) -> ImportedGrant {
    ImportedGrant::new(client.parse().unwrap(), "alice".parse().unwrap(), "read write".parse().unwrap())
}

fn access_of(client: &str) -> ImportedGrant {
    grant_to(client).with_access_token(plain(ACCESS), None)
}

fn refresh_of(client: &str) -> ImportedGrant {
    grant_to(client).with_refresh_token(plain(REFRESH), None)
}

fn after(setup: &Setup, seconds: u64) -> Timestamp {
    setup.clock.now().saturating_add(Duration::from_secs(seconds))
}

#[track_caller]
fn expect_stored(imported: Result<Imported, ImportError>) {
    assert_eq!(imported.unwrap(), Imported::Stored);
}

async fn refusal(setup: &Setup, token: &str) -> ErrorReason {
    setup.server.resource_server().verify(&bearer(token)).await.unwrap_err().reason()
}
