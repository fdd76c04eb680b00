//! The clauses of [`CodeStore`].

use super::{INTERLEAVINGS, at_most, contenders, spelled};
use crate::clock::Timestamp;
use crate::grant::CodeRecord;
use crate::secret::TokenKey;
use crate::store::{CodeStore, Insertion, Redemption};
use crate::testkit::executor::{Arena, drop_after};
use crate::testkit::extremes;
use crate::testkit::fixtures::{self, from_now};

/// A code comes back as it was, in every field and at every bound.
///
/// > **What is stored comes back as it was.** Every field of every record, at every value that its type allows.
pub async fn every_field_of_a_code_comes_back(store: &dyn CodeStore) {
    let codes = extremes::codes();
    for code in &codes {
        assert_eq!(store.insert_code(code).await.unwrap(), Insertion::Inserted);
    }
    for code in &codes {
        let found = store.find_code(&code.key).await.unwrap().expect("the code was stored");
        assert_eq!(&found, code);
        assert_eq!(spelled(&found.grant.resource), spelled(&code.grant.resource));
    }
}

/// A key that is not wholly that of a code finds none, and changes none.
///
/// > There is no such code, or its grant is revoked.
pub async fn an_unknown_code_is_absent(store: &dyn CodeStore) {
    let codes = [stored(store).await, stored(store).await];
    let strangers = [
        fixtures::key(&fixtures::grant()),
        fixtures::key(&codes[0].grant),
        TokenKey { grant: codes[0].key.grant, hash: codes[1].key.hash },
        TokenKey { grant: fixtures::grant().id, hash: codes[0].key.hash },
    ];
    for key in &strangers {
        assert_eq!(store.find_code(key).await.unwrap(), None);
        assert_eq!(store.redeem_code(key, from_now(0), Some(from_now(60))).await.unwrap(), Redemption::Unknown);
        store.count_failure(key).await.unwrap();
    }
    for code in &codes {
        assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(code));
    }
}

/// A grant has one code: a second one conflicts, before and after the first is redeemed, and changes nothing.
///
/// > A grant has one code in its life: a second one conflicts, for as long as anything of the grant is kept.
pub async fn a_grant_has_one_code(store: &dyn CodeStore) {
    let first = stored(store).await;
    let second = CodeRecord { redirect_uri: "https://other.example/".into(), ..fixtures::code(&first.grant) };
    assert_eq!(store.insert_code(&second).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.insert_code(&first).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_code(&second.key).await.unwrap(), None);
    assert_eq!(store.find_code(&first.key).await.unwrap().as_ref(), Some(&first));
    assert_eq!(redeem(store, &first).await, Redemption::First);
    assert_eq!(store.insert_code(&second).await.unwrap(), Insertion::Conflict);
    assert_eq!(store.find_code(&second.key).await.unwrap(), None);
}

/// Of concurrent codes for one grant, one is stored.
///
/// > A grant has one code in its life: a second one conflicts
pub async fn one_of_concurrent_codes_for_a_grant_is_stored(store: &dyn CodeStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let grant = fixtures::grant();
        let rivals: Vec<_> = (0..contenders(seed)).map(|_| fixtures::code(&grant)).collect();
        let insert = async |n: usize| store.insert_code(&rivals[n]).await.unwrap();
        let outcomes = arena.race(rivals.len(), seed, insert).await;
        assert_eq!(count(&outcomes, Insertion::Inserted), 1, "{outcomes:?}");
        for (code, outcome) in rivals.iter().zip(&outcomes) {
            let found = store.find_code(&code.key).await.unwrap();
            assert_eq!(found.is_some(), *outcome == Insertion::Inserted);
        }
    }
}

/// A code redeems once, and is known as redeemed from then on.
///
/// > A redeemed code stays known until `keep_until` (`None`: until its grant is revoked), so that a replay is recognised.
pub async fn a_code_redeems_once(store: &dyn CodeStore) {
    for keep_until in [Some(from_now(3_600)), None] {
        let code = stored(store).await;
        let at = from_now(1);
        assert_eq!(store.redeem_code(&code.key, at, keep_until).await.unwrap(), Redemption::First);
        let redeemed = CodeRecord { redeemed_at: Some(at), ..code.clone() };
        assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(&redeemed));
        for later in [from_now(2), from_now(-1)] {
            assert_eq!(store.redeem_code(&code.key, later, None).await.unwrap(), Redemption::Replayed);
        }
        assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(&redeemed));
    }
}

/// Of concurrent redemptions exactly one is the first, and all others are told that they are not.
///
/// > Of any number of concurrent calls exactly one gets `Redemption::First`; a second winner is a security hole, no winner a
/// > lost sign-in.
pub async fn one_of_concurrent_redemptions_wins(store: &dyn CodeStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS {
        let code = stored(store).await;
        let redeem = async |n: usize| {
            let at = from_now(i64::try_from(n).unwrap());
            store.redeem_code(&code.key, at, Some(from_now(3_600))).await.unwrap()
        };
        let outcomes = arena.race(contenders(seed), seed, redeem).await;
        assert_eq!(count(&outcomes, Redemption::First), 1, "{outcomes:?}");
        assert_eq!(count(&outcomes, Redemption::Unknown), 0, "{outcomes:?}");
        assert!(store.find_code(&code.key).await.unwrap().is_some_and(|code| code.redeemed_at.is_some()));
    }
}

