use super::*;
use crate::store::{CodeStore as _, GrantStore as _, Insertion, Redemption};

async fn stored(store: &SqliteStore, access_until: Option<i64>, refresh_until: Option<i64>) -> IssuedTokens {
    let grant = grant();
    let tokens = IssuedTokens {
        access: access(&grant, access_until.map(at)),
        refresh: Some(refresh(&grant, refresh_until.map(at))),
        grant,
    };
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    tokens
}

async fn rows(store: &SqliteStore) -> i64 {
    sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM grantor_grants) + (SELECT count(*) FROM grantor_codes) \
         + (SELECT count(*) FROM grantor_access_tokens) + (SELECT count(*) FROM grantor_refresh_tokens)",
    )
    .fetch_one(&store.readers)
    .await
    .unwrap()
}

#[tokio::test]
async fn what_lives_is_never_purged() {
    let store = memory().await;
    let tokens = stored(&store, Some(100), Some(200)).await;
    let forever = stored(&store, None, None).await;
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
    assert_eq!(rows(&store).await, 5);
}

#[tokio::test]
async fn a_code_is_known_until_it_expires_or_as_long_as_its_redemption_is_kept() {
    let store = memory().await;
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
    assert_eq!(rows(&store).await, 0);
}

#[tokio::test]
async fn a_revocation_is_kept_until_everything_under_it_has_expired() {
    let store = memory().await;
    let tokens = stored(&store, Some(100), Some(200)).await;
    let forever = stored(&store, None, Some(200)).await;
    for grant in [&tokens.grant, &forever.grant] {
        store.revoke_grant(&grant.id, at(300)).await.unwrap();
    }
    // Two refresh tokens and an access token expired, and with them the first grant.
    assert_eq!(store.purge_tokens(at(300), MANY).await.unwrap(), 4);
    assert_eq!(store.insert_tokens(&issued(&forever.grant)).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.purge_tokens(at(301), MANY).await.unwrap(), 1);
    assert_eq!(rows(&store).await, 0);
}

#[tokio::test]
async fn a_purge_is_bounded() {
    let store = memory().await;
    for _ in 0..5 {
        stored(&store, Some(100), Some(100)).await;
        assert_eq!(store.insert_code(&code(&grant())).await.unwrap(), Insertion::Inserted);
    }
    let two = NonZeroU32::new(2).unwrap();
    assert_eq!(store.purge_codes(at(3_000), two).await.unwrap(), 2);
    let mut left = rows(&store).await;
    loop {
        let purged = i64::from(store.purge_tokens(at(101), two).await.unwrap());
        assert!(purged <= 2);
        left -= purged;
        assert_eq!(rows(&store).await, left);
        if purged == 0 {
            break;
        }
    }
    assert_eq!(left, 6, "three codes with their grants");
}
