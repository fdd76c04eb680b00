//! What is stored, and what is refused.

use std::sync::Arc;

use super::super::{INTERLEAVINGS, are_found, arena, contenders, spelled};
use super::{stored, stored_under, summary};
use crate::clock::Timestamp;
use crate::grant::{AccessTokenRecord, Grant, IssuedTokens, RefreshTokenRecord};
use crate::secret::TokenKey;
use crate::store::{FoundAccessToken, FoundRefreshToken, Insertion, TokenStore};
use crate::testkit::extremes;
use crate::testkit::fixtures::{self, from_now, refresh_key};

/// A grant and its tokens come back as they were, in every field and at every bound.
///
/// > **What is stored comes back as it was.** Every field of every record, at every value that its type allows.
pub async fn every_field_of_a_grant_and_its_tokens_comes_back(store: &dyn TokenStore) {
    let all = extremes::tokens();
    for tokens in &all {
        assert_eq!(store.insert_tokens(tokens).await.unwrap(), Insertion::Inserted);
    }
    for tokens in &all {
        let IssuedTokens { grant, access, refresh } = tokens;
        let found = store.find_access_token(&access.key).await.unwrap().expect("the access token was stored");
        assert_eq!(found, FoundAccessToken { token: access.clone(), grant: Arc::clone(grant) });
        assert_eq!(spelled(&found.grant.resource), spelled(&grant.resource));
        assert_eq!(spelled(&found.token.resource), spelled(&access.resource));
        let refresh = refresh.clone().expect("there is a refresh token");
        let found = store.find_refresh_token(&refresh.key).await.unwrap().expect("the refresh token was stored");
        assert_eq!(found, FoundRefreshToken { token: refresh, grant: Arc::clone(grant) });
        if grant.subject.is_some() {
            assert_eq!(summary(store, grant).await.expect("the grant is listed").grant, *grant);
        }
    }
}

/// A key that is not wholly that of a token finds none; an access token is no refresh token, and the other way round.
///
/// > Finds an access token and its grant in one read; `None` if either is revoked.
pub async fn an_unknown_token_is_absent(store: &dyn TokenStore) {
    let (one, other) = (stored(store).await, stored(store).await);
    let (access, refresh) = (one.access.key, refresh_key(&one));
    let unknown = [
        fixtures::key(&fixtures::grant()),
        fixtures::key(&one.grant),
        TokenKey { grant: fixtures::grant().id, hash: access.hash },
        TokenKey { grant: other.grant.id, hash: access.hash },
        TokenKey { grant: other.grant.id, hash: refresh.hash },
    ];
    for key in unknown.iter().chain([&refresh]) {
        assert_eq!(store.find_access_token(key).await.unwrap(), None);
    }
    for key in unknown.iter().chain([&access]) {
        assert_eq!(store.find_refresh_token(key).await.unwrap(), None);
    }
    let alone = IssuedTokens { refresh: None, ..fixtures::issued(&fixtures::grant()) };
    assert_eq!(store.insert_tokens(&alone).await.unwrap(), Insertion::Inserted);
    assert!(are_found(store, &alone).await);
}

/// A second grant with the same identifier conflicts, and the first stays as it is.
///
/// > Stores a grant that has no tokens yet; a grant with this id conflicts.
pub async fn a_second_grant_with_an_id_conflicts(store: &dyn TokenStore) {
    let first = fixtures::grant();
    let keep_until = from_now(60);
    assert_eq!(store.insert_grant(&first, keep_until).await.unwrap(), Insertion::Inserted);
    let second = Arc::new(Grant { id: first.id, ..Grant::clone(&fixtures::grant()) });
    assert_eq!(store.insert_grant(&second, from_now(600)).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.insert_grant(&first, from_now(600)).await.unwrap(), Insertion::Conflict);
    assert_eq!(summary(store, &second).await, None);
    let listed = summary(store, &first).await.expect("the grant is listed");
    assert_eq!((listed.grant, listed.expires_at), (first, Some(keep_until)));
    assert_eq!((listed.last_used_at, listed.revoked_at), (None, None));
}

/// Tokens join a grant that is there already, which stays what it was.
///
/// > Stores tokens, and their grant if it is new, all of it or nothing.
pub async fn tokens_are_added_to_a_grant_that_is_there(store: &dyn TokenStore) {
    let grant = fixtures::grant();
    assert_eq!(store.insert_grant(&grant, from_now(60)).await.unwrap(), Insertion::Inserted);
    let first = stored_under(store, &grant).await;
    // Whatever is said of the grant now, it was granted already.
    let changed = Arc::new(Grant { scope: fixtures::scope("everything"), ..Grant::clone(&grant) });
    let second = stored_under(store, &changed).await;
    for tokens in [&first, &second] {
        assert!(are_found(store, tokens).await);
        assert_eq!(store.find_access_token(&tokens.access.key).await.unwrap().unwrap().grant, grant);
    }
}

/// Tokens of which one has a key that is stored already are refused, all of them, and with them their grant.
///
/// > A revoked grant conflicts, and so does a token with one of these keys.
pub async fn tokens_with_a_stored_key_are_refused_whole(store: &dyn TokenStore) {
    let known = stored(store).await;
    let before = summary(store, &known.grant).await;
    let fresh = fixtures::issued(&known.grant);
    let late = Some(from_now(900_000));
    let with_known_access =
        IssuedTokens { access: AccessTokenRecord { expires_at: late, ..known.access.clone() }, ..fresh.clone() };
    let with_known_refresh = IssuedTokens {
        refresh: known.refresh.clone().map(|refresh| RefreshTokenRecord { expires_at: late, ..refresh }),
        access: AccessTokenRecord { expires_at: late, ..fresh.access.clone() },
        ..fresh.clone()
    };
    assert_eq!(store.insert_tokens(&with_known_access).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_refresh_token(&refresh_key(&fresh)).await.unwrap(), None);
    assert_eq!(store.insert_tokens(&with_known_refresh).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_access_token(&fresh.access.key).await.unwrap(), None);
    assert_eq!(summary(store, &known.grant).await, before);
    let found = store.find_access_token(&known.access.key).await.unwrap().expect("the first token stays");
    assert_eq!(found.token, known.access);
}