/// Failed verifiers are counted one by one, by however many at once, and change nothing else.
///
/// > Counts one more failed verifier on the code; none is lost among concurrent calls.
pub async fn every_failed_verifier_is_counted(store: &dyn CodeStore) {
    let arena = arena(store).await;
    let code = stored(store).await;
    let mut failures = 0;
    for seed in 0..INTERLEAVINGS / 10 {
        let contenders = contenders(seed);
        let fail = async || store.count_failure(&code.key).await.unwrap();
        drop(arena.race(contenders, seed, |_| fail()).await);
        failures += u32::try_from(contenders).unwrap();
        let found = store.find_code(&code.key).await.unwrap();
        assert_eq!(found, Some(CodeRecord { failures, ..code.clone() }));
    }
    assert_eq!(redeem(store, &code).await, Redemption::First);
    let redeemed = store.find_code(&code.key).await.unwrap().expect("a redeemed code is found");
    assert_eq!((redeemed.failures, redeemed.redeemed_at.is_some()), (failures, true));
    store.count_failure(&code.key).await.unwrap();
    let found = store.find_code(&code.key).await.unwrap();
    assert_eq!(found, Some(CodeRecord { failures: failures + 1, ..redeemed }));
}

/// Failures that are counted while a code is redeemed are counted, and it is redeemed.
///
/// > Counts one more failed verifier on the code; none is lost among concurrent calls.
pub async fn failures_and_a_redemption_do_not_undo_each_other(store: &dyn CodeStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let code = stored(store).await;
        let failing = contenders(seed);
        let step = async |n: usize| match n {
            0 => Some(redeem(store, &code).await),
            _ => {
                store.count_failure(&code.key).await.unwrap();
                None
            }
        };
        let outcomes = arena.race(failing + 1, seed, step).await;
        assert_eq!(outcomes[0], Some(Redemption::First));
        let found = store.find_code(&code.key).await.unwrap().expect("the code is found");
        assert_eq!((found.redeemed_at.is_some(), found.failures), (true, u32::try_from(failing).unwrap()));
        assert_eq!(redeem(store, &code).await, Redemption::Replayed);
    }
}

