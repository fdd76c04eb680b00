//! A store that fails when it is told to.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::executor::{Random, yield_once};
use super::intercept::{InterceptedStore, Interceptor, methods};
use crate::error::{Retry, StoreError};

/// A store around a store that fails, delays or hangs when it is told to: by a script, or at random from a seed.
///
/// Clones share the script, so a test keeps one and gives another away:
///
/// ```
/// use grantor::error::Retry;
/// use grantor::store::{ClientStore as _, MemoryStore};
/// use grantor::testkit::{Fault, FaultyStore, When, block_on};
///
/// let store = FaultyStore::new(MemoryStore::new());
/// let server_uses = store.clone();
/// // The second call from now does its work, but its answer is lost.
/// store.inject(1, When::After, Fault::Fail(Retry::CanHelp));
/// let id = "mobile".parse()?;
/// assert!(block_on(server_uses.find_client(&id)).is_ok());
/// assert!(block_on(server_uses.find_client(&id)).is_err());
/// assert_eq!(store.take_injected().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What it is for in the tests of a service is told [there](super#an-outage-a-lost-answer-a-slow-store).
pub type FaultyStore<S> = InterceptedStore<S, Faults>;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// It fails, in a way that a retry can help or not.
    Fail(Retry),
    /// It is pending that often before it goes on, for no time of the clock; others get their turns.
    Delay {
        /// How often the future is pending when it is polled.
        polls: u32,
    },
    /// It never goes on: whoever waits for it has to give up.
    Hang,
}

/// When something goes wrong with a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing between")]
pub enum When {
    /// Before it has any effect.
    Before,
    /// With its effect in place, so that only the answer is lost or late.
    After,
}

/// A fault that happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Injected {
    /// The method that was called.
    pub method: &'static str,
    /// When it went wrong.
    pub when: When,
    /// What went wrong.
    pub fault: Fault,
}

/// The script of a [`FaultyStore`].
#[derive(Debug, Default)]
pub struct Faults(Mutex<Script>);

#[derive(Debug, Default)]
struct Script {
    plans: Vec<Plan>,
    chance: Option<Chance>,
    injected: Vec<Injected>,
    calls: u64,
    hanging: u64,
}

/// A fault to come.
#[derive(Debug)]
struct Plan {
    /// Which calls count; all, if it is left out.
    method: Option<&'static str>,
    /// How many of them go well before.
    skip: u64,
    when: When,
    fault: Fault,
    lasts: Lasts,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lasts {
    Once,
    UntilRepaired,
}

/// Faults at random.
#[derive(Debug)]
struct Chance {
    random: Random,
    one_in: NonZeroU32,
}

impl<S> InterceptedStore<S, Faults> {
    /// Nothing goes wrong with `store` until something is injected.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::around(Arc::new(store), Arc::new(Faults::default()))
    }

    /// About one in `one_in` calls of `store` fails or is delayed, before or after its effect, as `seed` decides: the
    /// same calls with the same seed go the same way.
    #[must_use]
    pub fn seeded(store: S, seed: u64, one_in: NonZeroU32) -> Self {
        let faulty = Self::new(store);
        faulty.script().chance = Some(Chance { random: Random::new(seed), one_in });
        faulty
    }

    /// Injects a fault into a call to come, whatever its method: the next one if `nth` is 0.
    pub fn inject(&self, nth: u64, when: When, fault: Fault) {
        self.plan(None, nth, when, fault, Lasts::Once);
    }

    /// Injects a fault into a call of this method, named as in its trait: the next one if `nth` is 0.
    ///
    /// # Panics
    ///
    /// If no contract has a method of this name: nothing would ever go wrong.
    #[track_caller]
    pub fn inject_into(&self, method: &'static str, nth: u64, when: When, fault: Fault) {
        self.plan(Some(method), nth, when, fault, Lasts::Once);
    }

    /// From now on every call fails at once, in a way that a retry can help, as if the store were gone, until
    /// [`repair`](Self::repair).
    pub fn break_down(&self) {
        self.plan(None, 0, When::Before, Fault::Fail(Retry::CanHelp), Lasts::UntilRepaired);
    }

    /// From now on every call of this method, named as in its trait, fails at once, in a way that a retry can help,
    /// until [`repair`](Self::repair).
    ///
    /// # Panics
    ///
    /// If no contract has a method of this name.
    #[track_caller]
    pub fn fail_each(&self, method: &'static str) {
        self.plan(Some(method), 0, When::Before, Fault::Fail(Retry::CanHelp), Lasts::UntilRepaired);
    }

