//! A store that never answers at once, and futures that are dropped half-way.

use async_trait::async_trait;
use grantor::clock::Clock as _;
use grantor::error::StoreError;
use grantor::secret::GrantId;
use grantor::testkit::{Interceptor, drop_after, yield_once};

use super::Setup;

/// Waits once before and once after each call: a place between any two steps where a future can be dropped,
/// and where another task runs.
#[derive(Debug, Default)]
pub struct Yielding;

#[async_trait]
impl Interceptor for Yielding {
    type Call = ();

    async fn before(&self, _: &'static str) -> Result<(), StoreError> {
        yield_once().await;
        Ok(())
    }

    async fn after(&self, (): ()) -> Result<(), StoreError> {
        yield_once().await;
        Ok(())
    }
}

/// More polls than any operation needs.
const ENOUGH: usize = 1_000;

/// Runs a round for every point at which its operation can be dropped, and a last one in which it comes to its end.
///
/// A round gets how often it may poll, and returns whether the operation was done. `awaits` is the least number of
/// points that there must be, so that a test notices when it tests nothing.
pub async fn at_every_point(awaits: usize, mut round: impl AsyncFnMut(usize) -> bool) {
    for polls in 0..ENOUGH {
        if round(polls).await {
            assert!(polls > awaits, "done after {polls} polls");
            return;
        }
    }
    panic!("never done");
}

impl Setup {
    /// Polls a future at most so many times and drops it then: `None`, unless it was done before.
    pub async fn drop_after<T>(&self, polls: usize, future: impl Future<Output = T>) -> Option<T> {
        let output = drop_after(polls, future).await;
        // A step that was under way may still end, as if the caller had hung up later; another write waits for it.
        self.grants.touch_grant(&GrantId::random(), self.clock.now()).await.unwrap();
        output
    }
}