/// A code whose insertion is given up half-way is stored, or its grant is free for another.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_insertion_of_a_code_happened_or_did_not(store: &dyn CodeStore) {
    for polls in 0..1_000 {
        let code = fixtures::code(&fixtures::grant());
        let done = drop_after(polls, store.insert_code(&code)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let rival = fixtures::code(&code.grant);
        let (kept, refused) = match store.insert_code(&rival).await.unwrap() {
            Insertion::Inserted => (&rival, &code),
            Insertion::Conflict => (&code, &rival),
        };
        assert_eq!(store.find_code(&kept.key).await.unwrap().as_ref(), Some(kept));
        assert_eq!(store.find_code(&refused.key).await.unwrap(), None);
        if let Some(done) = done {
            assert_eq!((done.unwrap(), kept.key), (Insertion::Inserted, code.key), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the insertion never came to its end");
}

/// A redemption that is given up half-way happened or did not; either way the next one is told which.
///
/// > Dropping its future at any point leaves the state before or after the step
pub async fn a_dropped_redemption_happened_or_did_not(store: &dyn CodeStore) {
    for polls in 0..1_000 {
        let code = stored(store).await;
        let (at, later, keep_until) = (from_now(1), from_now(2), Some(from_now(3_600)));
        let done = drop_after(polls, store.redeem_code(&code.key, at, keep_until)).await;
        // The step may still be under way; one that contends with it comes before or after it.
        let redeemed_at = match store.redeem_code(&code.key, later, keep_until).await.unwrap() {
            Redemption::First => later,
            Redemption::Replayed => at,
            Redemption::Unknown => panic!("the code is gone"),
        };
        let redeemed = CodeRecord { redeemed_at: Some(redeemed_at), ..code.clone() };
        assert_eq!(store.find_code(&code.key).await.unwrap(), Some(redeemed));
        if let Some(done) = done {
            assert_eq!((done.unwrap(), redeemed_at), (Redemption::First, at), "what was acknowledged was lost");
            return;
        }
    }
    panic!("the redemption never came to its end");
}

/// What has expired is found, redeemed and replayed like anything else: whether that is right, the caller knows.
///
/// > Expiry is judged by the caller; a store gives back what has expired until it is purged.
pub async fn the_expiry_of_a_code_is_not_judged(store: &dyn CodeStore) {
    let code = CodeRecord { expires_at: from_now(-2), ..fixtures::code(&fixtures::grant()) };
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    assert_eq!(store.find_code(&code.key).await.unwrap().as_ref(), Some(&code));
    assert_eq!(store.redeem_code(&code.key, from_now(0), Some(from_now(-1))).await.unwrap(), Redemption::First);
    assert_eq!(redeem(store, &code).await, Redemption::Replayed);
}

/// Purging leaves every code that must be known, fresh or redeemed.
///
/// > Deletes at most `limit` codes that need not be known any more at `before`
pub async fn purging_leaves_every_code_that_must_be_known(store: &dyn CodeStore) {
    let fresh = stored(store).await;
    let kept = stored(store).await;
    let kept_for_good = stored(store).await;
    let keep_until = from_now(3_600);
    assert_eq!(store.redeem_code(&kept.key, from_now(0), Some(keep_until)).await.unwrap(), Redemption::First);
    assert_eq!(store.redeem_code(&kept_for_good.key, from_now(0), None).await.unwrap(), Redemption::First);
    let early = [(fresh.expires_at, 0), (keep_until, 1), (Timestamp::MAX, 2)];
    for (before, gone) in early {
        // Until that very instant nothing is due but what was due before.
        purge_all(store, before).await;
        let known = [&kept_for_good, &kept, &fresh];
        for (n, code) in known.into_iter().enumerate() {
            let may_be_gone = n + gone >= known.len();
            let found = store.find_code(&code.key).await.unwrap();
            assert!(may_be_gone || found.is_some(), "a code was purged too early");
        }
    }
    assert_eq!(redeem(store, &kept_for_good).await, Redemption::Replayed);
}

/// A code that is redeemed in its last moment, beside a purge, is either gone or known as redeemed.
///
/// > A redeemed code stays known until `keep_until` (`None`: until its grant is revoked), so that a replay is recognised.
pub async fn purging_beside_redemptions_takes_nothing_redeemed(store: &dyn CodeStore) {
    let arena = arena(store).await;
    for seed in 0..INTERLEAVINGS / 4 {
        let code = CodeRecord { expires_at: from_now(-10), ..fixtures::code(&fixtures::grant()) };
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        let step = async |n: usize| {
            if n == 0 {
                return redeem(store, &code).await;
            }
            store.purge_codes(from_now(-1), at_most(3)).await.unwrap();
            Redemption::Unknown
        };
        let outcomes = arena.race(3, seed, step).await;
        let known = outcomes[0] == Redemption::First;
        assert_eq!(store.find_code(&code.key).await.unwrap().is_some(), known, "the redemption answered {outcomes:?}");
        let again = if known { Redemption::Replayed } else { Redemption::Unknown };
        assert_eq!(redeem(store, &code).await, again);
    }
}

/// Purging deletes what is due, in batches no larger than allowed, until nothing more is due.
///
/// > Returns how many rows went; fewer than `limit` means that nothing more is due.
pub async fn purging_deletes_codes_in_batches(store: &dyn CodeStore) {
    let live = stored(store).await;
    let mut due = Vec::new();
    for n in 0..7 {
        let code = CodeRecord { expires_at: from_now(-10), ..fixtures::code(&fixtures::grant()) };
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        if n % 2 == 0 {
            let redemption = store.redeem_code(&code.key, from_now(-20), Some(from_now(-5))).await.unwrap();
            assert_eq!(redemption, Redemption::First);
        }
        due.push(code);
    }
    let mut rows = 0;
    loop {
        let gone = store.purge_codes(from_now(-1), at_most(3)).await.unwrap();
        assert!(gone <= 3, "{gone} rows went in a batch of 3");
        rows += gone;
        if gone < 3 {
            break;
        }
        assert!(rows < 100, "{rows} rows of seven codes went, and there are more");
    }
    assert!(rows >= 7, "{rows} rows of seven codes went");
    for code in &due {
        assert_eq!(store.find_code(&code.key).await.unwrap(), None);
        assert_eq!(redeem(store, code).await, Redemption::Unknown);
    }
    assert_eq!(store.purge_codes(from_now(-1), at_most(3)).await.unwrap(), 0);
    assert_eq!(redeem(store, &live).await, Redemption::First);
}

async fn stored(store: &dyn CodeStore) -> CodeRecord {
    let code = fixtures::code(&fixtures::grant());
    assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
    code
}

async fn redeem(store: &dyn CodeStore, code: &CodeRecord) -> Redemption {
    store.redeem_code(&code.key, from_now(0), Some(from_now(3_600))).await.unwrap()
}

async fn purge_all(store: &dyn CodeStore, before: Timestamp) {
    while store.purge_codes(before, at_most(100)).await.unwrap() == 100 {}
}

async fn arena(store: &dyn CodeStore) -> Arena {
    let key = fixtures::key(&fixtures::grant());
    Arena::of(|| store.find_code(&key)).await
}

fn count<T: PartialEq>(outcomes: &[T], outcome: T) -> usize {
    outcomes.iter().filter(|one| **one == outcome).count()
}