    /// Nothing more goes wrong, whatever was to come.
    pub fn repair(&self) {
        let mut script = self.script();
        script.plans.clear();
        script.chance = None;
    }

    /// What went wrong since the last time this was asked, in order.
    #[must_use]
    pub fn take_injected(&self) -> Vec<Injected> {
        std::mem::take(&mut self.script().injected)
    }

    /// How many calls there were since the store was made, those that went wrong included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.script().calls
    }

    /// How many calls are hanging at this moment: time to give one up.
    #[must_use]
    pub fn hanging(&self) -> u64 {
        self.script().hanging
    }

    #[track_caller]
    fn plan(&self, method: Option<&'static str>, skip: u64, when: When, fault: Fault, lasts: Lasts) {
        if let Some(method) = method {
            let known = methods();
            assert!(known.contains(&method), "{method:?} is no method of a store; these are: {}", known.join(", "));
        }
        self.script().plans.push(Plan { method, skip, when, fault, lasts });
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.interceptor().script()
    }
}

impl Faults {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    /// What is to happen to the call that begins now.
    fn next(&mut self, method: &'static str) -> Option<Injected> {
        self.calls += 1;
        let mut due = None;
        for (n, plan) in self.plans.iter_mut().enumerate() {
            if plan.method.is_some_and(|only| only != method) {
                continue;
            }
            if plan.skip > 0 {
                plan.skip -= 1;
            } else if due.is_none() {
                due = Some(n);
            }
        }
        let (when, fault) = match due.and_then(|n| Some((n, self.plans.get(n)?))) {
            Some((n, &Plan { when, fault, lasts, .. })) => {
                if lasts == Lasts::Once {
                    self.plans.remove(n);
                }
                (when, fault)
            }
            None => self.chance.as_mut()?.next()?,
        };
        let injected = Injected { method, when, fault };
        self.injected.push(injected);
        Some(injected)
    }
}

impl Chance {
    const fn next(&mut self) -> Option<(When, Fault)> {
        if self.random.below(self.one_in.get() as usize) > 0 {
            return None;
        }
        let when = if self.random.below(2) == 0 { When::Before } else { When::After };
        let fault = match self.random.below(3) {
            0 => Fault::Fail(Retry::CanHelp),
            1 => Fault::Fail(Retry::CannotHelp),
            _ => Fault::Delay { polls: 1 + self.random.below(8) as u32 },
        };
        Some((when, fault))
    }
}

impl Injected {
    async fn happen(self, now: When, faults: &Faults) -> Result<(), StoreError> {
        if self.when != now {
            return Ok(());
        }
        match self.fault {
            Fault::Fail(Retry::CannotHelp) => Err(StoreError::failed("a fault was injected")),
            Fault::Fail(_) => Err(StoreError::unavailable("a fault was injected")),
            Fault::Delay { polls } => {
                for _ in 0..polls {
                    yield_once().await;
                }
                Ok(())
            }
            Fault::Hang => {
                let _hanging = Hanging::new(faults);
                std::future::pending().await
            }
        }
    }
}

/// Counts a call that hangs, until it is dropped.
struct Hanging<'a>(&'a Faults);

impl<'a> Hanging<'a> {
    fn new(faults: &'a Faults) -> Self {
        faults.script().hanging += 1;
        Self(faults)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.script().hanging -= 1;
    }
}

#[async_trait]
impl Interceptor for Faults {
    type Call = Option<Injected>;

    async fn before(&self, method: &'static str) -> Result<Self::Call, StoreError> {
        let injected = self.script().next(method);
        if let Some(injected) = injected {
            injected.happen(When::Before, self).await?;
        }
        Ok(injected)
    }

    async fn after(&self, call: Self::Call) -> Result<(), StoreError> {
        match call {
            Some(injected) => injected.happen(When::After, self).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ClientStore as _, MemoryStore};
    use crate::testkit::{block_on, fixtures};

    #[test]
    #[should_panic(expected = "\"redem_code\" is no method of a store")]
    fn a_method_that_no_store_has_is_refused() {
        FaultyStore::new(MemoryStore::new()).fail_each("redem_code");
    }

    #[test]
    fn the_same_seed_lets_the_same_calls_fail() {
        let run = |seed| {
            let store = FaultyStore::seeded(MemoryStore::new(), seed, NonZeroU32::new(3).unwrap());
            let client = fixtures::client_id();
            let outcomes: Vec<_> = (0..50).map(|_| block_on(store.find_client(&client)).is_ok()).collect();
            (outcomes, store.take_injected())
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(run(7).0.contains(&false) && run(7).0.contains(&true));
    }
}
