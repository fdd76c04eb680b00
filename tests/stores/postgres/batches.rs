//! What touches many rows does so in short steps, beside whatever else goes on, and completely.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use grantor::store::{CodeStore as _, GrantStore as _, Insertion, Page, Redemption, Rotation, TokenStore as _};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::postgres::Schema;
use crate::support::records::*;

/// So many grants of one user and client, with a code and two tokens each, that expire at 10.
async fn crowd(beside: &mut PgConnection, grants: i32) {
    let sql = "WITH g AS (INSERT INTO grantor_grants \
            SELECT substr(sha256(n::text::bytea), 1, 16), 'mobile', 'ada', '', NULL, NULL, NULL, 0, 10, NULL, NULL \
            FROM generate_series(1, $1) AS n RETURNING id), \
        c AS (INSERT INTO grantor_codes SELECT id, id, NULL, '', true, 10, 0, 1 FROM g), \
        a AS (INSERT INTO grantor_access_tokens SELECT id, id, '', NULL, 0, 10 FROM g) \
        INSERT INTO grantor_refresh_tokens SELECT id, id, 0, 10 FROM g";
    sqlx::query(sql).bind(grants).execute(beside).await.unwrap();
}

async fn count(beside: &mut PgConnection, table: &'static str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(sql).fetch_one(beside).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_revocation_waits_for_what_others_have_locked_and_misses_nothing() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(4).await;
    let (mut beside, mut locking) = (schema.beside().await, schema.beside().await);
    crowd(&mut beside, 1_700).await;
    let other = issued(&grant());
    assert_eq!(store.insert_tokens(&other).await.unwrap(), Insertion::Inserted);
    for (subject, at_this) in [(true, 5), (false, 6)] {
        let mut lock = locking.begin().await.unwrap();
        // One that is being revoked already, and does not count, and one that is only in use.
        lock.execute(
            "UPDATE grantor_grants SET revoked_at = 1 WHERE id = (SELECT id FROM grantor_grants WHERE subject = 'ada' ORDER BY id OFFSET 700 LIMIT 1); \
             UPDATE grantor_grants SET last_used_at = 1 WHERE id = (SELECT id FROM grantor_grants WHERE subject = 'ada' ORDER BY id OFFSET 900 LIMIT 1)",
        )
        .await
        .unwrap();
        let revoking = {
            let store = store.clone();
            tokio::spawn(async move {
                if subject {
                    store.revoke_subject(&"ada".parse().unwrap(), at(at_this)).await.unwrap()
                } else {
                    store.revoke_client(&"mobile".parse().unwrap(), at(at_this)).await.unwrap()
                }
            })
        };
        schema.until_waiting(&mut beside, 1).await;
        lock.commit().await.unwrap();
        let others = u64::from(!subject);
        assert_eq!(revoking.await.unwrap(), 1_699 + others);
        let left = "grantor_grants WHERE revoked_at IS NULL";
        assert_eq!(count(&mut beside, left).await, i64::from(subject));
        beside.execute("UPDATE grantor_grants SET revoked_at = NULL").await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_purge_passes_over_what_others_have_locked() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let (mut beside, mut locking) = (schema.beside().await, schema.beside().await);
    crowd(&mut beside, 1_200).await;
    let mut lock = locking.begin().await.unwrap();
    lock.execute("SELECT FROM grantor_grants ORDER BY id LIMIT 1 FOR UPDATE").await.unwrap();
    lock.execute("SELECT FROM grantor_access_tokens ORDER BY grant_id DESC LIMIT 1 FOR UPDATE").await.unwrap();
    let many = NonZeroU32::new(100_000).unwrap();
    let hasty = store.clone().with_patience(Duration::from_secs(10));
    // A grant whose token is locked would have to wait for that.
    lock.execute("SELECT FROM grantor_grants ORDER BY id DESC LIMIT 1 FOR UPDATE").await.unwrap();
    assert_eq!(hasty.purge_tokens(at(20), many).await.unwrap(), 1_199 + 1_200 + 1_198);
    lock.rollback().await.unwrap();
    assert_eq!(hasty.purge_tokens(at(20), many).await.unwrap(), 1 + 2);
    for table in ["grantor_grants", "grantor_codes", "grantor_access_tokens", "grantor_refresh_tokens"] {
        assert_eq!(count(&mut beside, table).await, 0, "{table}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_purge_deletes_no_more_than_it_may() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let mut beside = schema.beside().await;
    crowd(&mut beside, 700).await;
    let limit = NonZeroU32::new(600).unwrap();
    for expected in [600, 600, 600, 300, 0] {
        assert_eq!(store.purge_tokens(at(20), limit).await.unwrap(), expected);
    }
    crowd(&mut beside, 700).await;
    beside.execute("DELETE FROM grantor_access_tokens; DELETE FROM grantor_refresh_tokens").await.unwrap();
    for expected in [600, 100, 0] {
        assert_eq!(store.purge_codes(at(20), limit).await.unwrap(), expected);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_revoked_grant_with_very_many_tokens_goes_in_short_statements() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(1).await;
    let mut beside = schema.beside().await;
    let tokens = issued(&grant());
    let forever = grantor::grant::IssuedTokens { access: access(&tokens.grant, None), ..tokens };
    assert_eq!(store.insert_tokens(&forever).await.unwrap(), Insertion::Inserted);
    let sql = "INSERT INTO grantor_access_tokens \
               SELECT $1, sha256(n::text::bytea), '', NULL, 0, NULL FROM generate_series(1, 20000) AS n";
    sqlx::query(sql).bind(forever.grant.id.as_bytes().as_slice()).execute(&mut beside).await.unwrap();
    assert_eq!(store.purge_tokens(at(8_000), MANY).await.unwrap(), 0);
    store.revoke_grant(&forever.grant.id, at(7_000)).await.unwrap();
    // None of the statements takes as long as all of it.
    let hasty = store.with_patience(Duration::from_secs(5));
    assert_eq!(hasty.purge_tokens(at(8_000), MANY).await.unwrap(), 1);
    assert_eq!(count(&mut beside, "grantor_access_tokens").await, 0);
    assert_eq!(count(&mut beside, "grantor_refresh_tokens").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn purges_beside_live_traffic_take_what_is_due_and_nothing_else() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(10).await;
    let mut beside = schema.beside().await;
    crowd(&mut beside, 3_000).await;
    let stop = Arc::new(AtomicBool::new(false));
    let purgers: Vec<_> = (0..4)
        .map(|n| {
            let (store, stop) = (store.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut purged = 0;
                while !stop.load(Ordering::SeqCst) {
                    let limit = NonZeroU32::new(37 + n).unwrap();
                    // What the others do expires later, but not much.
                    purged += store.purge_tokens(at(1_999), limit).await.unwrap();
                    purged += store.purge_codes(at(1_999), limit).await.unwrap();
                }
                purged
            })
        })
        .collect();
    let users: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut last = Vec::new();
                for _ in 0..60 {
                    let code = code(&grant());
                    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
                    let mut tokens = issued(&code.grant);
                    assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
                    for _ in 0..3 {
                        let (key, next) = (refresh_key(&tokens), issued(&code.grant));
                        let rotation = store.rotate_refresh_token(&key, &retirement(&next), &next).await.unwrap();
                        assert_eq!(rotation, Rotation::Rotated);
                        tokens = next;
                    }
                    last.push((code, tokens));
                }
                last
            })
        })
        .collect();
    let mut live = 0;
    for user in users {
        for (code, tokens) in user.await.unwrap() {
            assert!(are_stored(&store, &tokens).await);
            assert!(store.find_code(&code.key).await.unwrap().is_some());
            live += 1;
        }
    }
    let ada = "ada".parse().unwrap();
    let one = NonZeroU32::MIN;
    crate::support::postgres::eventually("something due is left", async || {
        store.list_grants(&ada, None, Page::first(one)).await.unwrap().is_empty()
    })
    .await;
    stop.store(true, Ordering::SeqCst);
    let mut purged = 0;
    for purger in purgers {
        purged += purger.await.unwrap();
    }
    assert_eq!(purged, 9_000);
    for (table, rows) in
        [("grantor_grants", 1), ("grantor_codes", 1), ("grantor_access_tokens", 4), ("grantor_refresh_tokens", 4)]
    {
        assert_eq!(count(&mut beside, table).await, rows * live, "{table}");
    }
}
