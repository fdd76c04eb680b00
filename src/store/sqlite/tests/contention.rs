use std::future::Future;

use super::*;
use crate::client::Client;
use crate::store::{ClientRegistry as _, CodeStore as _, GrantStore as _, Insertion, Redemption, Rotation, Update};

const CALLS: usize = 64;

/// Runs `call` so many times at once, on the stores in turn.
async fn at_once<T, F>(stores: &[SqliteStore], call: impl Fn(SqliteStore) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let calls: Vec<_> = stores.iter().cycle().take(CALLS).map(|store| tokio::spawn(call(store.clone()))).collect();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap());
    }
    outcomes
}

/// One store, and then two that share a file as two processes would.
async fn setups(database: &Database) -> [Vec<SqliteStore>; 2] {
    [vec![database.open().await], vec![database.open().await, database.open().await]]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_redemptions_one_is_first() {
    let database = Database::new();
    for stores in setups(&database).await {
        let code = code(&grant());
        assert_eq!(stores[0].insert_code(&code).await.unwrap(), Insertion::Inserted);
        let key = code.key;
        let outcomes =
            at_once(&stores, |store| async move { store.redeem_code(&key, at(1), None).await.unwrap() }).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redemption::First).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redemption::Replayed).count(), CALLS - 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_exchanges_one_is_first_and_only_its_tokens_are_stored() {
    let database = Database::new();
    for stores in setups(&database).await {
        let grant = grant();
        let code = code(&grant);
        assert_eq!(stores[0].insert_code(&code).await.unwrap(), Insertion::Inserted);
        let key = code.key;
        let outcomes = at_once(&stores, |store| {
            let tokens = issued(&grant);
            async move { (store.exchange_code(&key, &tokens).await.unwrap(), tokens) }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|(outcome, _)| *outcome == Redemption::First).count(), 1);
        for (outcome, tokens) in outcomes {
            assert_ne!(outcome, Redemption::Unknown);
            assert_eq!(are_stored(&stores[0], &tokens).await, outcome == Redemption::First);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_rotations_one_wins_and_every_other_counts_as_a_retry() {
    let database = Database::new();
    for stores in setups(&database).await {
        let grant = grant();
        let tokens = issued(&grant);
        assert_eq!(stores[0].insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        let key = refresh_key(&tokens);
        let outcomes = at_once(&stores, |store| {
            let next = issued(&grant);
            async move { (store.rotate_refresh_token(&key, &retirement(&next), &next).await.unwrap(), next) }
        })
        .await;
        let mut counted = Vec::new();
        let mut winners = Vec::new();
        for (outcome, next) in &outcomes {
            match outcome {
                Rotation::Rotated => winners.push(refresh_key(next).hash),
                Rotation::Retired { retries, .. } => counted.push(*retries),
                Rotation::Unknown => panic!("the token is known"),
            }
            assert_eq!(are_stored(&stores[0], next).await, *outcome == Rotation::Rotated);
        }
        counted.sort_unstable();
        assert_eq!(counted, (1..).take(CALLS - 1).collect::<Vec<u32>>());
        assert_eq!(winners.len(), 1);
        for (outcome, _) in &outcomes {
            if let Rotation::Retired { retirement, .. } = outcome {
                assert_eq!(retirement.successor, winners[0]);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_updates_of_one_version_one_wins() {
    let database = Database::new();
    let store = database.open().await;
    let client = Client::public("app".parse().unwrap());
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    let outcomes = at_once(&[store], |store| {
        let client = client.clone();
        async move { store.update_client(&client).await.unwrap() }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Update::Updated).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Update::Conflict).count(), CALLS - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_that_are_stored_during_a_revocation_are_not_found() {
    let database = Database::new();
    let store = database.open().await;
    let grant = grant();
    assert_eq!(store.insert_grant(&grant, at(9_000)).await.unwrap(), Insertion::Inserted);
    let stores = [store.clone()];
    let inserting = at_once(&stores, |store| {
        let tokens = issued(&grant);
        async move {
            let _ = store.insert_tokens(&tokens).await.unwrap();
            tokens
        }
    });
    let (outcomes, revoked) = tokio::join!(inserting, store.revoke_grant(&grant.id, at(1)));
    revoked.unwrap();
    for tokens in outcomes {
        assert!(!are_stored(&store, &tokens).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_purge_beside_live_traffic_fails_nothing() {
    let database = Database::new();
    let store = database.open().await;
    let outcomes = at_once(&[store], |store| async move {
        let grant = grant();
        let code = code(&grant);
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        let purged = store.purge_tokens(at(1_000), NonZeroU32::MIN).await.unwrap();
        let tokens = issued(&grant);
        assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
        assert!(are_stored(&store, &tokens).await);
        purged
    })
    .await;
    assert_eq!(outcomes, [0; CALLS]);
}
