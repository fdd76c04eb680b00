//! What concurrent steps on one grant answered, and whether any order of them explains it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::executor::{Arena, Random};
use super::fixtures::{self, from_now};
use super::model::GrantModel;
use crate::clock::Timestamp;
use crate::grant::{CodeRecord, IssuedTokens, Retirement};
use crate::secret::TokenKey;
use crate::store::{GrantStore, Insertion, Redemption, Reuse, Rotation};

/// How many histories are made.
const HISTORIES: u64 = 1_000;
/// How many steps run at once, and how many each caller takes one after the other.
const CALLERS: usize = 4;
const STEPS_EACH: usize = 2;

/// One step on the grant of a history.
#[derive(Clone, Debug)]
enum Step {
    Redeem(Timestamp),
    Exchange(IssuedTokens),
    InsertTokens(IssuedTokens),
    Rotate(TokenKey, Retirement, IssuedTokens),
    Reuse(TokenKey, IssuedTokens),
    FindAccess(TokenKey),
    FindRefresh(TokenKey),
    FindCode,
    Revoke(Timestamp),
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Redemption(Redemption),
    Insertion(Insertion),
    Rotation(Rotation),
    Reuse(Reuse),
    Found(bool),
    Done,
}

/// A step that was taken: between `began` and `ended` on a clock that all callers share.
#[derive(Clone, Debug)]
struct Taken {
    step: Step,
    answer: Answer,
    began: u64,
    ended: u64,
}

/// Makes histories, and looks for an order in each that explains it (Wing and Gong).
pub(super) async fn concurrent_steps_are_linearizable(store: &dyn GrantStore) {
    let key = fixtures::key(&fixtures::grant());
    let arena = Arena::of(|| store.find_access_token(&key)).await;
    for seed in 0..HISTORIES {
        let code = fixtures::code(&fixtures::grant());
        let first = fixtures::issued(&code.grant);
        assert_eq!(store.insert_code(&code).await.unwrap(), Insertion::Inserted);
        assert_eq!(store.insert_tokens(&first).await.unwrap(), Insertion::Inserted);
        let mut model = None;
        let _ = GrantModel::insert(&mut model, &code.grant, Some(code.expires_at), Some(&code));
        let _ = GrantModel::insert_tokens(&mut model, &first);
        let model = model.expect("the grant was stored");

        let mut random = Random::new(seed);
        let plan: Vec<Vec<Step>> =
            (0..CALLERS).map(|_| (0..STEPS_EACH).map(|_| any(&mut random, &code, &first)).collect()).collect();
        let clock = AtomicU64::new(0);
        let tick = || clock.fetch_add(1, Ordering::SeqCst);
        let call = async |n: usize| {
            let mut taken = Vec::new();
            for step in &plan[n] {
                let began = tick();
                let answer = take(store, &code, step).await;
                taken.push(Taken { step: step.clone(), answer, began, ended: tick() });
            }
            taken
        };
        let history: Vec<_> = arena.race(CALLERS, seed, call).await.into_iter().flatten().collect();
        let mut left: Vec<_> = history.iter().collect();
        assert!(is_explained(&model, &code, &mut left), "no order of these explains them: {history:#?}");
    }
}

/// Whether some order of the steps that are left, in which none comes before one that ended before it began, has the model
/// answer what the store did.
fn is_explained(model: &GrantModel, code: &CodeRecord, left: &mut Vec<&Taken>) -> bool {
    let Some(first_end) = left.iter().map(|taken| taken.ended).min() else { return true };
    for n in 0..left.len() {
        if left[n].began > first_end {
            continue;
        }
        let taken = left.remove(n);
        let mut next = model.clone();
        let explained = expect(&mut next, code, &taken.step) == taken.answer && is_explained(&next, code, left);
        left.insert(n, taken);
        if explained {
            return true;
        }
    }
    false
}

