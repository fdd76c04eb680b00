//! How the suite runs futures, with no runtime of its own choice.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Handle;

/// Runs a future, or what can be awaited, to its end on this thread: for stores that need no runtime.
#[track_caller]
pub fn block_on<T>(future: impl IntoFuture<Output = T>) -> T {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future.into_future());
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Is pending once, and ready right after: a place where others get their turns, and where a future can be dropped.
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

/// Polls a future at most so many times and drops it then, as a closed connection does: `None`, unless it was done
/// before.
///
/// With 0, 1, 2, … in turn it is dropped at every await.
pub async fn drop_after<T>(polls: usize, future: impl IntoFuture<Output = T>) -> Option<T> {
    let mut future = pin!(future.into_future());
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

/// How futures are made to compete.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arena {
    /// On one task, polled in random order: what they wait for happens elsewhere, at the same time.
    Task,
    /// On threads: they never wait, so that they compete for locks and nothing else.
    Threads,
}

impl Arena {
    /// Looks at futures of the kind that is to compete: at several, for one that waits for another thread may find that
    /// it need not wait.
    pub(super) async fn of<T, F: Future<Output = T>>(probe: impl Fn() -> F) -> Self {
        for _ in 0..32 {
            let mut probe = pin!(probe());
            let at_once = poll_fn(|context| Poll::Ready(probe.as_mut().poll(context).is_ready())).await;
            if !at_once {
                probe.await;
                return Self::Task;
            }
        }
        Self::Threads
    }

    /// Runs so many contenders at once; `seed` decides the order in which they get their turns.
    pub(super) async fn race<T, F>(self, contenders: usize, seed: u64, contend: impl Fn(usize) -> F + Sync) -> Vec<T>
    where
        T: Send,
        F: Future<Output = T> + Send,
    {
        match self {
            Self::Task => interleave((0..contenders).map(contend), seed).await,
            Self::Threads => on_threads(contenders, &contend),
        }
    }
}

fn on_threads<T, F>(contenders: usize, contend: &(impl Fn(usize) -> F + Sync)) -> Vec<T>
where
    T: Send,
    F: Future<Output = T> + Send,
{
    let start = Barrier::new(contenders);
    let runtime = Handle::try_current().ok();
    thread::scope(|scope| {
        let run = |n| {
            let (start, runtime) = (&start, &runtime);
            scope.spawn(move || {
                // What never waits may still set a timer.
                let _entered = runtime.as_ref().map(Handle::enter);
                start.wait();
                block_on(contend(n))
            })
        };
        let threads: Vec<_> = (0..contenders).map(run).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

async fn interleave<T>(futures: impl Iterator<Item = impl Future<Output = T>>, seed: u64) -> Vec<T> {
    enum Contender<F, T> {
        Running(Pin<Box<F>>),
        Done(T),
    }

    let mut contenders: Vec<_> = futures.map(|future| Contender::Running(Box::pin(future))).collect();
    let mut random = Random::new(seed);
    poll_fn(|context| {
        let mut waiting = false;
        for n in random.order(contenders.len()) {
            if let Contender::Running(future) = &mut contenders[n] {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => contenders[n] = Contender::Done(output),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    let output = |contender| match contender {
        Contender::Done(output) => Some(output),
        Contender::Running(_) => None,
    };
    contenders.into_iter().filter_map(output).collect()
}

/// Repeatable randomness (SplitMix64), for what is to happen again with the same seed.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub(super) const fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn order(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<_> = (0..length).collect();
        for n in (1..length).rev() {
            order.swap(n, self.below(n + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_on_a_task_take_turns_in_another_order_for_another_seed() {
        let run = |seed| {
            let order = std::sync::Mutex::new(Vec::new());
            let contend = |n| {
                let order = &order;
                async move {
                    yield_once().await;
                    order.lock().unwrap().push(n);
                    n
                }
            };
            assert_eq!(block_on(Arena::Task.race(8, seed, contend)), (0..8).collect::<Vec<_>>());
            order.into_inner().unwrap()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn a_future_that_never_waits_is_raced_on_threads() {
        assert!(matches!(block_on(Arena::of(|| async {})), Arena::Threads));
        assert!(matches!(block_on(Arena::of(yield_once)), Arena::Task));
        let threads = block_on(Arena::Threads.race(4, 0, |_| async { thread::current().id() }));
        assert_eq!(threads.iter().collect::<std::collections::HashSet<_>>().len(), 4);
    }

    #[test]
    fn a_future_that_waits_now_and_then_is_raced_on_the_task() {
        let made = std::cell::Cell::new(0);
        let probe = || {
            made.set(made.get() + 1);
            let waits = made.get() == 3;
            async move {
                if waits {
                    yield_once().await;
                }
            }
        };
        assert!(matches!(block_on(Arena::of(probe)), Arena::Task));
    }

    #[test]
    fn a_dropped_future_got_so_many_polls() {
        let polled = std::cell::Cell::new(0);
        let future = poll_fn(|context| {
            polled.set(polled.get() + 1);
            context.waker().wake_by_ref();
            if polled.get() == 3 { Poll::Ready(()) } else { Poll::Pending }
        });
        assert_eq!((block_on(drop_after(2, future)), polled.get()), (None, 2));
        assert_eq!(block_on(drop_after(1, async { 7 })), Some(7));
    }
}
