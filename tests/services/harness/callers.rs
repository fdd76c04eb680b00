//! Programs that call a service again and again, while something happens to it.

use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::watch::{self, Receiver, Sender};
use tokio::task::JoinSet;

/// Callers at work. A call that goes wrong fails the test in which they are waited for.
#[derive(Debug)]
pub struct Callers {
    tasks: JoinSet<()>,
    /// How often each has come around.
    rounds: Vec<Receiver<usize>>,
    stop: Sender<bool>,
}

impl Callers {
    /// Lets `count` callers begin; `call` is one round of the one with this number.
    pub fn start<F>(count: usize, call: impl Fn(usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let call = Arc::new(call);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let mut rounds = Vec::new();
        for number in 0..count {
            let (note, round) = watch::channel(0);
            rounds.push(round);
            let (call, stopped) = (Arc::clone(&call), stopped.clone());
            tasks.spawn(async move {
                while !*stopped.borrow() {
                    call(number).await;
                    note.send_modify(|rounds| *rounds += 1);
                }
            });
        }
        Self { tasks, rounds, stop }
    }

    /// Waits until each has begun and ended `more` rounds from now on.
    pub async fn come_around(&mut self, more: usize) {
        // One may have begun already.
        let targets: Vec<usize> = self.rounds.iter().map(|round| *round.borrow() + more + 1).collect();
        for (round, target) in self.rounds.iter_mut().zip(targets) {
            if round.wait_for(|rounds| *rounds >= target).await.is_err() {
                // Its call went wrong.
                while let Some(ended) = self.tasks.join_next().await {
                    ended.unwrap_or_else(|error| resume_unwind(error.into_panic()));
                }
            }
        }
    }

    /// Lets each end its round, and no more.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap_or_else(|error| resume_unwind(error.into_panic()));
        }
    }
}
