//! A simple model of the contract, and random steps that a store must take as the model does.

mod grant;
mod step;
mod world;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

pub(super) use grant::GrantModel;
use step::Step;
use world::World;

use crate::store::GrantStore;

/// How many sequences are tried.
const SEQUENCES: u32 = 150;
/// The most steps in a sequence.
const STEPS: usize = 40;

/// Tries random sequences of steps, and shortens the first one that goes wrong before it is shown.
#[expect(clippy::future_not_send, reason = "the generator of the steps is not, and stays on one task")]
pub(super) async fn random_steps_agree(store: &dyn GrantStore) {
    let steps = proptest::collection::vec(step::any(), 1..=STEPS);
    // The same sequences everywhere, so that a failure in one place is one in the other.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    for _ in 0..SEQUENCES {
        let mut tree = steps.new_tree(&mut runner).expect("nothing is filtered out");
        let Err(mut shown) = take(store, &tree.current()).await else { continue };
        let mut simpler = tree.simplify();
        while simpler {
            simpler = match take(store, &tree.current()).await {
                Err(failure) => {
                    shown = failure;
                    tree.simplify()
                }
                Ok(()) => tree.complicate(),
            };
        }
        panic!("{shown}");
    }
}

/// Takes the steps in the store and in the model, on identifiers of their own.
async fn take(store: &dyn GrantStore, steps: &[Step]) -> Result<(), String> {
    let mut world = World::new();
    for (n, step) in steps.iter().enumerate() {
        let expected = world.expect(step);
        let answer = world.take(store, step).await;
        if answer != expected {
            let taken = steps.get(..=n).unwrap_or_default();
            return Err(format!("after {taken:#?}\nthe store answers {answer:#?}\nbut should answer {expected:#?}"));
        }
    }
    for (question, expected) in world.questions() {
        let answer = world.take(store, &question).await;
        if answer != expected {
            return Err(format!(
                "after {steps:#?}\n{question:?} is answered with {answer:#?}\nbut should be with {expected:#?}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;
    use crate::testkit::{FaultyStore, block_on};

    #[test]
    fn steps_that_go_wrong_are_shortened() {
        let store = FaultyStore::new(MemoryStore::new());
        store.fail_each("revoke_grant");
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(random_steps_agree(&store))));
        let shown = *panic.unwrap_err().downcast::<String>().unwrap();
        let steps = shown.matches("RevokeGrant").count();
        assert_eq!(steps, 1, "{shown}");
        assert!(!shown.contains("Rotate"), "{shown}");
    }
}
