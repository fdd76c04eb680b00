//! Of any number of concurrent calls that exclude each other exactly one wins, whatever the isolation level.

use std::future::Future;

use grantor::client::Client;
use grantor::store::{
    ClientRegistry as _, CodeStore as _, GrantStore as _, Insertion, PostgresStore, Redemption, Reuse, Rotation,
    TokenStore as _, Update,
};
use sqlx::PgPool;

use crate::support::postgres::Schema;
use crate::support::records::*;

const CALLS: usize = 64;

/// As the server has it by default, and as strict as a host may set it.
const LEVELS: [&str; 3] = ["read committed", "repeatable read", "serializable"];

/// A store whose transactions run at this level unless they say otherwise.
async fn store_at(schema: &Schema, level: &str) -> (PostgresStore, PgPool) {
    let options = schema.options.clone().options([("default_transaction_isolation", level)]);
    let pool = schema.pool_options(8).connect_with(options).await.unwrap();
    let now: String = sqlx::query_scalar("SHOW transaction_isolation").fetch_one(&pool).await.unwrap();
    assert_eq!(now, level);
    let store = schema.store(&pool);
    store.migrate().await.unwrap();
    (store, pool)
}

/// Runs `call` so many times at once.
async fn at_once<T, F>(store: &PostgresStore, call: impl Fn(PostgresStore) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let calls: Vec<_> = (0..CALLS).map(|_| tokio::spawn(call(store.clone()))).collect();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap());
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn of_concurrent_redemptions_one_is_first_and_every_other_replayed() {
    let schema = Schema::new().await;
    for level in LEVELS {
        let (store, _pool) = store_at(&schema, level).await;
        let code = code(&grant());
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        let key = code.key;
        let outcomes =
            at_once(&store, |store| async move { store.redeem_code(&key, at(1), Some(at(4_000))).await.unwrap() })
                .await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redemption::First).count(), 1, "{level}");
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redemption::Replayed).count(), CALLS - 1, "{level}");
        assert_eq!(summary(&store, &code.grant).await.unwrap().expires_at, Some(at(4_000)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn of_concurrent_exchanges_one_is_first_and_only_its_tokens_are_stored() {
    let schema = Schema::new().await;
    for level in LEVELS {
        let (store, _pool) = store_at(&schema, level).await;
        let grant = grant();
        let code = code(&grant);
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        let key = code.key;
        let outcomes = at_once(&store, |store| {
            let tokens = issued(&grant);
            async move { (store.exchange_code(&key, &tokens).await.unwrap(), tokens) }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|(outcome, _)| *outcome == Redemption::First).count(), 1, "{level}");
        for (outcome, tokens) in outcomes {
            assert_ne!(outcome, Redemption::Unknown, "{level}");
            assert_eq!(are_stored(&store, &tokens).await, outcome == Redemption::First);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn of_concurrent_rotations_one_wins_and_every_other_counts_as_a_retry() {
    let schema = Schema::new().await;
    for level in LEVELS {
        let (store, _pool) = store_at(&schema, level).await;
        let grant = grant();
        let tokens = issued(&grant);
        assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        let key = refresh_key(&tokens);
        let outcomes = at_once(&store, |store| {
            let next = issued(&grant);
            let retirement = retirement(&next);
            async move { (store.rotate_refresh_token(&key, &retirement, &next).await.unwrap(), retirement, next) }
        })
        .await;
        let mut counted = Vec::new();
        let mut winners = Vec::new();
        for (outcome, retirement, next) in &outcomes {
            match outcome {
                Rotation::Rotated => winners.push(retirement),
                Rotation::Retired { retries, .. } => counted.push(*retries),
                Rotation::Unknown => panic!("the token is known"),
            }
            assert_eq!(are_stored(&store, next).await, *outcome == Rotation::Rotated);
        }
        counted.sort_unstable();
        assert_eq!(counted, (1..).take(CALLS - 1).collect::<Vec<u32>>(), "{level}");
        assert_eq!(winners.len(), 1, "{level}");
        for (outcome, ..) in &outcomes {
            if let Rotation::Retired { retirement, .. } = outcome {
                assert_eq!(retirement, winners[0]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_token_and_its_successor_that_are_used_at_once_agree_on_the_nonce() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(8).await;
    let grant = grant();
    let mut tokens = issued(&grant);
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    for _ in 0..40 {
        let (key, next) = (refresh_key(&tokens), issued(&grant));
        assert_eq!(store.rotate_refresh_token(&key, &retirement(&next), &next).await.unwrap(), Rotation::Rotated);
        let again = issued(&grant);
        let last = issued(&grant);
        let (retirements, next_key) = ((retirement(&again), retirement(&last)), refresh_key(&next));
        let (retried, rotated) = tokio::join!(
            store.rotate_refresh_token(&key, &retirements.0, &again),
            store.rotate_refresh_token(&next_key, &retirements.1, &last),
        );
        assert_eq!(rotated.unwrap(), Rotation::Rotated);
        let Rotation::Retired { retirement: first, retries: 1 } = retried.unwrap() else { panic!("it was retired") };
        assert_eq!(first.successor, next_key.hash);
        let once_more = store.rotate_refresh_token(&key, &retirements.0, &again).await.unwrap();
        let Rotation::Retired { retirement: second, retries: 2 } = once_more else { panic!("it was retired") };
        assert_eq!(second.nonce, [0; 16]);
        tokens = last;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn of_concurrent_updates_of_one_version_one_wins() {
    let schema = Schema::new().await;
    for level in LEVELS {
        let (store, _pool) = store_at(&schema, level).await;
        let client = Client::public(level.parse().unwrap());
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        let outcomes = at_once(&store, |store| {
            let client = client.clone();
            async move { store.update_client(&client).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Update::Updated).count(), 1, "{level}");
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Update::Conflict).count(), CALLS - 1, "{level}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn of_concurrent_insertions_of_one_grant_or_client_one_is_stored() {
    let schema = Schema::new().await;
    for level in LEVELS {
        let (store, _pool) = store_at(&schema, level).await;
        let grant = grant();
        let client = Client::public(level.parse().unwrap());
        let outcomes = at_once(&store, |store| {
            let (code, client) = (code(&grant), client.clone());
            async move { (store.insert_code(&code).await.unwrap(), store.insert_client(&client).await.unwrap()) }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|(code, _)| *code == Insertion::Inserted).count(), 1, "{level}");
        assert_eq!(outcomes.iter().filter(|(_, client)| *client == Insertion::Inserted).count(), 1, "{level}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn failures_and_uses_are_all_counted() {
    let schema = Schema::new().await;
    for level in LEVELS {
        let (store, _pool) = store_at(&schema, level).await;
        let grant = grant();
        let code = code(&grant);
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        assert_eq!(store.insert_tokens(&issued(&grant)).await.unwrap(), Insertion::Inserted);
        let key = code.key;
        at_once(&store, |store| async move {
            store.count_failure(&key).await.unwrap();
            store.touch_grant(&key.grant, at(7)).await.unwrap();
        })
        .await;
        assert_eq!(store.find_code(&key).await.unwrap().unwrap().failures, u32::try_from(CALLS).unwrap(), "{level}");
        assert_eq!(summary(&store, &grant).await.unwrap().last_used_at, Some(at(7)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn what_is_stored_during_a_revocation_is_not_found() {
    let schema = Schema::new().await;
    for level in LEVELS {
        let (store, _pool) = store_at(&schema, level).await;
        let grant = grant();
        let tokens = issued(&grant);
        assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        let key = refresh_key(&tokens);
        let storing = at_once(&store, |store| {
            let (next, more) = (issued(&grant), access(&grant, None));
            async move {
                match store.insert_tokens(&next).await.unwrap() {
                    Insertion::Inserted | Insertion::Conflict => {}
                }
                match store.reuse_refresh_token(&key, Some(at(9_000)), &more).await.unwrap() {
                    Reuse::Accepted | Reuse::Unknown => {}
                }
                (next, more)
            }
        });
        let revoking = async {
            while store.find_access_token(&tokens.access.key).await.unwrap().is_some() {
                store.revoke_subject(grant.subject.as_ref().unwrap(), at(1)).await.unwrap();
            }
        };
        let (outcomes, ()) = tokio::join!(storing, revoking);
        for (next, more) in outcomes {
            assert!(!are_stored(&store, &next).await);
            assert_eq!(store.find_access_token(&more.key).await.unwrap(), None);
        }
        assert_eq!(store.insert_tokens(&issued(&grant)).await.unwrap(), Insertion::Conflict);
        assert_eq!(summary(&store, &grant).await.unwrap().revoked_at, Some(at(1)));
    }
}
