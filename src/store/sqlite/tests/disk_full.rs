//! On a full disk SQLite rolls a transaction back by itself, which sqlx does not notice.

use sqlx::sqlite::SqlitePoolOptions;

use super::interruption::{Drop, interrupted};
use super::*;
use crate::client::Client;
use crate::error::Retry;
use crate::store::{
    ClientRegistry as _, ClientStore as _, CodeStore as _, GrantStore as _, Insertion, Redemption, Reuse, Rotation,
    Update,
};

/// A host's own pool of one connection, to a database in memory.
async fn pool_of_one() -> sqlx::SqlitePool {
    // A pool that tests a connection loses it, and this database, if the future that waits for the test is dropped.
    let options = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    options.connect("sqlite::memory:").await.unwrap()
}

/// A store over each kind of connection that writes.
async fn stores(database: &Database) -> [SqliteStore; 3] {
    let hosted = SqliteStore::new(pool_of_one().await);
    hosted.migrate().await.unwrap();
    [database.open().await, memory().await, hosted]
}

/// Lets the database grow no further.
async fn fill(writer: &sqlx::SqlitePool) {
    sqlx::raw_sql("PRAGMA max_page_count = 1").execute(writer).await.unwrap();
}

async fn make_room(writer: &sqlx::SqlitePool) {
    sqlx::raw_sql("PRAGMA max_page_count = 1000000").execute(writer).await.unwrap();
}

/// A scope that needs a page of its own.
fn large_scope() -> Scope {
    scope(&"a".repeat(4_000))
}

fn large(grant: &Arc<Grant>) -> IssuedTokens {
    let access = AccessTokenRecord { scope: large_scope(), ..access(grant, Some(at(5_000))) };
    IssuedTokens { access, ..issued(grant) }
}

#[tokio::test]
async fn a_full_disk_fails_what_needs_room_and_nothing_after_it() {
    let database = Database::new();
    for store in stores(&database).await {
        let code = code(&grant());
        let grant = Arc::clone(&code.grant);
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        let tokens = issued(&grant);
        assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        let key = refresh_key(&tokens);

        fill(&store.writer).await;
        let next = large(&grant);
        for _ in 0..2 {
            let errors = [
                store.insert_tokens(&next).await.unwrap_err(),
                store.exchange_code(&code.key, &next).await.unwrap_err(),
                store.rotate_refresh_token(&key, &retirement(&next), &next).await.unwrap_err(),
                store.reuse_refresh_token(&key, Some(at(9_000)), &next.access).await.unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.retry(), Retry::CanHelp, "{error:?}");
            }
        }

        // Nothing was done by half.
        assert!(!are_stored(&store, &next).await);
        assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(&code));
        assert_eq!(store.find_refresh_token(&key).await.unwrap().map(|found| found.token), tokens.refresh);
        assert_eq!(summary(&store, &grant).await.unwrap().expires_at, tokens.expires_at());

        assert!(store.insert_tokens(&next).await.is_err());
        store.migrate().await.unwrap();
        make_room(&store.writer).await;
        assert_eq!(store.exchange_code(&code.key, &next).await.unwrap(), Redemption::First);
        assert_eq!(
            store.reuse_refresh_token(&key, Some(at(9_000)), &access(&grant, Some(at(1)))).await.unwrap(),
            Reuse::Accepted
        );
        let last = large(&grant);
        assert_eq!(store.rotate_refresh_token(&key, &retirement(&last), &last).await.unwrap(), Rotation::Rotated);
        assert!(are_stored(&store, &next).await);
        assert!(are_stored(&store, &last).await);
        assert_eq!(store.purge_tokens(at(20_000), MANY).await.unwrap(), 8);
    }
}

#[tokio::test]
async fn a_client_that_has_no_room_stays_as_it_was() {
    let database = Database::new();
    for store in stores(&database).await {
        let client = Client::public("app".parse().unwrap());
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        let larger = client.clone().with_scope(large_scope());
        fill(&store.writer).await;
        assert!(store.update_client(&larger).await.is_err());
        assert!(store.update_client(&larger).await.is_err());
        assert_eq!(store.find_client(client.id()).await.unwrap().unwrap().version(), 0);
        make_room(&store.writer).await;
        assert_eq!(store.update_client(&larger).await.unwrap(), Update::Updated);
    }
}

#[tokio::test]
async fn a_write_beside_transactions_that_have_no_room_is_kept() {
    let database = Database::new();
    for store in stores(&database).await {
        let grant = grant();
        let tokens = issued(&grant);
        assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        let next = large(&grant);
        fill(&store.writer).await;
        for now in 1..20 {
            let (failed, touched) = tokio::join!(store.insert_tokens(&next), store.touch_grant(&grant.id, at(now)));
            assert_eq!(failed.unwrap_err().retry(), Retry::CanHelp);
            touched.unwrap();
            assert_eq!(summary(&store, &grant).await.unwrap().last_used_at, Some(at(now)));
        }
        make_room(&store.writer).await;
        assert_eq!(store.insert_tokens(&next).await.unwrap(), Insertion::Inserted);
        assert_eq!(summary(&store, &grant).await.unwrap().last_used_at, Some(at(19)));
    }
}

#[tokio::test]
async fn a_hosts_nested_transactions_that_have_no_room_do_not_stop_the_store() {
    let pool = pool_of_one().await;
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    let grant = grant();
    let tokens = issued(&grant);
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);

    sqlx::raw_sql("CREATE TABLE theirs (data BLOB)").execute(&pool).await.unwrap();
    fill(&pool).await;
    let mut outer = pool.begin().await.unwrap();
    let mut middle = sqlx::Connection::begin(&mut *outer).await.unwrap();
    let mut inner = sqlx::Connection::begin(&mut *middle).await.unwrap();
    assert!(sqlx::query("INSERT INTO theirs VALUES (randomblob(9000))").execute(&mut *inner).await.is_err());
    drop(inner);
    drop(middle);
    drop(outer);
    make_room(&pool).await;

    let next = issued(&grant);
    assert_eq!(store.insert_tokens(&next).await.unwrap(), Insertion::Inserted);
    assert!(are_stored(&store, &tokens).await && are_stored(&store, &next).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_future_leaves_no_transaction_behind_that_swallows_later_writes() {
    let database = Database::new();
    for store in stores(&database).await {
        let grant = grant();
        assert_eq!(store.insert_tokens(&issued(&grant)).await.unwrap(), Insertion::Inserted);
        let mut now = 0;
        for drop in [Drop::Waiting, Drop::Woken].into_iter().cycle().take(8) {
            for polls in 0.. {
                fill(&store.writer).await;
                assert!(store.insert_tokens(&large(&grant)).await.is_err());
                make_room(&store.writer).await;
                let next = issued(&grant);
                let output = interrupted(store.insert_tokens(&next), polls, drop).await;
                now += 1;
                store.touch_grant(&grant.id, at(now)).await.unwrap();
                assert_eq!(store.insert_tokens(&issued(&grant)).await.unwrap(), Insertion::Inserted);
                assert_eq!(summary(&store, &grant).await.unwrap().last_used_at, Some(at(now)));
                let done = are_stored(&store, &next).await;
                if output.is_some() {
                    assert!(done, "done, but not to be seen");
                    break;
                }
            }
        }
    }
}
