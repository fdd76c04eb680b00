use super::*;
use crate::store::{CodeStore as _, GrantStore as _, Insertion, Redemption};

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
async fn every_field_of_a_code_and_of_its_grant_comes_back() {
    let store = memory().await;
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
async fn a_grant_has_one_code_in_its_life() {
    let store = memory().await;
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
async fn a_code_redeems_once() {
    let store = memory().await;
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
async fn failed_verifiers_are_counted() {
    let store = memory().await;
    let code = code(&grant());
    store.count_failure(&code.key).await.unwrap();
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    for _ in 0..3 {
        store.count_failure(&code.key).await.unwrap();
    }
    assert_eq!(store.find_code(&code.key).await.unwrap().unwrap().failures, 3);
}

#[tokio::test]
async fn an_exchange_redeems_and_stores_at_once() {
    let store = memory().await;
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
async fn an_exchange_that_cannot_store_its_tokens_spares_the_code() {
    let store = memory().await;
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
async fn a_revoked_code_is_unknown() {
    let store = memory().await;
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
