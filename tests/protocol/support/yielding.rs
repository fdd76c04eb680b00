//! A store that never answers at once, and futures that are dropped half-way.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use async_trait::async_trait;
use grantor::error::StoreError;

use super::intercept::Interceptor;

/// Waits once before and once after each call: a place between any two steps where a future can be dropped,
/// and where another task runs.
#[derive(Debug, Default)]
pub struct Yielding;

#[async_trait]
impl Interceptor for Yielding {
    async fn before(&self, _: &'static str) -> Result<(), StoreError> {
        yield_once().await;
        Ok(())
    }

    async fn after(&self, _: &'static str) -> Result<(), StoreError> {
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

/// Polls a future at most so many times and drops it then: `None`, unless it was done before.
pub async fn poll_at_most<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
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