fn any(random: &mut Random, code: &CodeRecord, first: &IssuedTokens) -> Step {
    let key = fixtures::refresh_key(first);
    let tokens = fixtures::issued(&code.grant);
    match random.below(20) {
        0 => Step::Redeem(from_now(1)),
        1..=3 => Step::Exchange(tokens),
        4 => Step::InsertTokens(tokens),
        5..=9 => Step::Rotate(key, fixtures::retirement(&tokens), tokens),
        10 => Step::Reuse(key, tokens),
        11..=12 => Step::FindAccess(first.access.key),
        13..=14 => Step::FindRefresh(key),
        15..=16 => Step::FindCode,
        _ => Step::Revoke(from_now(0)),
    }
}

async fn take(store: &dyn GrantStore, code: &CodeRecord, step: &Step) -> Answer {
    match step {
        Step::Redeem(at) => Answer::Redemption(store.redeem_code(&code.key, *at, Some(*at)).await.unwrap()),
        Step::Exchange(tokens) => Answer::Redemption(store.exchange_code(&code.key, tokens).await.unwrap()),
        Step::InsertTokens(tokens) => Answer::Insertion(store.insert_tokens(tokens).await.unwrap()),
        Step::Rotate(key, how, tokens) => Answer::Rotation(store.rotate_refresh_token(key, how, tokens).await.unwrap()),
        Step::Reuse(key, tokens) => Answer::Reuse(store.reuse_refresh_token(key, None, &tokens.access).await.unwrap()),
        Step::FindAccess(key) => Answer::Found(store.find_access_token(key).await.unwrap().is_some()),
        Step::FindRefresh(key) => Answer::Found(store.find_refresh_token(key).await.unwrap().is_some()),
        Step::FindCode => Answer::Found(store.find_code(&code.key).await.unwrap().is_some()),
        Step::Revoke(at) => {
            store.revoke_grant(&code.grant.id, *at).await.unwrap();
            Answer::Done
        }
    }
}

fn expect(model: &mut GrantModel, code: &CodeRecord, step: &Step) -> Answer {
    let fresh = "the keys are fresh";
    match step {
        Step::Redeem(at) => Answer::Redemption(model.redeem(code.key.hash, *at, Some(*at))),
        Step::Exchange(tokens) => Answer::Redemption(model.exchange(code.key.hash, tokens).expect(fresh)),
        Step::InsertTokens(tokens) => {
            let mut stored = Some(model.clone());
            let insertion = GrantModel::insert_tokens(&mut stored, tokens);
            *model = stored.expect("the grant stays");
            Answer::Insertion(insertion)
        }
        Step::Rotate(key, how, tokens) => Answer::Rotation(model.rotate(key.hash, how, tokens).expect(fresh)),
        Step::Reuse(key, tokens) => Answer::Reuse(model.reuse(key.hash, None, &tokens.access).expect(fresh)),
        Step::FindAccess(key) => Answer::Found(model.find_access_token(key.hash).is_some()),
        Step::FindRefresh(key) => Answer::Found(model.find_refresh_token(key.hash).is_some()),
        Step::FindCode => Answer::Found(model.find_code(code.key.hash).is_some()),
        Step::Revoke(at) => {
            model.revoke(*at);
            Answer::Done
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(answers: [Redemption; 2], overlapping: bool) -> bool {
        let code = fixtures::code(&fixtures::grant());
        let mut model = None;
        let _ = GrantModel::insert(&mut model, &code.grant, None, Some(&code));
        let taken = |n: u64, answer| Taken {
            step: Step::Redeem(from_now(0)),
            answer: Answer::Redemption(answer),
            began: if overlapping { n } else { 10 * n },
            ended: if overlapping { 10 + n } else { 10 * n + 1 },
        };
        let [one, other] = answers;
        let (one, other) = (taken(0, one), taken(1, other));
        is_explained(&model.unwrap(), &code, &mut vec![&one, &other])
    }

    #[test]
    fn two_winners_are_not_explained() {
        assert!(!history([Redemption::First, Redemption::First], true));
        assert!(!history([Redemption::Replayed, Redemption::Replayed], true));
    }

    #[test]
    fn a_loser_before_the_winner_is_explained_only_if_they_overlap() {
        assert!(history([Redemption::Replayed, Redemption::First], true));
        assert!(!history([Redemption::Replayed, Redemption::First], false));
        assert!(history([Redemption::First, Redemption::Replayed], false));
    }
}
