//! A future may be dropped at any await.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Polls the future so often, and drops it while it waits; or returns its output, if it comes to that.
pub async fn interrupted<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            left = left.saturating_sub(1);
            if left == 0 { Poll::Ready(None) } else { Poll::Pending }
        }
    })
    .await
}
