//! What each step does and answers, one call at a time.

use std::num::NonZeroU32;
use std::sync::Arc;

use grantor::client::{
    Client, ClientAuthentication, ClientId, ClientMetadata, ClientStatus, GrantType, PkceRequirement,
    SecretAuthentication, SecretMethod, Vetting,
};
use grantor::clock::Timestamp;
use grantor::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use grantor::identifier::{Extra, Subject};
use grantor::policy::{Lifetimes, RefreshPolicy};
use grantor::resource::Resources;
use grantor::scope::Scope;
use grantor::secret::{GrantId, SecretHash, TokenHash, TokenKey};
use grantor::store::{
    ClientRegistry as _, ClientStore as _, CodeStore as _, Deletion, FoundAccessToken, FoundRefreshToken,
    GrantStore as _, Insertion, Page, PostgresStore, Redemption, Reuse, Rotation, TokenStore as _, Update,
};

use crate::support::postgres::Schema;
use crate::support::records::*;

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn hash() -> TokenHash {
    TokenHash::from_bytes(random())
}

/// A grant with nothing that can be left out.
fn bare_grant() -> Grant {
    Grant {
        id: GrantId::random(),
        client: None,
        subject: None,
        scope: Scope::empty(),
        resource: Resources::default(),
        tenant: None,
        extra: Extra::default(),
        created_at: at(0),
    }
}

fn extreme_grant() -> Arc<Grant> {
    let extra = serde_json::json!({
        "": null, "größe": [i64::MIN, u64::MAX, 1.5, true, {"\u{0}✓'\"\\": "\n𝄞"}], "text": "x".repeat(100_000),
    });
    let serde_json::Value::Object(extra) = extra else { panic!("not an object") };
    Arc::new(Grant {
        client: Some("~ !\"'".parse().unwrap()),
        subject: Some("ä✓𝄞' OR 1=1 --".parse().unwrap()),
        scope: scope(&(0..100).map(|n| format!("s{n}:{} ", "x".repeat(30))).collect::<String>()),
        resource: ["HTTPS://API.test:443", "urn:example:api"].iter().map(|uri| uri.parse().unwrap()).collect(),
        tenant: Some("t".repeat(255).parse().unwrap()),
        extra: Extra::new(extra),
        created_at: at(i64::MIN),
        ..bare_grant()
    })
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn every_field_of_a_code_and_of_its_grant_comes_back() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let full = CodeRecord {
        redirect_uri: "http://[::1]:49152/ä?x=1&y='".into(),
        expires_at: Timestamp::MAX,
        failures: u32::MAX,
        redeemed_at: Some(at(i64::MIN)),
        ..code(&extreme_grant())
    };
    let bare = CodeRecord {
        challenge: None,
        redirect_uri: "".into(),
        redirect_uri_source: RedirectUriSource::Registered,
        ..code(&Arc::new(bare_grant()))
    };
    for code in [full, bare] {
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        let found = store.find_code(&code.key).await.unwrap().unwrap();
        assert_eq!(found, code);
        // Equal resources may be spelled differently, and the spelling must come back too.
        let spelled = |grant: &Grant| grant.resource.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(spelled(&found.grant), spelled(&code.grant));
        let other = TokenKey { hash: hash(), ..code.key };
        assert_eq!(store.find_code(&other).await.unwrap(), None);
        assert_eq!(store.redeem_code(&other, at(0), None).await.unwrap(), Redemption::Unknown);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_grant_has_one_code_in_its_life() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let grant = grant();
    let first = code(&grant);
    assert_eq!(store.insert_code(&first).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.insert_code(&first).await.unwrap(), Insertion::Conflict);
    let second = code(&grant);
    assert_eq!(store.insert_code(&second).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_code(&second.key).await.unwrap(), None);
    assert_eq!(store.exchange_code(&first.key, &issued(&grant)).await.unwrap(), Redemption::First);
    assert_eq!(store.insert_code(&second).await.unwrap(), Insertion::Conflict);
    store.revoke_grant(&grant.id, at(1)).await.unwrap();
    assert_eq!(store.insert_code(&second).await.unwrap(), Insertion::Conflict);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_code_redeems_once() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let grant = grant();
    let code = code(&grant);
    assert_eq!(store.redeem_code(&code.key, at(7), None).await.unwrap(), Redemption::Unknown);
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.redeem_code(&code.key, at(7), Some(at(3_000))).await.unwrap(), Redemption::First);
    assert_eq!(store.redeem_code(&code.key, at(8), None).await.unwrap(), Redemption::Replayed);
    let found = store.find_code(&code.key).await.unwrap().unwrap();
    assert_eq!(found, CodeRecord { redeemed_at: Some(at(7)), ..code });
    assert_eq!(summary(&store, &grant).await.unwrap().expires_at, Some(at(3_000)));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn failed_verifiers_are_counted() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let code = code(&grant());
    store.count_failure(&code.key).await.unwrap();
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    for _ in 0..3 {
        store.count_failure(&code.key).await.unwrap();
    }
    assert_eq!(store.find_code(&code.key).await.unwrap().unwrap().failures, 3);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn an_exchange_redeems_and_stores_at_once() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let grant = grant();
    let code = code(&grant);
    let (tokens, late) = (issued(&grant), issued(&grant));
    assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::Unknown);
    assert!(!are_stored(&store, &tokens).await);
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
    assert_eq!(store.exchange_code(&code.key, &late).await.unwrap(), Redemption::Replayed);
    assert!(are_stored(&store, &tokens).await);
    assert!(!are_stored(&store, &late).await);
    let redeemed_at = store.find_code(&code.key).await.unwrap().unwrap().redeemed_at;
    assert_eq!(redeemed_at, Some(tokens.access.issued_at));
    assert_eq!(summary(&store, &grant).await.unwrap().expires_at, Some(at(9_000)));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn an_exchange_that_cannot_store_its_tokens_spares_the_code() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let grant = grant();
    let code = code(&grant);
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    let taken = IssuedTokens { refresh: None, ..issued(&grant) };
    assert_eq!(store.insert_tokens(&taken).await.unwrap(), Insertion::Inserted);
    for refresh in [None, Some(refresh(&grant, None))] {
        assert!(store.exchange_code(&code.key, &IssuedTokens { refresh, ..taken.clone() }).await.is_err());
    }
    assert_eq!(store.find_code(&code.key).await.unwrap(), Some(code));
    assert_eq!(summary(&store, &grant).await.unwrap().expires_at, Some(at(5_000)));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_revoked_code_is_unknown() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let grant = grant();
    let code = code(&grant);
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    store.revoke_grant(&grant.id, at(1)).await.unwrap();
    assert_eq!(store.find_code(&code.key).await.unwrap(), None);
    assert_eq!(store.redeem_code(&code.key, at(2), None).await.unwrap(), Redemption::Unknown);
    let tokens = issued(&grant);
    assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::Unknown);
    assert!(!are_stored(&store, &tokens).await);
}

