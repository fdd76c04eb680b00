//! The clauses of [`GrantStore`]: what holds where codes and tokens are kept together.

use std::sync::Arc;

use super::{INTERLEAVINGS, are_found, arena, at_most, contenders, everything};
use crate::grant::{CodeRecord, Grant, IssuedTokens};
use crate::secret::TokenKey;
use crate::store::{GrantStore, GrantSummary, Insertion, Redemption};
use crate::testkit::executor::drop_after;
use crate::testkit::fixtures::{self, from_now};
use crate::testkit::{history, model};

/// A code is stored with its grant, which is listed until the code expires.
///
/// > A `GrantStore` stores the code's grant along, and a grant that is there already conflicts.
pub async fn a_code_is_stored_with_its_grant(store: &dyn GrantStore) {
    let code = stored(store).await;
    let listed = summary(store, &code.grant).await.expect("the grant is listed");
    assert_eq!((&listed.grant, listed.expires_at), (&code.grant, Some(code.expires_at)));
    assert!(store.has_grants(code.grant.client.as_ref().expect("it has a client")).await.unwrap());
    let with_tokens = fixtures::issued(&fixtures::grant());
    assert_eq!(store.insert_tokens(&with_tokens).await.unwrap(), Insertion::Inserted);
    let bare = fixtures::grant();
    assert_eq!(store.insert_grant(&bare, from_now(60)).await.unwrap(), Insertion::Inserted);
    for grant in [&with_tokens.grant, &bare, &code.grant] {
        let second = fixtures::code(grant);
        assert_eq!(store.insert_code(&second).await.unwrap(), Insertion::Conflict);
        assert_eq!(store.find_code(&second.key).await.unwrap(), None);
    }
    assert_eq!(store.insert_grant(&code.grant, from_now(600)).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_code(&code.key).await.unwrap(), Some(code));
}

/// An exchange redeems the code and stores the tokens, and the code is known for as long as they are.
///
/// > Marks the code as redeemed at `tokens.access.issued_at` **and** stores the tokens, together or not at all.
pub async fn an_exchange_redeems_the_code_and_stores_the_tokens(store: &dyn GrantStore) {
    let code = stored(store).await;
    let tokens = fixtures::issued(&code.grant);
    assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
    assert!(are_found(store, &tokens).await);
    let redeemed = CodeRecord { redeemed_at: Some(tokens.access.issued_at), ..code.clone() };
    assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(&redeemed));
    assert_eq!(summary(store, &code.grant).await.expect("it is listed").expires_at, tokens.expires_at());
    let second = fixtures::issued(&code.grant);
    assert_eq!(store.exchange_code(&code.key, &second).await.unwrap(), Redemption::Replayed);
    assert_eq!(redeem(store, &code).await, Redemption::Replayed);
    assert!(!are_found(store, &second).await && are_found(store, &tokens).await);
    // The code has long expired, but what it bought has not.
    while store.purge_codes(from_now(1_800), at_most(100)).await.unwrap() == 100 {}
    while store.purge_tokens(from_now(1_800), at_most(100)).await.unwrap() == 100 {}
    assert_eq!(store.exchange_code(&code.key, &second).await.unwrap(), Redemption::Replayed);
}

/// A code that is not there buys nothing, and one that was redeemed by itself buys nothing either.
///
/// > There is no such code, or its grant is revoked.
pub async fn what_is_no_fresh_code_buys_nothing(store: &dyn GrantStore) {
    let (code, other) = (stored(store).await, stored(store).await);
    let strangers = [
        fixtures::key(&code.grant),
        TokenKey { grant: code.key.grant, hash: other.key.hash },
        fixtures::key(&fixtures::grant()),
    ];
    let tokens = fixtures::issued(&code.grant);
    for key in &strangers {
        assert_eq!(store.exchange_code(key, &tokens).await.unwrap(), Redemption::Unknown);
    }
    assert_eq!(redeem(store, &code).await, Redemption::First);
    assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::Replayed);
    assert!(!are_found(store, &tokens).await);
    assert_eq!(store.find_code(&other.key).await.unwrap(), Some(other));
}

