use super::*;
use crate::store::{FoundAccessToken, FoundRefreshToken, Insertion, Reuse, Rotation};

async fn stored(store: &SqliteStore, grant: &Arc<Grant>) -> IssuedTokens {
    let tokens = issued(grant);
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    tokens
}

#[tokio::test]
async fn every_field_of_tokens_comes_back() {
    let store = memory().await;
    let grant = Arc::new(bare_grant());
    let resource: Resources = ["https://API.test".parse().unwrap()].into_iter().collect();
    let retired = RefreshTokenState::Retired(Retirement {
        at: at(i64::MIN),
        nonce: [0; 16],
        successor: TokenHash::from_bytes([0xFF; 32]),
        scope: Scope::empty(),
        resource: resource.clone(),
        access_expires_at: None,
    });
    for (at, expires_at, state) in [
        (at(i64::MIN), Some(Timestamp::MAX), RefreshTokenState::Active),
        (Timestamp::MAX, Some(at(i64::MIN)), retired),
        (at(0), None, RefreshTokenState::Active),
    ] {
        let access = AccessTokenRecord {
            key: key(&grant),
            scope: scope("a:b/c ~"),
            resource: resource.clone(),
            issued_at: at,
            expires_at,
        };
        let refresh = RefreshTokenRecord { key: key(&grant), issued_at: at, expires_at, state };
        let tokens = IssuedTokens { grant: Arc::clone(&grant), access: access.clone(), refresh: Some(refresh.clone()) };
        assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        let found = store.find_access_token(&access.key).await.unwrap();
        assert_eq!(found, Some(FoundAccessToken { token: access.clone(), grant: Arc::clone(&grant) }));
        let found = store.find_refresh_token(&refresh.key).await.unwrap();
        assert_eq!(found, Some(FoundRefreshToken { token: refresh.clone(), grant: Arc::clone(&grant) }));
        // The kinds are apart, and a hash counts only under its own grant.
        assert_eq!(store.find_access_token(&refresh.key).await.unwrap(), None);
        assert_eq!(store.find_refresh_token(&access.key).await.unwrap(), None);
        let elsewhere = TokenKey { grant: GrantId::random(), ..access.key };
        assert_eq!(store.find_access_token(&elsewhere).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_key_that_is_taken_conflicts_and_stores_nothing() {
    let store = memory().await;
    let grant = grant();
    let tokens = stored(&store, &grant).await;
    let access_taken = IssuedTokens { access: tokens.access.clone(), ..issued(&grant) };
    let refresh_taken = IssuedTokens { refresh: tokens.refresh.clone(), ..issued(&grant) };
    assert_eq!(store.insert_tokens(&access_taken).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.insert_tokens(&refresh_taken).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_refresh_token(&refresh_key(&access_taken)).await.unwrap(), None);
    assert_eq!(store.find_access_token(&refresh_taken.access.key).await.unwrap(), None);
    assert!(are_stored(&store, &tokens).await);
}

#[tokio::test]
async fn a_grant_is_inserted_once_and_outlives_its_tokens() {
    let store = memory().await;
    let grant = grant();
    assert_eq!(store.insert_grant(&grant, at(7_000)).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.insert_grant(&grant, at(8_000)).await.unwrap(), Insertion::Conflict);
    assert_eq!(summary(&store, &grant).await.unwrap().expires_at, Some(at(7_000)));
    for (expires_at, last) in
        [(Some(at(5)), Some(at(7_000))), (Some(at(9_000)), Some(at(9_000))), (None, None), (Some(at(5)), None)]
    {
        let tokens = IssuedTokens { grant: Arc::clone(&grant), access: access(&grant, expires_at), refresh: None };
        assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        assert_eq!(summary(&store, &grant).await.unwrap().expires_at, last);
    }
    assert_eq!(summary(&store, &grant).await.unwrap().grant, grant);
}

#[tokio::test]
async fn a_refresh_token_rotates_once() {
    let store = memory().await;
    let grant = grant();
    let tokens = stored(&store, &grant).await;
    let later = Some(at(12_000));
    let next = IssuedTokens { refresh: Some(refresh(&grant, later)), ..issued(&grant) };
    let other = issued(&grant);
    let old = refresh_key(&tokens);
    let retired = retirement(&next);
    assert_eq!(store.rotate_refresh_token(&old, &retired, &next).await.unwrap(), Rotation::Rotated);
    for retries in 1..=3 {
        let rotation = store.rotate_refresh_token(&old, &retirement(&other), &other).await.unwrap();
        let retirement = retired.clone();
        assert_eq!(rotation, Rotation::Retired { retirement, retries });
    }
    assert!(are_stored(&store, &tokens).await);
    assert!(are_stored(&store, &next).await);
    assert!(!are_stored(&store, &other).await);
    assert_eq!(summary(&store, &grant).await.unwrap().expires_at, later);
    let state = store.find_refresh_token(&old).await.unwrap().unwrap().token.state;
    assert_eq!(state, RefreshTokenState::Retired(retired.clone()));

    // Once the successor is used, a retry is told.
    let third = issued(&grant);
    let rotation = store.rotate_refresh_token(&refresh_key(&next), &retirement(&third), &third).await.unwrap();
    assert_eq!(rotation, Rotation::Rotated);
    let rotation = store.rotate_refresh_token(&old, &retirement(&other), &other).await.unwrap();
    let retirement = Retirement { nonce: [0; 16], ..retired };
    assert_eq!(rotation, Rotation::Retired { retirement, retries: 4 });
    assert_eq!(summary(&store, &grant).await.unwrap().expires_at, later);
}

#[tokio::test]
async fn a_token_two_generations_old_yields_nothing() {
    let store = memory().await;
    let grant = grant();
    let mut chain = vec![stored(&store, &grant).await];
    let mut retirements = Vec::new();
    for _ in 0..3 {
        let (last, next) = (chain.last().unwrap(), issued(&grant));
        let retirement = retirement(&next);
        let rotation = store.rotate_refresh_token(&refresh_key(last), &retirement, &next).await.unwrap();
        assert_eq!(rotation, Rotation::Rotated);
        // A retry of the token that was just used changes nothing.
        let again = store.rotate_refresh_token(&refresh_key(last), &retirement, &issued(&grant)).await.unwrap();
        assert!(matches!(again, Rotation::Retired { retirement: kept, .. } if kept == retirement));
        retirements.push(retirement);
        chain.push(next);
        for (n, (tokens, retirement)) in chain.iter().zip(&retirements).enumerate() {
            let nonce = if n + 1 == retirements.len() { retirement.nonce } else { [0; 16] };
            let state = store.find_refresh_token(&refresh_key(tokens)).await.unwrap().unwrap().token.state;
            assert_eq!(state, RefreshTokenState::Retired(Retirement { nonce, ..retirement.clone() }));
        }
    }
}

#[tokio::test]
async fn a_nonce_is_forgotten_without_a_look_at_all_tokens_of_the_grant() {
    let store = memory().await;
    let plan = format!("EXPLAIN QUERY PLAN {}", crate::store::sqlite::tokens::FORGET_NONCE);
    let plan: (i64, i64, i64, String) =
        sqlx::query_as(sqlx::AssertSqlSafe(plan)).fetch_one(&store.writer).await.unwrap();
    assert!(plan.3.contains("grantor_refresh_tokens_nonce (grant_id=? AND successor=?)"), "{}", plan.3);
}

#[tokio::test]
async fn a_rotation_that_cannot_store_its_tokens_retires_nothing() {
    let store = memory().await;
    let grant = grant();
    let tokens = stored(&store, &grant).await;
    let next = IssuedTokens { refresh: tokens.refresh.clone(), ..issued(&grant) };
    assert!(store.rotate_refresh_token(&refresh_key(&tokens), &retirement(&next), &next).await.is_err());
    let found = store.find_refresh_token(&refresh_key(&tokens)).await.unwrap().unwrap();
    assert_eq!(Some(found.token), tokens.refresh);
    assert_eq!(store.find_access_token(&next.access.key).await.unwrap(), None);
}

#[tokio::test]
async fn a_reused_refresh_token_stays_active_with_a_new_expiry() {
    let store = memory().await;
    let grant = grant();
    let tokens = stored(&store, &grant).await;
    let key = refresh_key(&tokens);
    let more = access(&grant, Some(at(11_000)));
    assert_eq!(store.reuse_refresh_token(&key, Some(at(10_000)), &more).await.unwrap(), Reuse::Accepted);
    let found = store.find_refresh_token(&key).await.unwrap().unwrap().token;
    assert_eq!(found, RefreshTokenRecord { expires_at: Some(at(10_000)), ..tokens.refresh.clone().unwrap() });
    assert_eq!(store.find_access_token(&more.key).await.unwrap().unwrap().token, more);
    assert_eq!(summary(&store, &grant).await.unwrap().expires_at, Some(at(11_000)));

    let last = access(&grant, Some(at(1)));
    assert_eq!(store.reuse_refresh_token(&key, None, &last).await.unwrap(), Reuse::Accepted);
    assert_eq!(summary(&store, &grant).await.unwrap().expires_at, None);

    assert!(store.reuse_refresh_token(&key, Some(at(1)), &last).await.is_err());
    assert_eq!(store.find_refresh_token(&key).await.unwrap().unwrap().token.expires_at, None);

    let next = issued(&grant);
    assert_eq!(store.rotate_refresh_token(&key, &retirement(&next), &next).await.unwrap(), Rotation::Rotated);
    let never = access(&grant, None);
    assert_eq!(store.reuse_refresh_token(&key, None, &never).await.unwrap(), Reuse::Unknown);
    assert_eq!(store.find_access_token(&never.key).await.unwrap(), None);
}

#[tokio::test]
async fn an_access_token_is_revoked_alone() {
    let store = memory().await;
    let grant = grant();
    let (one, two) = (stored(&store, &grant).await, stored(&store, &grant).await);
    store.revoke_access_token(&one.access.key).await.unwrap();
    store.revoke_access_token(&one.access.key).await.unwrap();
    assert_eq!(store.find_access_token(&one.access.key).await.unwrap(), None);
    assert!(store.find_refresh_token(&refresh_key(&one)).await.unwrap().is_some());
    assert!(are_stored(&store, &two).await);
}

#[tokio::test]
async fn revocation_is_sticky() {
    let store = memory().await;
    let grant = grant();
    let tokens = stored(&store, &grant).await;
    let key = refresh_key(&tokens);
    store.revoke_grant(&GrantId::random(), at(1)).await.unwrap();
    assert!(are_stored(&store, &tokens).await);
    store.revoke_grant(&grant.id, at(4_000)).await.unwrap();
    store.revoke_grant(&grant.id, at(5_000)).await.unwrap();
    assert_eq!(summary(&store, &grant).await.unwrap().revoked_at, Some(at(4_000)));
    assert!(!are_stored(&store, &tokens).await);
    let next = issued(&grant);
    assert_eq!(store.insert_tokens(&next).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.insert_grant(&grant, at(9_000)).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.rotate_refresh_token(&key, &retirement(&next), &next).await.unwrap(), Rotation::Unknown);
    assert_eq!(store.reuse_refresh_token(&key, None, &next.access).await.unwrap(), Reuse::Unknown);
    assert!(!are_stored(&store, &next).await);
}

#[tokio::test]
async fn everything_of_a_user_or_of_a_client_is_revoked_at_once() {
    let store = memory().await;
    let whose = |subject: &str, client: &str| {
        let (subject, client) = (subject.parse().unwrap(), client.parse().unwrap());
        Arc::new(Grant { subject: Some(subject), client: Some(client), ..bare_grant() })
    };
    let (ada_web, ada_app, bob_web) = (whose("ada", "web"), whose("ada", "app"), whose("bob", "web"));
    let nobody = IssuedTokens { refresh: None, ..issued(&Arc::new(bare_grant())) };
    assert_eq!(store.insert_tokens(&nobody).await.unwrap(), Insertion::Inserted);
    let first = stored(&store, &ada_web).await;
    let second = stored(&store, &ada_app).await;
    let third = stored(&store, &bob_web).await;
    assert_eq!(store.revoke_client(&"app".parse().unwrap(), at(1)).await.unwrap(), 1);
    assert_eq!(store.revoke_subject(&"ada".parse().unwrap(), at(2)).await.unwrap(), 1);
    assert_eq!(store.revoke_subject(&"ada".parse().unwrap(), at(3)).await.unwrap(), 0);
    assert_eq!(summary(&store, &ada_app).await.unwrap().revoked_at, Some(at(1)));
    assert_eq!(summary(&store, &ada_web).await.unwrap().revoked_at, Some(at(2)));
    for (tokens, live) in [(&first, false), (&second, false), (&third, true)] {
        assert_eq!(are_stored(&store, tokens).await, live);
    }
    assert!(store.find_access_token(&nobody.access.key).await.unwrap().is_some());
}

#[tokio::test]
async fn grants_are_listed_in_pages_and_by_client() {
    let store = memory().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let client = if n % 2 == 0 { "even" } else { "odd" };
        let subject = Some("ada".parse().unwrap());
        let grant = Arc::new(Grant { subject, client: Some(client.parse().unwrap()), ..bare_grant() });
        stored(&store, &grant).await;
        ids.push(grant.id);
    }
    stored(&store, &Arc::new(Grant { subject: Some("bob".parse().unwrap()), ..bare_grant() })).await;
    ids.sort_unstable();
    let (ada, even) = ("ada".parse().unwrap(), "even".parse().unwrap());
    let two = NonZeroU32::new(2).unwrap();
    let mut listed = Vec::new();
    let mut page = Page::first(two);
    loop {
        let grants = store.list_grants(&ada, None, page).await.unwrap();
        let Some(last) = grants.last() else { break };
        page = Page::after(last.grant.id, two);
        listed.extend(grants.iter().map(|summary| summary.grant.id));
    }
    assert_eq!(listed, ids);
    let even = store.list_grants(&ada, Some(&even), Page::first(MANY)).await.unwrap();
    assert_eq!(even.len(), 3);
}

#[tokio::test]
async fn the_latest_use_of_a_grant_is_remembered() {
    let store = memory().await;
    let grant = grant();
    store.touch_grant(&grant.id, at(1)).await.unwrap();
    stored(&store, &grant).await;
    assert_eq!(summary(&store, &grant).await.unwrap().last_used_at, None);
    for (used_at, latest) in [(5, 5), (3, 5), (7, 7)] {
        store.touch_grant(&grant.id, at(used_at)).await.unwrap();
        assert_eq!(summary(&store, &grant).await.unwrap().last_used_at, Some(at(latest)));
    }
}
