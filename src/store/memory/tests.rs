//! What holds for one caller at a time; `races` has what holds for many.

mod clients;
mod limits;
mod purge;
mod races;
mod retirement;

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{MemoryLimits, MemoryStore};
use crate::client::ClientId;
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::grant::{
    AccessTokenRecord, CodeRecord, Grant, IssuedTokens, RedirectUriSource, RefreshTokenRecord, RefreshTokenState,
    Retirement,
};
use crate::identifier::{Extra, Subject};
use crate::secret::{GrantId, TokenHash, TokenKey};
use crate::store::{CodeStore, GrantStore, Insertion, Page, Redemption, Reuse, Rotation, TokenStore};

/// The result of a future that is ready at once, as all of this store are: none can be dropped half-way.
fn now<T>(future: impl Future<Output = Result<T, StoreError>>) -> T {
    polled(future).unwrap()
}

fn polled<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the future waits for something"),
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis)
}

fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

fn key(grant: &Grant) -> TokenKey {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(GrantId::random().as_bytes());
    TokenKey { grant: grant.id, hash: TokenHash::from_bytes(hash) }
}

fn grant_of(client: &str, subject: &str) -> Arc<Grant> {
    Arc::new(Grant {
        id: GrantId::random(),
        client: Some(client.parse().unwrap()),
        subject: Some(subject.parse().unwrap()),
        scope: "links:read links:write".parse().unwrap(),
        resource: ["https://api.example".parse().unwrap()].into_iter().collect(),
        tenant: Some("workspace".parse().unwrap()),
        extra: Extra::default(),
        created_at: at(0),
    })
}

fn grant() -> Arc<Grant> {
    grant_of("app", "ada")
}

fn code(grant: &Arc<Grant>) -> CodeRecord {
    CodeRecord {
        key: key(grant),
        grant: Arc::clone(grant),
        challenge: None,
        redirect_uri: "https://app.example/callback".into(),
        redirect_uri_source: RedirectUriSource::Requested,
        expires_at: at(60),
        failures: 0,
        redeemed_at: None,
    }
}

fn access(grant: &Grant, expires_at: Option<Timestamp>) -> AccessTokenRecord {
    let (scope, resource) = (grant.scope.clone(), grant.resource.clone());
    AccessTokenRecord { key: key(grant), scope, resource, issued_at: at(1), expires_at }
}

fn refresh(grant: &Grant, expires_at: Option<Timestamp>) -> RefreshTokenRecord {
    RefreshTokenRecord { key: key(grant), issued_at: at(1), expires_at, state: RefreshTokenState::Active }
}

fn tokens(grant: &Arc<Grant>) -> IssuedTokens {
    let refresh = refresh(grant, Some(at(10_000)));
    IssuedTokens { grant: Arc::clone(grant), access: access(grant, Some(at(1_000))), refresh: Some(refresh) }
}

fn refresh_key(tokens: &IssuedTokens) -> TokenKey {
    tokens.refresh.as_ref().unwrap().key
}

fn retirement(successors: &IssuedTokens) -> Retirement {
    Retirement {
        at: at(2),
        nonce: [7; 16],
        successor: refresh_key(successors).hash,
        scope: successors.access.scope.clone(),
        resource: successors.access.resource.clone(),
        access_expires_at: successors.access.expires_at,
    }
}

fn rotate(store: &MemoryStore, key: &TokenKey, successors: &IssuedTokens) -> Rotation {
    now(store.rotate_refresh_token(key, &retirement(successors), successors))
}

/// Everything of `tokens` is found, or nothing is.
fn is_found(store: &MemoryStore, tokens: &IssuedTokens) -> bool {
    let access = now(store.find_access_token(&tokens.access.key)).is_some();
    if let Some(refresh) = &tokens.refresh {
        assert_eq!(now(store.find_refresh_token(&refresh.key)).is_some(), access);
    }
    access
}

fn list(store: &MemoryStore, subject: &str, page: Page<GrantId>) -> Vec<GrantId> {
    let subject: Subject = subject.parse().unwrap();
    now(store.list_grants(&subject, None, page)).iter().map(|summary| summary.grant.id).collect()
}

#[test]
fn a_code_comes_back_as_it_was_stored() {
    let store = MemoryStore::new();
    let code = code(&grant());
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    assert_eq!(now(store.find_code(&code.key)), Some(code.clone()));
    assert_eq!(now(store.find_code(&key(&code.grant))), None);
    assert_eq!(now(store.find_code(&key(&grant()))), None);
}

#[test]
fn a_grant_has_one_code_in_its_life() {
    let store = MemoryStore::new();
    let grant = grant();
    let first = code(&grant);
    assert_eq!(now(store.insert_code(&first)), Insertion::Inserted);
    assert_eq!(now(store.insert_code(&code(&grant))), Insertion::Conflict);
    assert_eq!(now(store.insert_grant(&grant, at(60))), Insertion::Conflict);
    now(store.revoke_grant(&grant.id, at(1)));
    assert_eq!(now(store.insert_code(&first)), Insertion::Conflict);
    assert_eq!(now(store.find_code(&first.key)), None);
}