/// A grant of which tokens are left gets no second code, although the first was purged.
///
/// > A grant has one code in its life: a second one conflicts, for as long as anything of the grant is kept.
pub async fn a_grant_that_lives_gets_no_second_code(store: &dyn GrantStore) {
    let code = CodeRecord { expires_at: from_now(-10), ..fixtures::code(&fixtures::grant()) };
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    let tokens = fixtures::issued(&code.grant);
    assert_eq!(store.insert_tokens(&tokens).await.unwrap(), Insertion::Inserted);
    for _ in 0..2 {
        while store.purge_codes(from_now(-1), at_most(100)).await.unwrap() == 100 {}
        while store.purge_tokens(from_now(-1), at_most(100)).await.unwrap() == 100 {}
        let second = fixtures::code(&code.grant);
        assert_eq!(store.insert_code(&second).await.unwrap(), Insertion::Conflict);
        assert_eq!(store.find_code(&second.key).await.unwrap(), None);
        assert!(are_found(store, &tokens).await);
    }
}

/// An exchange for tokens with a key that is stored already is an error, and the code can still be exchanged.
///
/// > A token with a key that is stored already is the caller's mistake: an error, and nothing is changed.
pub async fn an_exchange_with_a_stored_key_changes_nothing(store: &dyn GrantStore) {
    let code = stored(store).await;
    let known = fixtures::issued(&code.grant);
    assert_eq!(store.insert_tokens(&known).await.unwrap(), Insertion::Inserted);
    let before = summary(store, &code.grant).await;
    let fresh = fixtures::issued(&code.grant);
    let bad = [
        IssuedTokens { access: known.access.clone(), ..fresh.clone() },
        IssuedTokens { refresh: known.refresh.clone(), ..fresh.clone() },
    ];
    for tokens in &bad {
        store.exchange_code(&code.key, tokens).await.unwrap_err();
        assert!(!are_found(store, &fresh).await);
        assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(&code));
        assert_eq!(summary(store, &code.grant).await, before);
    }
    assert_eq!(store.exchange_code(&code.key, &fresh).await.unwrap(), Redemption::First);
}

/// Of concurrent exchanges exactly one is the first, and only its tokens are stored.
///
/// > Of any number of concurrent calls exactly one gets `Redemption::First`, and only its tokens are stored.
pub async fn one_of_concurrent_exchanges_wins(store: &dyn GrantStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let code = stored(store).await;
        let rivals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::issued(&code.grant)).collect();
        let exchange = async |n: usize| store.exchange_code(&code.key, &rivals[n]).await.unwrap();
        let outcomes = arena.race(rivals.len(), seed, exchange).await;
        let first = outcomes.iter().filter(|outcome| **outcome == Redemption::First).count();
        let replayed = outcomes.iter().filter(|outcome| **outcome == Redemption::Replayed).count();
        assert_eq!((first, replayed), (1, rivals.len() - 1), "{outcomes:?}");
        for (tokens, outcome) in rivals.iter().zip(&outcomes) {
            assert_eq!(are_found(store, tokens).await, *outcome == Redemption::First);
        }
    }
}

/// Of concurrent exchanges and plain redemptions exactly one is the first.
///
/// > Of any number of concurrent calls exactly one gets `Redemption::First`
pub async fn one_of_concurrent_exchanges_and_redemptions_wins(store: &dyn GrantStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let code = stored(store).await;
        let rivals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::issued(&code.grant)).collect();
        let step = async |n: usize| match n % 2 {
            0 => store.exchange_code(&code.key, &rivals[n]).await.unwrap(),
            _ => redeem(store, &code).await,
        };
        let outcomes = arena.race(rivals.len(), seed, step).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redemption::First).count(), 1, "{outcomes:?}");
        for (n, (tokens, outcome)) in rivals.iter().zip(&outcomes).enumerate() {
            assert_eq!(are_found(store, tokens).await, n % 2 == 0 && *outcome == Redemption::First);
        }
    }
}

/// Whatever order exchanges, redemptions and a revocation come in, at most one wins, and in the end nothing is found.
///
/// > Finds the code with this key, redeemed or not; `None` if its grant is revoked.
pub async fn a_revocation_among_exchanges_leaves_nothing(store: &dyn GrantStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let code = stored(store).await;
        let rivals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::issued(&code.grant)).collect();
        let (subject, client) = (code.grant.subject.as_ref().unwrap(), code.grant.client.as_ref().unwrap());
        let step = async |n: usize| {
            if n > 0 {
                return store.exchange_code(&code.key, &rivals[n - 1]).await.unwrap();
            }
            match seed % 3 {
                0 => store.revoke_grant(&code.grant.id, from_now(0)).await.unwrap(),
                1 => assert_eq!(store.revoke_subject(subject, from_now(0)).await.unwrap(), 1),
                _ => assert_eq!(store.revoke_client(client, from_now(0)).await.unwrap(), 1),
            }
            Redemption::Unknown
        };
        let outcomes = arena.race(rivals.len() + 1, seed, step).await;
        assert!(outcomes.iter().filter(|outcome| **outcome == Redemption::First).count() <= 1, "{outcomes:?}");
        assert_eq!(store.find_code(&code.key).await.unwrap(), None);
        for tokens in &rivals {
            assert!(!are_found(store, tokens).await, "something outlived the revocation");
        }
    }
}

