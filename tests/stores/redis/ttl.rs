//! When Redis evicts what.

use grantor::Client;
use grantor::clock::Timestamp;
use grantor::grant::IssuedTokens;
use grantor::store::{
    ClientRegistry as _, CodeStore as _, GrantStore as _, Insertion, Page, Redemption, Reuse, Rotation, TokenStore as _,
};
use redis::cmd;

use super::records::{MANY, access_token, code, grant, in_seconds, issued, refresh_key, retirement, seconds_ago};
use crate::support::redis::{Fresh, connection};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// When the only key with this ending is evicted, in milliseconds since the epoch; -1 for never.
fn evicted_at(fresh: &Fresh, ending: &[u8]) -> i64 {
    let keys: Vec<_> = fresh.keys().into_iter().filter(|key| key.ends_with(ending)).collect();
    let [key] = keys.as_slice() else { panic!("{} keys", keys.len()) };
    eviction(key)
}

fn eviction(key: &[u8]) -> i64 {
    cmd("PEXPIRETIME").arg(key).query(&mut connection()).unwrap()
}

/// Until when a token is kept that expires then.
fn kept_for(at: Timestamp) -> i64 {
    at.unix_millis() + MINUTE
}

/// Until when a grant and its code are kept of which this is the last expiry.
fn grant_kept_for(at: Timestamp) -> i64 {
    at.unix_millis() + DAY
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn tokens_are_kept_a_minute_longer_and_their_grant_a_day() {
    let fresh = Fresh::on_server().await;
    let grant = grant();
    let code = code(&grant);
    assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
    assert_eq!(evicted_at(&fresh, b":g"), grant_kept_for(code.expires_at));
    assert_eq!(evicted_at(&fresh, b":c"), grant_kept_for(code.expires_at));

    // Redeemed, the code is known for as long as the grant.
    let tokens = issued(&grant);
    let last = tokens.expires_at().unwrap();
    assert_eq!(fresh.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
    assert_eq!(evicted_at(&fresh, b":g"), grant_kept_for(last));
    assert_eq!(evicted_at(&fresh, b":c"), grant_kept_for(last));
    assert_eq!(evicted_at(&fresh, tokens.access.key.hash.as_bytes()), kept_for(tokens.access.expires_at.unwrap()));
    assert_eq!(evicted_at(&fresh, refresh_key(&tokens).hash.as_bytes()), kept_for(last));

    // A retired token is known for as long as it was before.
    let mut successors = issued(&grant);
    successors.refresh.as_mut().unwrap().expires_at = Some(in_seconds(200_000));
    let last = successors.expires_at().unwrap();
    let rotation = fresh.rotate_refresh_token(&refresh_key(&tokens), &retirement(&successors), &successors).await;
    assert_eq!(rotation.unwrap(), Rotation::Rotated);
    assert_eq!(evicted_at(&fresh, refresh_key(&tokens).hash.as_bytes()), kept_for(tokens.expires_at().unwrap()));
    assert_eq!(evicted_at(&fresh, refresh_key(&successors).hash.as_bytes()), kept_for(last));
    assert_eq!(evicted_at(&fresh, b":g"), grant_kept_for(last));
    assert_eq!(evicted_at(&fresh, b":c"), grant_kept_for(last));

    // Everything else that a grant leaves behind ends as well.
    assert!(fresh.keys().iter().all(|key| eviction(key) > 0));
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn what_expired_a_moment_ago_is_found() {
    let fresh = Fresh::on_server().await;
    let (mut tokens, mut code) = (issued(&grant()), code(&grant()));
    tokens.access.expires_at = Some(seconds_ago(30));
    tokens.refresh.as_mut().unwrap().expires_at = Some(seconds_ago(30));
    code.expires_at = seconds_ago(30);
    assert_eq!(fresh.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
    assert_eq!(fresh.find_access_token(&tokens.access.key).await.unwrap().unwrap().token, tokens.access);
    assert_eq!(fresh.find_refresh_token(&refresh_key(&tokens)).await.unwrap().unwrap().token, tokens.refresh.unwrap());
    assert_eq!(fresh.find_code(&code.key).await.unwrap(), Some(code));
}

/// Tokens of which none, one or both never expire: what names those that do not ends with the revocation of the grant.
#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn what_never_expires_is_kept_until_its_grant_is_revoked() {
    for (access, refresh) in [(None, Some(in_seconds(10 * 86_400))), (Some(in_seconds(60)), None), (None, None)] {
        let fresh = Fresh::on_server().await;
        let (grant, last) = (grant(), refresh);
        let code = code(&grant);
        let mut tokens = issued(&grant);
        tokens.access.expires_at = access;
        tokens.refresh.as_mut().unwrap().expires_at = refresh;
        assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
        assert_eq!(fresh.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
        assert_eq!(evicted_at(&fresh, b":g"), -1);
        assert_eq!(evicted_at(&fresh, b":c"), -1);
        assert_eq!(evicted_at(&fresh, tokens.access.key.hash.as_bytes()), access.map_or(-1, kept_for));
        assert_eq!(evicted_at(&fresh, refresh_key(&tokens).hash.as_bytes()), refresh.map_or(-1, kept_for));
        for list in ["subject", "client"] {
            let lists: Vec<_> =
                fresh.keys().into_iter().filter(|key| String::from_utf8_lossy(key).contains(list)).collect();
            assert_eq!(lists.iter().map(|key| eviction(key)).collect::<Vec<_>>(), [-1, -1], "the list is permanent");
        }

        fresh.revoke_grant(&grant.id, in_seconds(0)).await.unwrap();
        let tombstone = evicted_at(&fresh, b":g");
        assert!(tombstone >= in_seconds(86_000).unix_millis(), "{tombstone}");
        assert!(last.is_none_or(|last| tombstone >= kept_for(last)), "what expires later is not found again");
        assert!(tombstone <= in_seconds(12 * 86_400).unix_millis());
        let own: Vec<_> =
            fresh.keys().into_iter().filter(|key| !key.ends_with(b":order") && !key.ends_with(b":due")).collect();
        assert!(own.iter().all(|key| eviction(key) > 0), "nothing of a revoked grant is kept for ever");
    }
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_revoked_grant_is_kept_for_a_day_at_least() {
    let fresh = Fresh::on_server().await;
    let code = code(&grant());
    assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
    fresh.revoke_grant(&code.grant.id, in_seconds(0)).await.unwrap();
    let tombstone = evicted_at(&fresh, b":g");
    assert_eq!(tombstone, grant_kept_for(code.expires_at));
    assert_eq!(fresh.insert_tokens(&issued(&code.grant)).await.unwrap(), Insertion::Conflict);
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn a_reuse_moves_the_expiry_both_ways() {
    let fresh = Fresh::on_server().await;
    let tokens = issued(&grant());
    let key = refresh_key(&tokens);
    assert_eq!(fresh.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    let mut last = tokens.expires_at().unwrap();
    for expires_at in [in_seconds(100), in_seconds(1_000_000), in_seconds(200)] {
        let reuse = fresh.reuse_refresh_token(&key, Some(expires_at), &access_token(&tokens.grant)).await.unwrap();
        assert_eq!(reuse, Reuse::Accepted);
        assert_eq!(evicted_at(&fresh, key.hash.as_bytes()), kept_for(expires_at));
        last = last.max(expires_at);
        assert_eq!(evicted_at(&fresh, b":g"), grant_kept_for(last), "the grant's expiry only rises");
    }
    let reuse = fresh.reuse_refresh_token(&key, None, &access_token(&tokens.grant)).await.unwrap();
    assert_eq!(reuse, Reuse::Accepted);
    assert_eq!(evicted_at(&fresh, key.hash.as_bytes()), -1);
    assert_eq!(evicted_at(&fresh, b":g"), -1);
}

/// A refresh token that outlives the lists by far takes them along.
#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn lists_outlive_what_they_name() {
    let fresh = Fresh::on_server().await;
    let grant = grant();
    let code = code(&grant);
    assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
    let mut tokens = issued(&grant);
    assert_eq!(fresh.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
    for days in [30_i64, 60, 100, 200, 1_000] {
        let mut successors = issued(&grant);
        successors.refresh.as_mut().unwrap().expires_at = Some(in_seconds(days * 86_400));
        let rotation = fresh.rotate_refresh_token(&refresh_key(&tokens), &retirement(&successors), &successors).await;
        assert_eq!(rotation.unwrap(), Rotation::Rotated);
        tokens = successors;
        let last = evicted_at(&fresh, b":g");
        let lists = fresh.keys().into_iter().filter(|key| key.ends_with(b":order") || key.ends_with(b":due"));
        assert_eq!(lists.map(|key| assert!(eviction(&key) + MINUTE >= last, "{days} days")).count(), 6);
    }
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn extreme_instants_overflow_nothing() {
    let fresh = Fresh::on_server().await;
    for millis in [i64::MAX, i64::MAX - 1, i64::MAX - MINUTE, 1 << 53, (1 << 53) - 1, 1 << 62] {
        let late = Timestamp::from_unix_millis(millis);
        let (mut code, mut tokens) = (code(&grant()), issued(&grant()));
        code.expires_at = late;
        tokens.access.expires_at = Some(late);
        tokens.access.issued_at = late;
        assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
        assert_eq!(fresh.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        assert_eq!(fresh.find_code(&code.key).await.unwrap().unwrap(), code);
        assert_eq!(fresh.find_access_token(&tokens.access.key).await.unwrap().unwrap().token, tokens.access);
        let exchanged = IssuedTokens { refresh: None, ..issued(&code.grant) };
        assert_eq!(fresh.exchange_code(&code.key, &exchanged).await.unwrap(), Redemption::First);
        let summary = fresh.list_grants(code.grant.subject.as_ref().unwrap(), None, Page::first(MANY)).await.unwrap();
        assert_eq!(summary.into_iter().map(|summary| summary.expires_at).collect::<Vec<_>>(), [Some(late)]);
        fresh.revoke_grant(&code.grant.id, late).await.unwrap();
        assert_eq!(fresh.find_access_token(&exchanged.access.key).await.unwrap(), None);
    }
    // What lies far in the past may be evicted at once.
    for millis in [i64::MIN, i64::MIN + 1, -MINUTE, -1, 0, 1, 1_000] {
        let early = Timestamp::from_unix_millis(millis);
        let (mut code, mut tokens) = (code(&grant()), issued(&grant()));
        code.expires_at = early;
        tokens.access.expires_at = Some(early);
        assert_eq!(fresh.insert_code(&code).await.unwrap(), Insertion::Inserted);
        assert_eq!(fresh.insert_grant(&grant(), early).await.unwrap(), Insertion::Inserted);
        assert_eq!(fresh.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        assert_eq!(fresh.find_access_token(&tokens.access.key).await.unwrap(), None);
        let refresh = refresh_key(&tokens);
        assert_eq!(fresh.find_refresh_token(&refresh).await.unwrap().unwrap().token, tokens.refresh.unwrap());
        let reuse = fresh.reuse_refresh_token(&refresh, Some(early), &access_token(&tokens.grant)).await.unwrap();
        assert_eq!(reuse, Reuse::Accepted);
        fresh.touch_grant(&tokens.grant.id, early).await.unwrap();
        fresh.revoke_grant(&tokens.grant.id, early).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
async fn clients_and_their_lists_are_permanent() {
    let fresh = Fresh::on_server().await;
    let client = Client::public("app".parse().unwrap()).with_owner("ada".parse().unwrap());
    assert_eq!(fresh.insert_client(&client).await.unwrap(), Insertion::Inserted);
    let keys = fresh.keys();
    assert_eq!(keys.len(), 3, "the client, the list of its owner, the list of all");
    assert!(keys.iter().all(|key| eviction(key) == -1));
}