async fn stored(store: &PostgresStore, grant: &Arc<Grant>) -> IssuedTokens {
    let tokens = issued(grant);
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    tokens
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn every_field_of_tokens_comes_back() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_key_that_is_taken_conflicts_and_stores_nothing() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_grant_is_inserted_once_and_outlives_its_tokens() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_refresh_token_rotates_once() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_token_two_generations_old_yields_nothing() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_rotation_that_cannot_store_its_tokens_retires_nothing() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let grant = grant();
    let tokens = stored(&store, &grant).await;
    let next = IssuedTokens { refresh: tokens.refresh.clone(), ..issued(&grant) };
    assert!(store.rotate_refresh_token(&refresh_key(&tokens), &retirement(&next), &next).await.is_err());
    let found = store.find_refresh_token(&refresh_key(&tokens)).await.unwrap().unwrap();
    assert_eq!(Some(found.token), tokens.refresh);
    assert_eq!(store.find_access_token(&next.access.key).await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_reused_refresh_token_stays_active_with_a_new_expiry() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn an_access_token_is_revoked_alone() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let grant = grant();
    let (one, two) = (stored(&store, &grant).await, stored(&store, &grant).await);
    store.revoke_access_token(&one.access.key).await.unwrap();
    store.revoke_access_token(&one.access.key).await.unwrap();
    assert_eq!(store.find_access_token(&one.access.key).await.unwrap(), None);
    assert!(store.find_refresh_token(&refresh_key(&one)).await.unwrap().is_some());
    assert!(are_stored(&store, &two).await);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn revocation_is_sticky() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn everything_of_a_user_or_of_a_client_is_revoked_at_once() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn grants_are_listed_in_pages_and_by_client() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
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
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn the_latest_use_of_a_grant_is_remembered() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let grant = grant();
    store.touch_grant(&grant.id, at(1)).await.unwrap();
    stored(&store, &grant).await;
    assert_eq!(summary(&store, &grant).await.unwrap().last_used_at, None);
    for (used_at, latest) in [(5, 5), (3, 5), (7, 7)] {
        store.touch_grant(&grant.id, at(used_at)).await.unwrap();
        assert_eq!(summary(&store, &grant).await.unwrap().last_used_at, Some(at(latest)));
    }
}

fn id(text: &str) -> ClientId {
    text.parse().unwrap()
}

fn owner() -> Subject {
    "ada ✓".parse().unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn every_field_of_a_client_comes_back() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let secret = SecretAuthentication::new(SecretHash::of("one"))
        .with_method(SecretMethod::Post)
        .with_pkce(PkceRequirement::Exempt)
        .with_expiry(Timestamp::MAX)
        .rotated(SecretHash::of("two"), at(i64::MIN));
    let full = Client::public(id(&"~ ".repeat(127)))
        .with_authentication(ClientAuthentication::Secret(secret))
        .with_redirect_uri("HTTP://127.0.0.1/cb?x=%20&y=~".parse().unwrap())
        .with_grant_types(GrantType::ALL)
        .with_scope(Scope::empty())
        .with_refresh_policy(RefreshPolicy::Rotate { grace: std::time::Duration::MAX })
        .with_lifetimes(Lifetimes::new().with_access_token(None))
        .with_vetting(Vetting::SelfRegistered)
        .with_status(ClientStatus::Disabled)
        .with_owner(owner())
        .with_metadata(ClientMetadata::new().with_name("Grüße ✓ <b>'").unwrap().with_contact("a@b.test").unwrap())
        .with_created_at(at(i64::MIN))
        .with_version(u64::MAX);
    for client in [full, Client::public(id("a"))] {
        assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
        assert_eq!(store.find_client(client.id()).await.unwrap().as_deref(), Some(&client));
    }
    assert_eq!(store.find_client(&id("A")).await.unwrap(), None);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_second_client_with_the_same_id_conflicts_and_changes_nothing() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let client = Client::public(id("app")).with_owner(owner());
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.insert_client(&Client::public(id("app"))).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_client(&id("app")).await.unwrap().as_deref(), Some(&client));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn an_update_of_an_old_version_conflicts() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let client = Client::public(id("app"));
    assert_eq!(store.update_client(&client).await.unwrap(), Update::Unknown);
    assert_eq!(store.insert_client(&client).await.unwrap(), Insertion::Inserted);
    let changed = client.clone().with_owner(owner());
    assert_eq!(store.update_client(&changed).await.unwrap(), Update::Updated);
    assert_eq!(store.update_client(&client).await.unwrap(), Update::Conflict);
    let stored = store.find_client(&id("app")).await.unwrap().unwrap();
    assert_eq!(*stored, changed.with_version(1));
    assert_eq!(store.update_client(&stored).await.unwrap(), Update::Updated);
    assert_eq!(store.delete_client(&id("app")).await.unwrap(), Deletion::Deleted);
    assert_eq!(store.delete_client(&id("app")).await.unwrap(), Deletion::Unknown);
    assert_eq!(store.update_client(&stored).await.unwrap(), Update::Unknown);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn clients_are_listed_by_owner_in_pages() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    for text in ["c", "a", "B", "b"] {
        assert_eq!(
            store.insert_client(&Client::public(id(text)).with_owner(owner())).await.unwrap(),
            Insertion::Inserted
        );
    }
    assert_eq!(store.insert_client(&Client::public(id("d"))).await.unwrap(), Insertion::Inserted);
    let two = NonZeroU32::new(2).unwrap();
    let first = store.list_clients(&owner(), Page::first(two)).await.unwrap();
    assert_eq!(first.iter().map(|client| client.id().as_str()).collect::<Vec<_>>(), ["B", "a"]);
    let second = store.list_clients(&owner(), Page::after(id("a"), two)).await.unwrap();
    assert_eq!(second.iter().map(|client| client.id().as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert!(store.list_clients(&owner(), Page::after(id("c"), two)).await.unwrap().is_empty());
    assert_eq!(store.count_clients(two).await.unwrap(), 2);
    assert_eq!(store.count_clients(MANY).await.unwrap(), 5);
}

async fn stored_until(store: &PostgresStore, access_until: Option<i64>, refresh_until: Option<i64>) -> IssuedTokens {
    let grant = grant();
    let tokens = IssuedTokens {
        access: access(&grant, access_until.map(at)),
        refresh: Some(refresh(&grant, refresh_until.map(at))),
        grant,
    };
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    tokens
}

async fn rows(schema: &Schema) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM grantor_grants) + (SELECT count(*) FROM grantor_codes) \
         + (SELECT count(*) FROM grantor_access_tokens) + (SELECT count(*) FROM grantor_refresh_tokens)",
    )
    .fetch_one(&mut schema.beside().await)
    .await
    .unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn what_lives_is_never_purged() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let tokens = stored_until(&store, Some(100), Some(200)).await;
    let forever = stored_until(&store, None, None).await;
    let code = code(&grant());
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.purge_tokens(at(100), MANY).await.unwrap(), 0);
    assert_eq!(store.purge_codes(at(100), MANY).await.unwrap(), 0);

    // Only the access token has expired.
    assert_eq!(store.purge_tokens(at(101), MANY).await.unwrap(), 1);
    assert_eq!(store.find_access_token(&tokens.access.key).await.unwrap(), None);
    assert!(store.find_refresh_token(&refresh_key(&tokens)).await.unwrap().is_some());

    // The refresh token and the grant.
    assert_eq!(store.purge_tokens(at(201), MANY).await.unwrap(), 2);
    assert!(summary(&store, &tokens.grant).await.is_none());
    assert!(are_stored(&store, &forever).await);
    assert_eq!(store.find_code(&code.key).await.unwrap(), Some(code));
    assert_eq!(rows(&schema).await, 5);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_code_is_known_until_it_expires_or_as_long_as_its_redemption_is_kept() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let (unused, kept, exchanged) = (code(&grant()), code(&grant()), code(&grant()));
    for code in [&unused, &kept, &exchanged] {
        assert_eq!(store.insert_code(code).await.unwrap(), Insertion::Inserted);
    }
    assert_eq!(store.redeem_code(&kept.key, at(1), Some(at(4_000))).await.unwrap(), Redemption::First);
    assert_eq!(store.exchange_code(&exchanged.key, &issued(&exchanged.grant)).await.unwrap(), Redemption::First);
    assert_eq!(store.purge_codes(at(2_001), MANY).await.unwrap(), 1);
    assert_eq!(store.redeem_code(&unused.key, at(1), None).await.unwrap(), Redemption::Unknown);
    assert_eq!(store.redeem_code(&kept.key, at(1), None).await.unwrap(), Redemption::Replayed);
    assert_eq!(store.purge_codes(at(4_001), MANY).await.unwrap(), 1);
    assert_eq!(store.purge_tokens(at(9_000), MANY).await.unwrap(), 1);
    assert_eq!(store.redeem_code(&exchanged.key, at(1), None).await.unwrap(), Redemption::Replayed);
    // A grant with tokens left is for the other purge.
    assert_eq!(store.purge_codes(at(10_000), MANY).await.unwrap(), 0);
    assert_eq!(store.purge_tokens(at(10_000), MANY).await.unwrap(), 2);
    assert_eq!(rows(&schema).await, 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_revocation_is_kept_until_everything_under_it_has_expired() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    let tokens = stored_until(&store, Some(100), Some(200)).await;
    let forever = stored_until(&store, None, Some(200)).await;
    for grant in [&tokens.grant, &forever.grant] {
        store.revoke_grant(&grant.id, at(300)).await.unwrap();
    }
    // Two refresh tokens and an access token expired, and with them the first grant.
    assert_eq!(store.purge_tokens(at(300), MANY).await.unwrap(), 4);
    assert_eq!(store.insert_tokens(&issued(&forever.grant)).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.purge_tokens(at(301), MANY).await.unwrap(), 1);
    assert_eq!(rows(&schema).await, 0);
}

#[tokio::test]
#[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
async fn a_purge_is_bounded() {
    let schema = Schema::new().await;
    let (store, _pool) = schema.migrated(2).await;
    for _ in 0..5 {
        stored_until(&store, Some(100), Some(100)).await;
        assert_eq!(store.insert_code(&code(&grant())).await.unwrap(), Insertion::Inserted);
    }
    let two = NonZeroU32::new(2).unwrap();
    assert_eq!(store.purge_codes(at(3_000), two).await.unwrap(), 2);
    let mut left = rows(&schema).await;
    loop {
        let purged = i64::from(store.purge_tokens(at(101), two).await.unwrap());
        assert!(purged <= 2);
        left -= purged;
        assert_eq!(rows(&schema).await, left);
        if purged == 0 {
            break;
        }
    }
    assert_eq!(left, 6, "three codes with their grants");
}