/// A code of a revoked grant is gone, however the grant was revoked.
///
/// > There is no such code, or its grant is revoked.
pub async fn a_code_of_a_revoked_grant_is_gone(store: &dyn GrantStore) {
    for way in 0..4 {
        for redeemed in [true, false] {
            let code = stored(store).await;
            let tokens = fixtures::issued(&code.grant);
            if redeemed {
                assert_eq!(store.exchange_code(&code.key, &tokens).await.unwrap(), Redemption::First);
            }
            let Grant { id, client, subject, tenant, .. } = &*code.grant;
            match way {
                0 => store.revoke_grant(id, from_now(0)).await.unwrap(),
                1 => assert_eq!(store.revoke_subject(subject.as_ref().unwrap(), from_now(0)).await.unwrap(), 1),
                2 => assert_eq!(store.revoke_client(client.as_ref().unwrap(), from_now(0)).await.unwrap(), 1),
                _ => assert_eq!(store.revoke_tenant(tenant.as_ref().unwrap(), from_now(0)).await.unwrap(), 1),
            }
            assert_eq!(store.find_code(&code.key).await.unwrap(), None);
            assert_eq!(redeem(store, &code).await, Redemption::Unknown);
            let late = fixtures::issued(&code.grant);
            assert_eq!(store.exchange_code(&code.key, &late).await.unwrap(), Redemption::Unknown);
            store.count_failure(&code.key).await.unwrap();
            assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Conflict);
            assert_eq!(store.insert_code(&fixtures::code(&code.grant)).await.unwrap(), Insertion::Conflict);
            for tokens in [&tokens, &late] {
                assert!(!are_found(store, tokens).await);
            }
        }
    }
}

/// An exchange that is given up half-way happened or did not; either way the next one is told which.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_exchange_happened_or_did_not(store: &dyn GrantStore) {
    for polls in 0..1_000 {
        let code = stored(store).await;
        let tokens = fixtures::issued(&code.grant);
        let done = drop_after(polls, store.exchange_code(&code.key, &tokens)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let rival = fixtures::issued(&code.grant);
        match store.exchange_code(&code.key, &rival).await.unwrap() {
            Redemption::First => {
                assert!(done.is_none(), "what was acknowledged was lost");
                assert!(are_found(store, &rival).await && !are_found(store, &tokens).await);
            }
            Redemption::Replayed => assert!(are_found(store, &tokens).await && !are_found(store, &rival).await),
            Redemption::Unknown => panic!("the code is gone"),
        }
        if let Some(done) = done {
            assert_eq!(done.unwrap(), Redemption::First);
            return;
        }
    }
    panic!("the exchange never came to its end");
}

/// Random sequences of steps do what a simple model of the contract does. A sequence that does not is shortened before it is shown.
///
/// > **What is stored comes back as it was.**
#[expect(clippy::future_not_send, reason = "the generator of the steps is not, and stays on one task")]
pub async fn random_steps_agree_with_the_model(store: &dyn GrantStore) {
    model::random_steps_agree(store).await;
}

/// Whatever concurrent steps on one grant answered, there is an order of them in which one after the other answers the same.
///
/// > **Every method is one atomic step**
pub async fn concurrent_steps_are_linearizable(store: &dyn GrantStore) {
    history::concurrent_steps_are_linearizable(store).await;
}

async fn stored(store: &dyn GrantStore) -> CodeRecord {
    let code = fixtures::code(&fixtures::grant());
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    code
}

async fn redeem(store: &dyn GrantStore, code: &CodeRecord) -> Redemption {
    store.redeem_code(&code.key, from_now(0), Some(from_now(3_600))).await.unwrap()
}

async fn summary(store: &dyn GrantStore, grant: &Arc<Grant>) -> Option<GrantSummary> {
    let subject = grant.subject.as_ref().expect("a grant with a user");
    let listed = store.list_grants(subject, None, everything()).await.unwrap();
    listed.into_iter().find(|summary| summary.grant.id == grant.id)
}