#[test]
fn failures_are_counted_on_their_code_only() {
    let store = MemoryStore::new();
    let code = code(&grant());
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    now(store.count_failure(&code.key));
    now(store.count_failure(&code.key));
    now(store.count_failure(&key(&code.grant)));
    assert_eq!(now(store.find_code(&code.key)).unwrap().failures, 2);
}

#[test]
fn an_exchange_stores_tokens_and_redemption_together() {
    let store = MemoryStore::new();
    let code = code(&grant());
    let tokens = tokens(&code.grant);
    assert_eq!(now(store.exchange_code(&code.key, &tokens)), Redemption::Unknown);
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    assert_eq!(now(store.exchange_code(&code.key, &tokens)), Redemption::First);

    let found = now(store.find_access_token(&tokens.access.key)).unwrap();
    assert_eq!((&found.token, &found.grant), (&tokens.access, &code.grant));
    let found = now(store.find_refresh_token(&refresh_key(&tokens))).unwrap();
    assert_eq!((Some(&found.token), &found.grant), (tokens.refresh.as_ref(), &code.grant));
    let redeemed = now(store.find_code(&code.key)).unwrap();
    assert_eq!(redeemed.redeemed_at, Some(tokens.access.issued_at));
    let subject = code.grant.subject.as_ref().unwrap();
    assert_eq!(now(store.list_grants(subject, None, Page::first(limit(9))))[0].expires_at, tokens.expires_at());
}

#[test]
fn what_cannot_be_stored_whole_is_not_stored_at_all() {
    let store = MemoryStore::new();
    let code = code(&grant());
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    let first = tokens(&code.grant);
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);

    let taken = IssuedTokens { refresh: first.refresh.clone(), ..tokens(&code.grant) };
    assert_eq!(now(store.insert_tokens(&taken)), Insertion::Conflict);
    assert!(polled(store.exchange_code(&code.key, &taken)).is_err());
    assert!(polled(store.rotate_refresh_token(&refresh_key(&first), &retirement(&taken), &taken)).is_err());
    assert!(polled(store.reuse_refresh_token(&refresh_key(&first), None, &first.access)).is_err());

    assert_eq!(now(store.find_access_token(&taken.access.key)), None);
    assert_eq!(now(store.find_code(&code.key)), Some(code));
    assert_eq!(now(store.find_refresh_token(&refresh_key(&first))).map(|found| found.token), first.refresh);
}

#[test]
fn only_an_active_refresh_token_is_reused() {
    let store = MemoryStore::new();
    let grant = grant();
    let first = tokens(&grant);
    let reuse =
        |key: &TokenKey, access: &AccessTokenRecord| now(store.reuse_refresh_token(key, Some(at(20_000)), access));
    assert_eq!(reuse(&refresh_key(&first), &access(&grant, None)), Reuse::Unknown);
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Inserted);
    let more = access(&grant, Some(at(2_000)));
    assert_eq!(reuse(&refresh_key(&first), &more), Reuse::Accepted);
    assert_eq!(now(store.find_access_token(&more.key)).map(|found| found.token), Some(more));
    let moved = now(store.find_refresh_token(&refresh_key(&first))).unwrap().token;
    assert_eq!((moved.expires_at, moved.state), (Some(at(20_000)), RefreshTokenState::Active));

    assert_eq!(rotate(&store, &refresh_key(&first), &tokens(&grant)), Rotation::Rotated);
    assert_eq!(reuse(&refresh_key(&first), &access(&grant, None)), Reuse::Unknown);
}

#[test]
fn a_revoked_access_token_leaves_its_grant_alive() {
    let store = MemoryStore::new();
    let grant = grant();
    let (one, other) = (tokens(&grant), tokens(&grant));
    assert_eq!(now(store.insert_tokens(&one)), Insertion::Inserted);
    assert_eq!(now(store.insert_tokens(&other)), Insertion::Inserted);
    now(store.revoke_access_token(&one.access.key));
    now(store.revoke_access_token(&one.access.key));
    assert_eq!(now(store.find_access_token(&one.access.key)), None);
    assert!(now(store.find_refresh_token(&refresh_key(&one))).is_some());
    assert!(is_found(&store, &other));
}

