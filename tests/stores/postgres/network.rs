//! The network leads nowhere: each call answers in bounded time that a retry can help, and the pool gets its connections back.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use grantor::store::{CodeStore as _, TokenStore as _};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, Executor as _};

use super::connection::{BOUND, assert_can_be_retried};
use crate::support::calls::Stock;
use crate::support::postgres::{Schema, url};
use crate::support::records::*;

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_server_that_refuses_connections_or_never_answers() {
    let schema = Schema::new().await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing_port = refusing.local_addr().unwrap().port();
    drop(refusing);
    for port in [silent_port, refusing_port] {
        let pool = schema.pool_options(1).connect_lazy_with(schema.options.clone().host("127.0.0.1").port(port));
        let store = schema.store(&pool).with_patience(SHORT);
        for _ in 0..2 {
            let begun = Instant::now();
            let error = store.find_access_token(&key(&grant())).await.unwrap_err();
            assert_can_be_retried(&error, "no server");
            assert!(begun.elapsed() < BOUND);
        }
    }
}

/// Passes bytes on to the server, or swallows them without a word, as a network does that has lost one of the two.
struct Network {
    port: u16,
    swallows: Arc<AtomicBool>,
}

impl Network {
    fn before(options: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = (options.get_host().to_owned(), options.get_port());
        let swallows = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&swallows);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) else { continue };
                // A connection that was made before stays lost.
                let lost = Arc::new(AtomicBool::new(false));
                let ends = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
                for (from, to) in ends {
                    let (flag, lost) = (Arc::clone(&flag), Arc::clone(&lost));
                    std::thread::spawn(move || pass_on(from, to, &flag, &lost));
                }
            }
        });
        Self { port, swallows }
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, swallows: &AtomicBool, lost: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if swallows.load(Ordering::SeqCst) {
            lost.store(true, Ordering::SeqCst);
        }
        if !lost.load(Ordering::SeqCst) && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    if !lost.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Both);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_network_that_swallows_everything_takes_no_connection_for_good() {
    let schema = Schema::new().await;
    let (direct, _pool) = schema.migrated(1).await;
    let stock = Stock::put_into(&direct).await;
    let key = stock.code.key;
    let network = Network::before(&url().parse().unwrap());
    let options = schema.options.clone().host("127.0.0.1").port(network.port);
    let pool = schema.pool_options(2).connect_lazy_with(options);
    let store = schema.store(&pool).with_patience(SHORT);
    let patient = store.clone().with_patience(BOUND);
    let (mut beside, mut locking) = (schema.beside().await, schema.beside().await);

    for dropped in [false, true] {
        // Both connections are in the middle of a statement.
        assert!(patient.find_code(&key).await.unwrap().is_some());
        let mut lock = locking.begin().await.unwrap();
        lock.execute("LOCK TABLE grantor_codes IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let calls = [(); 2].map(|()| {
            let store = if dropped { patient.clone() } else { store.clone() };
            tokio::spawn(async move { store.find_code(&key).await })
        });
        schema.until_waiting(&mut beside, 2).await;
        network.swallows.store(true, Ordering::SeqCst);
        for call in calls {
            if dropped {
                call.abort();
                assert!(call.await.unwrap_err().is_cancelled());
            } else {
                assert_can_be_retried(&call.await.unwrap().unwrap_err(), "swallowed");
            }
        }
        // Nor can the next one do anything.
        assert_can_be_retried(&store.find_code(&key).await.unwrap_err(), "swallowed");
        lock.rollback().await.unwrap();
        network.swallows.store(false, Ordering::SeqCst);
        let both = async { (pool.acquire().await.unwrap(), pool.acquire().await.unwrap()) };
        drop(tokio::time::timeout(2 * BOUND, both).await.expect("a connection was lost to the pool"));
    }
}
