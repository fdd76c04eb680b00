//! A future may be dropped at any await. Each test does so after every number of polls, until the future gets to its end,
//! and finds the state before the step or after it.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::client::Client;
use crate::store::{
    ClientRegistry as _, ClientStore as _, CodeStore as _, GrantStore as _, Insertion, Redemption, Reuse, Rotation,
    Update,
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Drop {
    /// While it waits.
    Waiting,
    /// When what it waited for has happened.
    Woken,
}

/// Polls the future so often, and drops it; or returns its output, if it comes to that.
pub(super) async fn interrupted<F: Future>(future: F, polls: usize, drop: Drop) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match (future.as_mut().poll(context), drop) {
            (Poll::Ready(output), _) => Poll::Ready(Some(output)),
            (Poll::Pending, Drop::Waiting) if left == 0 => Poll::Ready(None),
            (Poll::Pending, _) => Poll::Pending,
        }
    })
    .await
}

/// Waits until whatever an interrupted call has left to do is done: it holds the only connection that writes.
async fn settle(store: &SqliteStore) {
    store.touch_grant(&GrantId::random(), at(0)).await.unwrap();
}

/// Interrupts `$call` after every number of polls; `$is_done` tells whether its step was done, and checks that it was not
/// done by half. Where the call waits depends on the database's threads, hence the rounds.
macro_rules! interrupt {
    ($store:ident, $prepare:expr, $call:expr, $is_done:expr $(,)?) => {{
        let database = Database::new();
        let stores = [database.open().await, memory().await];
        let mut interruptions = 0;
        for (drop, $store) in
            [Drop::Waiting, Drop::Woken].into_iter().cycle().zip(stores.iter().flat_map(|store| [store; 6]))
        {
            for polls in 0.. {
                let prepared = $prepare.await;
                let output = interrupted($call(&prepared), polls, drop).await;
                settle($store).await;
                let done: bool = $is_done(&prepared).await;
                if output.is_some() {
                    assert!(done, "done, but not to be seen");
                    break;
                }
                interruptions += 1;
            }
        }
        assert!(interruptions > 8, "{interruptions} interruptions prove nothing");
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_insertion_of_a_code_is_done_or_not() {
    interrupt!(
        store,
        async { code(&grant()) },
        |code: &CodeRecord| {
            let code = code.clone();
            async move { assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted) }
        },
        |code: &CodeRecord| {
            let code = code.clone();
            async move {
                let found = store.find_code(&code.key).await.unwrap();
                assert_eq!(found.is_some(), summary(store, &code.grant).await.is_some());
                found.is_some()
            }
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_redemption_is_done_or_not() {
    interrupt!(
        store,
        async {
            let code = code(&grant());
            assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
            code
        },
        |code: &CodeRecord| {
            let key = code.key;
            async move { assert_eq!(store.redeem_code(&key, at(1), None).await.unwrap(), Redemption::First) }
        },
        |code: &CodeRecord| {
            let code = code.clone();
            async move {
                let found = store.find_code(&code.key).await.unwrap().unwrap();
                let expires_at = summary(store, &code.grant).await.unwrap().expires_at;
                assert_eq!(expires_at.is_none(), found.redeemed_at.is_some());
                found.redeemed_at.is_some()
            }
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_exchange_is_done_or_not() {
    interrupt!(
        store,
        async {
            let code = code(&grant());
            assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
            let tokens = issued(&code.grant);
            (code, tokens)
        },
        |(code, tokens): &(CodeRecord, IssuedTokens)| {
            let (key, tokens) = (code.key, tokens.clone());
            async move { assert_eq!(store.exchange_code(&key, &tokens).await.unwrap(), Redemption::First) }
        },
        |(code, tokens): &(CodeRecord, IssuedTokens)| {
            let (code, tokens) = (code.clone(), tokens.clone());
            async move {
                let done = are_stored(store, &tokens).await;
                assert_eq!(store.find_code(&code.key).await.unwrap().unwrap().redeemed_at.is_some(), done);
                let expires_at = summary(store, &code.grant).await.unwrap().expires_at;
                assert_eq!(expires_at, if done { tokens.expires_at() } else { Some(code.expires_at) });
                // Either way the code ends well: it can be exchanged now, or is known to be spent.
                let again = store.exchange_code(&code.key, &issued(&code.grant)).await.unwrap();
                assert_eq!(again, if done { Redemption::Replayed } else { Redemption::First });
                done
            }
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_insertion_of_tokens_is_done_or_not() {
    interrupt!(
        store,
        async { issued(&grant()) },
        |tokens: &IssuedTokens| {
            let tokens = tokens.clone();
            async move { assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted) }
        },
        |tokens: &IssuedTokens| {
            let tokens = tokens.clone();
            async move {
                let done = are_stored(store, &tokens).await;
                assert_eq!(summary(store, &tokens.grant).await.is_some(), done);
                done
            }
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_rotation_is_done_or_not() {
    interrupt!(
        store,
        async {
            let grant = grant();
            let tokens = issued(&grant);
            assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
            let next = IssuedTokens { refresh: Some(refresh(&grant, Some(at(12_000)))), ..issued(&grant) };
            (tokens, next)
        },
        |(tokens, next): &(IssuedTokens, IssuedTokens)| {
            let (key, next) = (refresh_key(tokens), next.clone());
            async move {
                let rotation = store.rotate_refresh_token(&key, &retirement(&next), &next).await.unwrap();
                assert_eq!(rotation, Rotation::Rotated);
            }
        },
        |(tokens, next): &(IssuedTokens, IssuedTokens)| {
            let (tokens, next) = (tokens.clone(), next.clone());
            async move {
                let done = are_stored(store, &next).await;
                let state = store.find_refresh_token(&refresh_key(&tokens)).await.unwrap().unwrap().token.state;
                assert_eq!(state != RefreshTokenState::Active, done);
                let expires_at = summary(store, &tokens.grant).await.unwrap().expires_at;
                assert_eq!(expires_at, if done { next.expires_at() } else { tokens.expires_at() });
                done
            }
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_reuse_is_done_or_not() {
    interrupt!(
        store,
        async {
            let grant = grant();
            let tokens = issued(&grant);
            assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
            let more = access(&grant, Some(at(1)));
            (tokens, more)
        },
        |(tokens, more): &(IssuedTokens, AccessTokenRecord)| {
            let (key, more) = (refresh_key(tokens), more.clone());
            async move {
                let reuse = store.reuse_refresh_token(&key, Some(at(12_000)), &more).await.unwrap();
                assert_eq!(reuse, Reuse::Accepted);
            }
        },
        |(tokens, more): &(IssuedTokens, AccessTokenRecord)| {
            let (tokens, more) = (tokens.clone(), more.clone());
            async move {
                let done = store.find_access_token(&more.key).await.unwrap().is_some();
                let token = store.find_refresh_token(&refresh_key(&tokens)).await.unwrap().unwrap().token;
                assert_eq!(token.expires_at == Some(at(12_000)), done);
                let expires_at = summary(store, &tokens.grant).await.unwrap().expires_at;
                assert_eq!(expires_at, if done { Some(at(12_000)) } else { tokens.expires_at() });
                done
            }
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_update_of_a_client_is_done_or_not() {
    interrupt!(
        store,
        async {
            let client = Client::public(GrantId::random().to_string().parse().unwrap());
            assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
            client
        },
        |client: &Client| {
            let client = client.clone().with_scope(scope("read"));
            async move { assert_eq!(store.update_client(&client).await.unwrap(), Update::Updated) }
        },
        |client: &Client| {
            let client = client.clone();
            async move {
                let found = store.find_client(client.id()).await.unwrap().unwrap();
                assert_eq!(found.version() == 1, found.scope().is_some());
                found.version() == 1
            }
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_purge_is_done_or_not() {
    interrupt!(
        store,
        async {
            let tokens = issued(&grant());
            assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
            tokens
        },
        |_: &IssuedTokens| async move { assert!(store.purge_tokens(at(20_000), MANY).await.unwrap() >= 3) },
        |tokens: &IssuedTokens| {
            let tokens = tokens.clone();
            async move {
                let done = !are_stored(store, &tokens).await;
                assert_eq!(summary(store, &tokens.grant).await.is_none(), done);
                done
            }
        },
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_migration_is_done_or_not() {
    let empty = Database::new();
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .connect_with(sqlx::sqlite::SqliteConnectOptions::new().filename(&empty.0).create_if_missing(true))
        .await
        .unwrap();
    let store = SqliteStore::new(pool.clone());
    for polls in 0.. {
        let done = interrupted(store.migrate(), polls, Drop::Waiting).await.is_some();
        // The write lock is free again once the migration has come to its end.
        pool.begin_with("BEGIN IMMEDIATE").await.unwrap().rollback().await.unwrap();
        let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'grantor%'")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert!(tables == 0 || tables > 10, "{tables} tables and indexes");
        if done {
            assert!(tables > 10);
            break;
        }
    }
}
