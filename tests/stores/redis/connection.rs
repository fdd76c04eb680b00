//! What becomes of calls whose connection is lost, or on which nothing comes back.

use std::time::{Duration, Instant};

use grantor::error::Retry;
use grantor::store::{
    ClientStore as _, CodeStore as _, GrantStore as _, Insertion, Redemption, RedisStore, TokenStore as _,
};
use redis::cmd;

use super::calls::{CALLS, Stock};
use super::proxy::{Fault, Proxy};
use super::records::{code, grant, issued};
use crate::support::redis::{Fresh, cluster_urls, server_url};

/// Short enough for a test, and long for a call.
const PATIENCE: Duration = Duration::from_secs(2);

async fn behind_a_proxy(fresh: &Fresh) -> (Proxy, RedisStore) {
    let address = server_url().trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let proxy = Proxy::new(address).await;
    let store =
        RedisStore::connect(&proxy.url()).await.unwrap().with_key_prefix(fresh.prefix()).with_patience(PATIENCE);
    (proxy, store)
}

/// Has each request of each call lost in turn.
async fn every_request_is_lost(fault: Fault) {
    let fresh = Fresh::on_server().await;
    // The server knows the scripts from here on, so that each takes one request.
    for call in CALLS {
        let _ = (call.make)(&fresh, &Stock::put_into(&fresh).await).await.unwrap();
    }
    for call in CALLS {
        for pass in 0.. {
            let (proxy, store) = behind_a_proxy(&fresh).await;
            let stock = Stock::put_into(&fresh).await;
            proxy.arm(fault, pass);
            let answer = (call.make)(&store, &stock).await;
            let lost = !proxy.disarm();
            match &answer {
                Ok(answer) => assert_eq!(answer, call.first, "{} after {pass} requests", call.name),
                Err(error) => {
                    assert_eq!(error.retry(), Retry::CanHelp, "{} after {pass} requests: {error:?}", call.name)
                }
            }
            assert!(answer.is_ok() || lost, "{} after {pass} requests", call.name);
            // The next call works, and finds that the lost one happened or did not.
            let next = (call.make)(&store, &stock).await.unwrap_or_else(|error| panic!("{}: {error:?}", call.name));
            if answer.is_ok() {
                assert_eq!(next, call.again, "{} after {pass} requests", call.name);
            } else {
                assert!(
                    [call.first, call.again].contains(&next.as_str()),
                    "{} after {pass} requests: {next}",
                    call.name
                );
            }
            if !lost {
                break;
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_request_that_does_not_arrive_is_answered_right_or_can_be_tried_again() {
    every_request_is_lost(Fault::CutBefore).await;
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn an_answer_that_does_not_arrive_is_never_taken_for_a_replay() {
    every_request_is_lost(Fault::CutAfter).await;
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn an_exchange_whose_answer_was_lost_happened_once() {
    let fresh = Fresh::on_server().await;
    let warm = code(&grant());
    assert_eq!(fresh.insert_code(&warm).await.unwrap(), Insertion::Inserted);
    assert_eq!(fresh.exchange_code(&warm.key, &issued(&warm.grant)).await.unwrap(), Redemption::First);

    let (proxy, store) = behind_a_proxy(&fresh).await;
    let code = code(&grant());
    let (lost, second) = (issued(&code.grant), issued(&code.grant));
    assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
    proxy.arm(Fault::CutAfter, 0);
    assert_eq!(store.exchange_code(&code.key, &lost).await.unwrap_err().retry(), Retry::CanHelp);
    assert_eq!(store.exchange_code(&code.key, &second).await.unwrap(), Redemption::Replayed);
    assert!(store.find_access_token(&lost.access.key).await.unwrap().is_some());
    assert!(store.find_access_token(&second.access.key).await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_call_that_nothing_comes_back_on_ends_and_the_next_one_has_a_new_connection() {
    let fresh = Fresh::on_server().await;
    for write in [false, true] {
        let (proxy, store) = behind_a_proxy(&fresh).await;
        let stock = Stock::put_into(&fresh).await;
        proxy.arm(Fault::Swallow, 0);
        let begun = Instant::now();
        let error = if write {
            store.exchange_code(&stock.code.key, &stock.exchanged).await.unwrap_err()
        } else {
            store.find_access_token(&stock.tokens.access.key).await.unwrap_err()
        };
        assert_eq!(error.retry(), Retry::CanHelp);
        assert!(begun.elapsed() >= PATIENCE && begun.elapsed() < PATIENCE * 10, "{:?}", begun.elapsed());
        assert!(store.find_access_token(&stock.tokens.access.key).await.unwrap().is_some());
        assert_eq!(store.exchange_code(&stock.code.key, &stock.exchanged).await.unwrap(), Redemption::First);
    }
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_server_that_is_not_there_is_unavailable_and_no_absence() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = RedisStore::new(redis::Client::open(format!("redis://{nobody}/")).unwrap()).with_patience(PATIENCE);
    let stock_less = issued(&grant());
    assert_eq!(store.find_access_token(&stock_less.access.key).await.unwrap_err().retry(), Retry::CanHelp);
    assert_eq!(store.insert_tokens(&stock_less).await.unwrap_err().retry(), Retry::CanHelp);
    assert_eq!(store.find_client(stock_less.grant.client.as_ref().unwrap()).await.unwrap_err().retry(), Retry::CanHelp);
    assert!(RedisStore::connect(&format!("redis://{nobody}/")).await.is_err());
    assert!(RedisStore::connect("not a url").await.is_err());
}

/// A connection that an administrator closes on every node, again and again, beside redemptions of which each is tried once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn no_internal_retry_on_a_cluster_reports_a_replay() {
    let fresh = Fresh::on_cluster().await;
    let mut lost = 0;
    for _ in 0..40 {
        let codes: Vec<_> = (0..32).map(|_| code(&grant())).collect();
        for code in &codes {
            while fresh.insert_code(code).await.is_err() {}
        }
        let killer = std::thread::spawn(|| {
            for url in cluster_urls() {
                let Ok(client) = redis::Client::open(url) else { continue };
                let Ok(mut connection) = client.get_connection() else { continue };
                let _ = cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").exec(&mut connection);
            }
        });
        for code in &codes {
            match fresh.exchange_code(&code.key, &issued(&code.grant)).await {
                Ok(redemption) => assert_eq!(redemption, Redemption::First),
                Err(error) => {
                    assert_eq!(error.retry(), Retry::CanHelp, "{error:?}");
                    lost += 1;
                }
            }
        }
        killer.join().unwrap();
    }
    println!("{lost} calls were lost");
    let stock = loop {
        if fresh.find_access_token(&issued(&grant()).access.key).await.is_ok() {
            break issued(&grant());
        }
    };
    while fresh.insert_tokens(&stock).await.is_err() {}
    assert!(fresh.find_access_token(&stock.access.key).await.unwrap().is_some());
}
