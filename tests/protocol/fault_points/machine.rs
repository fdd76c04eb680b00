//! A server whose store fails when it is told to.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use grantor::Stores;
use grantor::error::Retry;
use grantor::policy::RefreshPolicy;
use grantor::store::{ClientRegistry, GrantStore};
use grantor::testkit::{Fault, Faults, FaultyStore, When};
use http::StatusCode;

use crate::support::{Answer, Setup, like_web};

/// A server on a store that fails when it is told to.
pub struct Machine<S> {
    pub setup: Setup,
    faulty: FaultyStore<S>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    nth: u64,
    pub when: When,
    fault: Fault,
}

/// What the client saw.
#[derive(Debug)]
pub enum Seen {
    /// An answer as if nothing had happened.
    Right(Answer),
    /// That the server is in trouble.
    Trouble,
    /// Nothing: it gave up.
    Nothing,
}

impl<S: ClientRegistry + GrantStore> Machine<S> {
    pub async fn on(store: Arc<S>) -> Self {
        let faulty = FaultyStore::around(Arc::clone(&store), Arc::new(Faults::default()));
        let stores = Stores::from(Arc::new(faulty.clone()));
        let setup = Setup::build(stores, store.clone(), store, None, |builder| builder).await;
        setup.add(like_web("steady").with_refresh_policy(RefreshPolicy::Reuse)).await;
        Self { setup, faulty }
    }

    /// Runs a round for every fault at every call of what the round tries, and returns at how many calls.
    ///
    /// A round prepares, tries through [`Machine::attempt`], and looks at what came of it.
    pub async fn at_every_fault(&self, mut round: impl AsyncFnMut(Point)) -> u64 {
        let faults =
            [Fault::Fail(Retry::CanHelp), Fault::Fail(Retry::CannotHelp), Fault::Delay { polls: 3 }, Fault::Hang];
        for nth in 0..100 {
            let mut met = 0;
            for when in [When::Before, When::After] {
                for fault in faults {
                    round(Point { nth, when, fault }).await;
                    met += self.faulty.take_injected().len();
                    self.faulty.repair();
                }
            }
            if met == 0 {
                return nth;
            }
            assert_eq!(met, 8, "a fault was not met, or met twice");
        }
        panic!("no end of calls");
    }

    /// Tries something with a fault in its way; `None` if it hangs, and is given up.
    pub async fn try_with<T>(&self, point: Point, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        self.faulty.inject(point.nth, point.when, point.fault);
        let outcome = poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.faulty.hanging() > 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await;
        // What was not met is not to be met by what follows.
        self.faulty.repair();
        outcome
    }

    /// Tries something with a fault in its way. If it failed, the answer says so, and nothing else.
    pub async fn attempt(&self, point: Point, right: StatusCode, future: impl Future<Output = Answer>) -> Seen {
        let Some(answer) = self.try_with(point, future).await else { return Seen::Nothing };
        if answer.status == right && !is_error(&answer) {
            return Seen::Right(answer);
        }
        assert!(matches!(point.fault, Fault::Fail(_)), "{point:?} {answer:?}");
        if answer.status == StatusCode::SEE_OTHER {
            let error =
                if point.fault == Fault::Fail(Retry::CanHelp) { "temporarily_unavailable" } else { "server_error" };
            assert!(answer.header("location").is_some_and(|location| location.contains(error)), "{point:?} {answer:?}");
        } else if point.fault == Fault::Fail(Retry::CanHelp) {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{point:?} {answer:?}");
            assert!(answer.json.is_null() || answer.headers.contains_key("retry-after"), "{point:?} {answer:?}");
        } else {
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{point:?} {answer:?}");
        }
        Seen::Trouble
    }

    /// Whether the access and the refresh token of an answer both work; one without the other is half a state.
    pub async fn work(&self, tokens: &Answer) -> bool {
        let access = self.setup.is_accepted(tokens.text("access_token")).await;
        let refresh = self.setup.introspect("web", tokens.text("refresh_token")).await.json["active"] == true;
        assert_eq!(access, refresh);
        access
    }
}

fn is_error(answer: &Answer) -> bool {
    answer.json.get("error").is_some() || answer.header("location").is_some_and(|location| location.contains("error="))
}
