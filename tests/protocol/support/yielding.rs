//! A store that never answers at once, and futures that are dropped half-way.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use async_trait::async_trait;
use grantor::clock::Clock as _;
use grantor::error::StoreError;
use grantor::secret::GrantId;
use grantor::testkit::Interceptor;

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

/// Is pending once, and ready right after.
pub async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
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
        let output = poll_at_most(polls, future).await;
        // A step that was under way may still end, as if the caller had hung up later; another write waits for it.
        self.grants.touch_grant(&GrantId::random(), self.clock.now()).await.unwrap();
        output
    }
}

async fn poll_at_most<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
