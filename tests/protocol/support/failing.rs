//! A store that fails when it is told to.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use grantor::error::{Retry, StoreError};
use grantor::testkit::{Interceptor, When};

/// What a failing store says of itself: nothing of it may reach a client.
pub const CAUSE: &str = "no route to db-7.internal: SELECT * FROM secrets failed in src/store.rs";

/// A failure to come.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub method: &'static str,
    pub when: When,
    pub retry: Retry,
    /// How many calls of the method go well before.
    pub skip: usize,
}

impl Fault {
    /// Every way in which the first call of one of these methods can fail.
    pub fn each_of(methods: &[&'static str]) -> Vec<Self> {
        let ways = [When::Before, When::After]
            .into_iter()
            .flat_map(|when| [Retry::CanHelp, Retry::CannotHelp].map(|retry| (when, retry)));
        let fault = |method, (when, retry)| Self { method, when, retry, skip: 0 };
        methods.iter().flat_map(|method| ways.clone().map(move |way| fault(*method, way))).collect()
    }
}

/// Fails once for each fault that it is given.
#[derive(Debug, Default)]
pub struct Failing(Mutex<Option<Fault>>);

#[async_trait]
impl Interceptor for Failing {
    type Call = &'static str;

    async fn before(&self, method: &'static str) -> Result<&'static str, StoreError> {
        self.meet(method, When::Before)?;
        Ok(method)
    }

    async fn after(&self, method: &'static str) -> Result<(), StoreError> {
        self.meet(method, When::After)
    }
}

impl Failing {
    /// The next call of this kind fails.
    pub fn arm(&self, fault: Fault) {
        *self.0.lock().unwrap() = Some(fault);
    }

    /// Whether the fault that was set last has happened.
    pub fn has_failed(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }

    fn meet(&self, method: &'static str, when: When) -> Result<(), StoreError> {
        let mut armed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) =
            armed.as_mut().filter(|fault| fault.method == method && fault.when == when && fault.skip > 0)
        {
            fault.skip -= 1;
            return Ok(());
        }
        match armed.take_if(|fault| fault.method == method && fault.when == when) {
            None => Ok(()),
            Some(Fault { retry: Retry::CanHelp, .. }) => Err(StoreError::unavailable(CAUSE)),
            Some(_) => Err(StoreError::failed(CAUSE)),
        }
    }
}
