//! Through a proxy that gives a server's connection to each transaction, and knows nothing of prepared statements.

use grantor::store::{
    CodeStore as _, GrantStore as _, Insertion, PostgresStore, Redemption, Rotation, TokenStore as _,
};
use sqlx::Executor as _;

use crate::support::calls::{Stock, calls};
use crate::support::postgres::Schema;
use crate::support::private_servers::Proxy;
use crate::support::records::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn every_call_works_through_a_proxy() {
    let schema = Schema::new().await;
    let proxy = Proxy::before(&schema.options, 2).await;
    let pool = schema.pool_options(4).connect_lazy_with(proxy.options.clone());
    let store = schema.store(&pool).behind_proxy();
    store.migrate().await.unwrap();
    for _ in 0..3 {
        for (name, call) in calls::<PostgresStore>() {
            schema
                .beside()
                .await
                .execute(
                    "TRUNCATE grantor_clients, grantor_grants, grantor_codes, grantor_access_tokens, \
                grantor_refresh_tokens",
                )
                .await
                .unwrap();
            let stock = Stock::put_into(&store).await;
            assert!(call(&store, &stock).await.unwrap(), "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn many_clients_share_the_connections_of_a_proxy() {
    let schema = Schema::new().await;
    let proxy = Proxy::before(&schema.options, 3).await;
    let pools: Vec<_> = (0..4).map(|_| schema.pool_options(8).connect_lazy_with(proxy.options.clone())).collect();
    let stores: Vec<_> = pools.iter().map(|pool| schema.store(pool).behind_proxy()).collect();
    stores[0].migrate().await.unwrap();

    // Each does other things in another order, so that a mix-up of statements or connections would show.
    let flows: Vec<_> = (0..32)
        .map(|n| {
            let store = stores[n % stores.len()].clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    let code = code(&grant());
                    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
                    let tokens = issued(&code.grant);
                    if n % 2 == 0 {
                        store.count_failure(&code.key).await.unwrap();
                    }
                    assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
                    let found = store.find_code(&code.key).await.unwrap().unwrap();
                    assert_eq!(found.failures, u32::from(n % 2 == 0));
                    let next = issued(&code.grant);
                    let rotation = store.rotate_refresh_token(&refresh_key(&tokens), &retirement(&next), &next).await;
                    assert_eq!(rotation.unwrap(), Rotation::Rotated);
                    assert!(are_stored(&store, &next).await);
                    if n % 3 == 0 {
                        store.revoke_grant(&code.grant.id, at(1)).await.unwrap();
                        assert!(!are_stored(&store, &next).await);
                    }
                }
            })
        })
        .collect();
    for flow in flows {
        flow.await.unwrap();
    }

    let code = code(&grant());
    assert_eq!(stores[0].insert_code(&code).await.unwrap(), Insertion::Inserted);
    let exchanges: Vec<_> = (0..64)
        .map(|n| {
            let (store, key, tokens) = (stores[n % stores.len()].clone(), code.key, issued(&code.grant));
            tokio::spawn(async move { store.exchange_code(&key, &tokens).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for exchange in exchanges {
        match exchange.await.unwrap() {
            Redemption::First => first += 1,
            Redemption::Replayed => {}
            Redemption::Unknown => panic!("the code is known"),
        }
    }
    assert_eq!(first, 1);
}
