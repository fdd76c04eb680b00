//! A store that counts.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use grantor::error::StoreError;
use grantor::testkit::{Interceptor, yield_once};

/// Counts calls, and how many of them have to wait for each other.
#[derive(Debug, Default)]
pub struct Counting(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    calls: Vec<&'static str>,
    running: usize,
    trips: usize,
}

#[async_trait]
impl Interceptor for Counting {
    type Call = ();

    async fn before(&self, method: &'static str) -> Result<(), StoreError> {
        {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            counts.calls.push(method);
            // Calls that overlap are one trip: their answers are waited for together.
            counts.trips += usize::from(counts.running == 0);
            counts.running += 1;
        }
        yield_once().await;
        Ok(())
    }

    async fn after(&self, (): ()) -> Result<(), StoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running -= 1;
        Ok(())
    }
}

impl Counting {
    /// The trips and the calls so far, and forgets them.
    pub fn take(&self) -> (usize, Vec<&'static str>) {
        let counts = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(counts.running, 0);
        (counts.trips, counts.calls)
    }
}