#[test]
fn nothing_is_found_or_stored_under_a_revoked_grant() {
    let store = MemoryStore::new();
    let code = code(&grant());
    let (grant, first) = (&code.grant, tokens(&code.grant));
    assert_eq!(now(store.insert_code(&code)), Insertion::Inserted);
    assert_eq!(now(store.exchange_code(&code.key, &first)), Redemption::First);
    now(store.revoke_grant(&grant.id, at(5)));
    now(store.revoke_grant(&grant.id, at(6)));
    now(store.revoke_grant(&GrantId::random(), at(6)));

    assert!(!is_found(&store, &first));
    assert_eq!(now(store.find_code(&code.key)), None);
    assert_eq!(now(store.redeem_code(&code.key, at(5), None)), Redemption::Unknown);
    assert_eq!(now(store.exchange_code(&code.key, &tokens(grant))), Redemption::Unknown);
    assert_eq!(rotate(&store, &refresh_key(&first), &tokens(grant)), Rotation::Unknown);
    assert_eq!(now(store.reuse_refresh_token(&refresh_key(&first), None, &access(grant, None))), Reuse::Unknown);
    assert_eq!(now(store.insert_tokens(&first)), Insertion::Conflict);
    assert_eq!(now(store.insert_tokens(&tokens(grant))), Insertion::Conflict);
    let listed = now(store.list_grants(grant.subject.as_ref().unwrap(), None, Page::first(limit(9))));
    assert_eq!(listed[0].revoked_at, Some(at(5)));
}

#[test]
fn revoking_a_user_or_a_client_spares_the_others() {
    let store = MemoryStore::new();
    let of = |client, subject| {
        let tokens = tokens(&grant_of(client, subject));
        assert_eq!(now(store.insert_tokens(&tokens)), Insertion::Inserted);
        tokens
    };
    let (a, b, c) = (of("app", "ada"), of("tool", "ada"), of("app", "bob"));
    let subject: Subject = "ada".parse().unwrap();
    let client: ClientId = "app".parse().unwrap();
    now(store.revoke_grant(&a.grant.id, at(1)));
    assert_eq!(now(store.revoke_subject(&subject, at(2))), 1);
    assert_eq!((is_found(&store, &b), is_found(&store, &c)), (false, true));
    assert_eq!(now(store.revoke_subject(&subject, at(3))), 0);

    let later = of("app", "ada");
    assert!(is_found(&store, &later));
    assert_eq!(now(store.revoke_client(&client, at(4))), 2);
    assert_eq!(now(store.revoke_client(&client, at(5))), 0);
    assert!(!is_found(&store, &c) && !is_found(&store, &later));
}

#[test]
fn pages_skip_and_repeat_nothing_while_others_come_and_go() {
    let store = MemoryStore::new();
    let mut ids: Vec<_> = (0..20).map(|_| grant_of("app", "ada")).collect();
    ids.sort_by_key(|grant| grant.id);
    let (there, later): (Vec<_>, Vec<_>) = ids.iter().enumerate().partition(|(n, _)| n % 2 == 0);
    for (_, grant) in &there {
        assert_eq!(now(store.insert_grant(grant, at(60))), Insertion::Inserted);
    }
    assert_eq!(now(store.insert_grant(&grant_of("app", "bob"), at(60))), Insertion::Inserted);

    let mut seen = list(&store, "ada", Page::first(limit(4)));
    for (_, grant) in &later {
        assert_eq!(now(store.insert_tokens(&tokens(grant))), Insertion::Inserted);
    }
    let last = *seen.last().unwrap();
    assert_eq!(now(store.purge_tokens(at(61), limit(100))), 11);
    assert_eq!(list(&store, "ada", Page::first(limit(100))).len(), 10);
    loop {
        let page = list(&store, "ada", Page::after(*seen.last().unwrap(), limit(3)));
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    let expected = later.iter().map(|(_, grant)| grant.id).filter(|id| *id > last);
    assert_eq!(seen[4..], expected.collect::<Vec<_>>());
}

#[test]
fn grants_of_one_client_are_listed_alone() {
    let store = MemoryStore::new();
    for client in ["app", "tool", "app", "tool", "tool"] {
        assert_eq!(now(store.insert_grant(&grant_of(client, "ada"), at(60))), Insertion::Inserted);
    }
    let count = |client: &str, first| {
        let client: ClientId = client.parse().unwrap();
        now(store.list_grants(&"ada".parse().unwrap(), Some(&client), Page::first(limit(first)))).len()
    };
    assert_eq!((count("app", 9), count("tool", 9), count("tool", 2), count("none", 9)), (2, 3, 2, 0));
}

#[test]
fn the_latest_use_is_kept() {
    let store = MemoryStore::new();
    let grant = grant();
    assert_eq!(now(store.insert_grant(&grant, at(60))), Insertion::Inserted);
    for millis in [5, 9, 7] {
        now(store.touch_grant(&grant.id, at(millis)));
    }
    now(store.touch_grant(&GrantId::random(), at(9)));
    let listed = now(store.list_grants(grant.subject.as_ref().unwrap(), None, Page::first(limit(1))));
    assert_eq!(listed[0].last_used_at, Some(at(9)));
}

#[test]
fn debug_tells_how_much_and_nothing_of_what() {
    let store = MemoryStore::with_limits(MemoryLimits::new().with_clients(1));
    assert_eq!(now(store.insert_tokens(&tokens(&grant()))), Insertion::Inserted);
    let text = format!("{store:?}");
    assert!(text.contains("grants: 1, tokens: 2") && !text.contains("ada"), "{text}");
}