/// A grant is kept as long as the longest-lived of what was stored under it.
///
/// > When the last code or token that was issued under it expires; `None` is never.
pub async fn a_grants_expiry_only_rises(store: &dyn TokenStore) {
    let grant = fixtures::grant();
    let [soon, later, almost_late, late] = [60, 600, 899, 900].map(from_now);
    assert_eq!(store.insert_grant(&grant, later).await.unwrap(), Insertion::Inserted);
    let steps = [
        (Some(soon), Some(later)),
        (Some(late), Some(late)),
        (Some(almost_late), Some(late)),
        (Some(Timestamp::MAX), Some(Timestamp::MAX)),
        (None, None),
        (Some(soon), None),
    ];
    for (expires_at, expected) in steps {
        let access = AccessTokenRecord { expires_at, ..fixtures::access_token(&grant) };
        let tokens = IssuedTokens { grant: Arc::clone(&grant), access, refresh: None };
        assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
        assert_eq!(summary(store, &grant).await.expect("the grant is listed").expires_at, expected);
    }
    // Of two tokens the one that lives longer counts.
    let grant = fixtures::grant();
    let refresh = Some(RefreshTokenRecord { expires_at: Some(from_now(50)), ..fixtures::refresh_token(&grant) });
    let tokens = IssuedTokens { refresh, ..fixtures::issued(&grant) };
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    assert_eq!(summary(store, &grant).await.expect("the grant is listed").expires_at, tokens.access.expires_at);
}

/// A hash says something only together with its grant.
///
/// > Codes and tokens are known by their `TokenKey`.
pub async fn equal_hashes_under_two_grants_are_two_tokens(store: &dyn TokenStore) {
    let one = stored(store).await;
    let mut other = fixtures::issued(&fixtures::grant());
    other.access.key.hash = one.access.key.hash;
    other.refresh = other
        .refresh
        .map(|refresh| RefreshTokenRecord { key: TokenKey { hash: refresh_key(&one).hash, ..refresh.key }, ..refresh });
    assert_eq!(store.insert_tokens(&other).await.unwrap(), Insertion::Inserted);
    for tokens in [&one, &other] {
        assert!(are_found(store, tokens).await);
        let found = store.find_access_token(&tokens.access.key).await.unwrap().expect("the token is found");
        assert_eq!(found.grant, tokens.grant);
    }
    store.revoke_grant(&one.grant.id, from_now(0)).await.unwrap();
    assert!(!are_found(store, &one).await && are_found(store, &other).await);
    store.revoke_access_token(&one.access.key).await.unwrap();
    assert!(are_found(store, &other).await);
}

/// Of concurrent grants with one identifier, one is stored.
///
/// > Stores a grant that has no tokens yet; a grant with this id conflicts.
pub async fn one_of_concurrent_grants_with_an_id_is_stored(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let id = fixtures::grant().id;
        let grant = |_| Arc::new(Grant { id, ..Grant::clone(&fixtures::grant()) });
        let rivals: Vec<_> = (0..contenders(seed)).map(grant).collect();
        let insert = async |n: usize| store.insert_grant(&rivals[n], from_now(60)).await.unwrap();
        let outcomes = arena.race(rivals.len(), seed, insert).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Insertion::Inserted).count(), 1, "{outcomes:?}");
        for (grant, outcome) in rivals.iter().zip(&outcomes) {
            assert_eq!(summary(store, grant).await.is_some(), *outcome == Insertion::Inserted);
        }
    }
}

/// Of concurrent tokens that share a key, one pair is stored and nothing of the others.
///
/// > Stores tokens, and their grant if it is new, all of it or nothing.
pub async fn one_of_concurrent_insertions_with_one_key_is_stored(store: &dyn TokenStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 2 {
        // The grant is new as well, or there already.
        let shared = fixtures::issued(&fixtures::grant());
        if seed % 4 < 2 {
            assert_eq!(store.insert_grant(&shared.grant, from_now(60)).await.unwrap(), Insertion::Inserted);
        }
        let rival = |_| match seed % 2 {
            0 => IssuedTokens { access: shared.access.clone(), ..fixtures::issued(&shared.grant) },
            _ => IssuedTokens { refresh: shared.refresh.clone(), ..fixtures::issued(&shared.grant) },
        };
        let rivals: Vec<_> = (0..contenders(seed)).map(rival).collect();
        let insert = async |n: usize| store.insert_tokens(&rivals[n]).await.unwrap();
        let outcomes = arena.race(rivals.len(), seed, insert).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Insertion::Inserted).count(), 1, "{outcomes:?}");
        for (tokens, outcome) in rivals.iter().zip(&outcomes) {
            let stored = match seed % 2 {
                0 => store.find_refresh_token(&refresh_key(tokens)).await.unwrap().is_some(),
                _ => store.find_access_token(&tokens.access.key).await.unwrap().is_some(),
            };
            assert_eq!(stored, *outcome == Insertion::Inserted, "of tokens that were refused one is stored");
            assert!(*outcome == Insertion::Conflict || are_found(store, tokens).await);
        }
    }
}
