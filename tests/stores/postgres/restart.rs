//! The server crashes and comes back while everybody writes: nothing is won twice, and nothing that was acknowledged is lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grantor::error::{Retry, StoreError};
use grantor::grant::{CodeRecord, IssuedTokens, RefreshTokenState};
use grantor::secret::TokenKey;
use grantor::store::{
    CodeStore as _, GrantStore as _, Insertion, PostgresStore, Redemption, Rotation, TokenStore as _,
};
use sqlx::Connection as _;
use sqlx::postgres::PgPoolOptions;

use crate::support::private_servers::Server;
use crate::support::records::*;

const WRITERS: usize = 8;
const CRASHES: usize = 3;

/// What one writer was told.
#[derive(Default)]
struct Told {
    inserted: Vec<CodeRecord>,
    exchanged: Vec<(TokenKey, IssuedTokens)>,
    rotated: Vec<(TokenKey, IssuedTokens)>,
    /// How often each code was redeemed first.
    firsts: HashMap<TokenKey, usize>,
    errors: usize,
}

impl Told {
    fn answer<T>(&mut self, answer: Result<T, StoreError>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                assert_eq!(error.retry(), Retry::CanHelp, "{:?}", std::error::Error::source(&error));
                self.errors += 1;
                None
            }
        }
    }
}

/// Inserts codes, exchanges each of them twice at once and rotates what it bought, until told to stop.
async fn write(store: PostgresStore, stop: Arc<AtomicBool>) -> Told {
    let mut told = Told::default();
    while !stop.load(Ordering::SeqCst) {
        let code = code(&grant());
        let Some(insertion) = told.answer(store.insert_code(&code).await) else { continue };
        assert_eq!(insertion, Insertion::Inserted);
        told.inserted.push(code.clone());
        // A retry presents the code again: it must not be good a second time, wherever the first attempt ended.
        for _ in 0..2 {
            let (one, two) = (issued(&code.grant), issued(&code.grant));
            let (first, second) =
                tokio::join!(store.exchange_code(&code.key, &one), store.exchange_code(&code.key, &two));
            for (redemption, tokens) in [(first, one), (second, two)] {
                match told.answer(redemption) {
                    Some(Redemption::First) => {
                        *told.firsts.entry(code.key).or_default() += 1;
                        told.exchanged.push((code.key, tokens));
                    }
                    Some(Redemption::Replayed) | None => {}
                    Some(Redemption::Unknown) => panic!("a code was lost that had been stored"),
                }
            }
        }
        let Some((_, tokens)) = told.exchanged.last().filter(|(key, _)| *key == code.key) else { continue };
        let (key, next) = (refresh_key(tokens), issued(&code.grant));
        if let Some(rotation) = told.answer(store.rotate_refresh_token(&key, &retirement(&next), &next).await) {
            assert_eq!(rotation, Rotation::Rotated);
            told.rotated.push((key, next));
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_crash_of_the_server_loses_nothing_and_spends_nothing_twice() {
    let server = Server::new();
    let pool = PgPoolOptions::new().max_connections(8).connect_lazy_with(server.options());
    let store = PostgresStore::new(pool).with_patience(Duration::from_secs(20));
    store.migrate().await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(write(store.clone(), Arc::clone(&stop)))).collect();
    for _ in 0..CRASHES {
        // The writers are well under way.
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM grantor_refresh_tokens");
        let begun: i64 = count.fetch_one(&mut connect(&server).await).await.unwrap();
        crate::support::postgres::eventually("nobody writes", async || {
            let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM grantor_refresh_tokens");
            count.fetch_one(&mut connect(&server).await).await.unwrap() > begun + 50
        })
        .await;
        server.crash();
        server.start();
    }
    stop.store(true, Ordering::SeqCst);
    let mut errors = 0;
    for writer in writers {
        let told = writer.await.unwrap();
        errors += told.errors;
        for code in &told.inserted {
            assert!(store.find_code(&code.key).await.unwrap().is_some(), "a code was lost");
        }
        for (key, firsts) in &told.firsts {
            assert_eq!(*firsts, 1, "{key:?}");
        }
        for (key, tokens) in &told.exchanged {
            assert!(store.find_code(key).await.unwrap().unwrap().redeemed_at.is_some());
            assert!(are_stored(&store, tokens).await, "tokens were lost");
        }
        for (key, next) in &told.rotated {
            let state = store.find_refresh_token(key).await.unwrap().unwrap().token.state;
            assert_ne!(state, RefreshTokenState::Active, "a rotation was lost");
            assert!(are_stored(&store, next).await, "successors were lost");
        }
    }
    assert!(errors > 0, "no writer noticed");
    // Of each grant exactly one exchange was stored, whether or not its writer was told.
    let twice: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT t.grant_id FROM grantor_refresh_tokens AS t \
         WHERE NOT EXISTS (SELECT 1 FROM grantor_refresh_tokens AS p WHERE p.grant_id = t.grant_id AND p.successor = t.hash) \
         GROUP BY t.grant_id HAVING count(*) > 1) AS twice",
    )
    .fetch_one(&mut connect(&server).await)
    .await
    .unwrap();
    assert_eq!(twice, 0);
}

async fn connect(server: &Server) -> sqlx::PgConnection {
    sqlx::PgConnection::connect_with(&server.options()).await.unwrap()
}
