//! Callers that make calls one after the other, and how long each call takes.

use std::time::{Duration, Instant};

use crate::operation::{Call, Target};

/// How many calls a task makes before the others get their turn: a call to the memory store never waits.
const TURN: usize = 64;

/// How long calls took, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples {
    times: Vec<u64>,
    /// How long all of it took together.
    elapsed: Duration,
}

impl Samples {
    pub(crate) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.elapsed += other.elapsed;
    }

    pub(crate) fn push(&mut self, time: Duration) {
        self.times.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn took(&mut self, elapsed: Duration) {
        self.elapsed = elapsed;
    }

    pub(crate) fn count(&self) -> usize {
        self.times.len()
    }

    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(crate) fn per_second(&self) -> f64 {
        self.count() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// So many of a hundred calls took no longer than this, in microseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut times = self.times.clone();
        if times.is_empty() {
            return f64::NAN;
        }
        let rank = (times.len() * percent).div_ceil(100).clamp(1, times.len()) - 1;
        let (_, time, _) = times.select_nth_unstable(rank);
        Duration::from_nanos(*time).as_secs_f64() * 1e6
    }

    pub(crate) fn longest(&self) -> f64 {
        Duration::from_nanos(self.times.iter().copied().max().unwrap_or_default()).as_secs_f64() * 1e6
    }
}

/// Calls to be made, one list per caller.
pub(crate) struct Queues(Vec<Vec<Call>>);

impl Queues {
    /// Deals the calls out to so many callers.
    pub(crate) fn new(calls: Vec<Call>, callers: u32) -> Self {
        let mut queues: Vec<Vec<Call>> = (0..callers).map(|_| Vec::new()).collect();
        for (at, call) in calls.into_iter().enumerate() {
            let turn = at % queues.len();
            queues[turn].push(call);
        }
        Self(queues)
    }

    /// The first calls, which open connections and prepare statements; not so many that there are too few left.
    pub(crate) async fn warm_up(&mut self, target: &Target, time: Duration) {
        let share = |queue: &mut Vec<Call>| queue.split_off(queue.len() - queue.len().div_ceil(20));
        let mut first = Self(self.0.iter_mut().map(share).collect());
        let _ = first.drive(target, time).await;
        for (queue, left) in self.0.iter_mut().zip(first.0) {
            queue.extend(left);
        }
    }

    /// Makes calls for so long, or until there are none left; returns those that were made.
    pub(crate) async fn drive(&mut self, target: &Target, time: Duration) -> (Samples, Vec<Call>) {
        let begun = Instant::now();
        let tasks: Vec<_> = self.0.drain(..).map(|queue| tokio::spawn(drive(target.clone(), queue, time))).collect();
        let (mut samples, mut made) = (Samples::default(), Vec::new());
        for task in tasks {
            let (times, ended, done, queue) = task.await.expect("a caller");
            samples.times.extend(times);
            samples.elapsed = samples.elapsed.max(ended - begun);
            made.extend(done);
            self.0.push(queue);
        }
        (samples, made)
    }
}

async fn drive(target: Target, mut queue: Vec<Call>, time: Duration) -> (Vec<u64>, Instant, Vec<Call>, Vec<Call>) {
    let (mut times, mut made) = (Vec::with_capacity(queue.len()), Vec::with_capacity(queue.len()));
    let begun = Instant::now();
    while let Some(call) = queue.pop() {
        let called = Instant::now();
        target.make(&call).await;
        let answered = Instant::now();
        times.push(u64::try_from((answered - called).as_nanos()).unwrap_or(u64::MAX));
        made.push(call);
        if times.len() % TURN == 0 {
            tokio::task::yield_now().await;
        }
        if answered - begun > time {
            break;
        }
    }
    (times, Instant::now(), made, queue)
}
