//! What a [`MemoryStore`](super::MemoryStore) holds at most, and how much it holds.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::error::StoreError;

/// What a [`MemoryStore`](super::MemoryStore) holds at most.
///
/// What would pass a limit is refused with a [`StoreError`] that says so, and nothing is stored: clients are told to
/// come back later, and space is made by purging.
///
/// # Defaults
///
/// | | |
/// |---|---|
/// | clients | 10,000 |
/// | grants | 1,000,000 |
/// | grants of one client | 100,000 |
/// | tokens | 4,000,000 |
/// | tokens of one grant | 10,000 |
///
/// A grant with an access and a refresh token takes about one kilobyte. A code is part of its grant, so there are no more codes
/// than grants, of one client and of all.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MemoryLimits {
    clients: usize,
    grants: usize,
    grants_per_client: usize,
    tokens: usize,
    tokens_per_grant: usize,
}

impl MemoryLimits {
    /// The default limits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            clients: 10_000,
            grants: 1_000_000,
            grants_per_client: 100_000,
            tokens: 4_000_000,
            tokens_per_grant: 10_000,
        }
    }

    /// Sets how many clients are held, so that open registration cannot exhaust the memory.
    #[must_use]
    pub const fn with_clients(mut self, limit: usize) -> Self {
        self.clients = limit;
        self
    }

    /// Sets how many grants are held, with or without tokens; a revoked one counts until it is purged.
    #[must_use]
    pub const fn with_grants(mut self, limit: usize) -> Self {
        self.grants = limit;
        self
    }

    /// Sets how many grants of one client are held, so that a client that loops leaves room for the others. Where most
    /// users come through one client, this is the number of its sign-ins at a time.
    #[must_use]
    pub const fn with_grants_per_client(mut self, limit: usize) -> Self {
        self.grants_per_client = limit;
        self
    }

    /// Sets how many access and refresh tokens are held.
    #[must_use]
    pub const fn with_tokens(mut self, limit: usize) -> Self {
        self.tokens = limit;
        self
    }

    /// Sets how many access and refresh tokens of one grant are held; a replaced refresh token counts until it has
    /// expired and is purged.
    #[must_use]
    pub const fn with_tokens_per_grant(mut self, limit: usize) -> Self {
        self.tokens_per_grant = limit;
        self
    }

    pub(super) const fn clients(&self) -> usize {
        self.clients
    }

    pub(super) const fn grants_per_client(&self) -> usize {
        self.grants_per_client
    }
}

impl Default for MemoryLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts what all shards hold together.
#[derive(Debug)]
pub(super) struct Quota {
    limits: MemoryLimits,
    /// How many grants came in all: the serial number of the next one.
    came: Alone<AtomicU64>,
    gone: Alone<AtomicU64>,
    tokens: Alone<AtomicUsize>,
}

/// Has a cache line to itself, so that threads that count one thing do not slow down those that count another.
#[derive(Debug)]
#[repr(align(128))]
struct Alone<T>(T);

impl Quota {
    pub(super) const fn new(limits: MemoryLimits) -> Self {
        Self {
            limits,
            came: Alone(AtomicU64::new(0)),
            gone: Alone(AtomicU64::new(0)),
            tokens: Alone(AtomicUsize::new(0)),
        }
    }

    pub(super) const fn limits(&self) -> &MemoryLimits {
        &self.limits
    }

    pub(super) fn grants(&self) -> u64 {
        self.next_serial().saturating_sub(self.gone.0.load(Ordering::Relaxed))
    }

    pub(super) fn tokens(&self) -> usize {
        self.tokens.0.load(Ordering::Relaxed)
    }

    /// Above the serial number of every grant that was stored before this call.
    pub(super) fn next_serial(&self) -> u64 {
        self.came.0.load(Ordering::Relaxed)
    }

    /// Makes room for a grant, and numbers it.
    ///
    /// The caller holds the lock of its shard. So who reads [`next_serial`](Self::next_serial) and takes that lock then
    /// finds every grant with a lower number.
    pub(super) fn admit_grant(&self) -> Result<u64, StoreError> {
        let serial = self.came.0.fetch_add(1, Ordering::Relaxed);
        let held = serial.saturating_sub(self.gone.0.load(Ordering::Relaxed));
        if usize::try_from(held).is_ok_and(|held| held < self.limits.grants) {
            return Ok(serial);
        }
        self.release_grant();
        Err(full("as many grants as MemoryLimits::with_grants allows"))
    }

    pub(super) fn release_grant(&self) {
        self.gone.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes room for `count` more tokens of a grant that has `held`.
    pub(super) fn admit_tokens(&self, held: usize, count: usize) -> Result<(), StoreError> {
        if held.saturating_add(count) > self.limits.tokens_per_grant {
            return Err(full("as many tokens of this grant as MemoryLimits::with_tokens_per_grant allows"));
        }
        // Adds first and looks then, so that concurrent calls cannot pass the limit together.
        let before = self.tokens.0.fetch_add(count, Ordering::Relaxed);
        if before.saturating_add(count) <= self.limits.tokens {
            return Ok(());
        }
        self.release_tokens(count);
        Err(full("as many tokens as MemoryLimits::with_tokens allows"))
    }

    pub(super) fn release_tokens(&self, count: usize) {
        self.tokens.0.fetch_sub(count, Ordering::Relaxed);
    }
}

/// The error for what does not fit; `what` completes "the memory store holds".
pub(super) fn full(what: &str) -> StoreError {
    StoreError::unavailable(format!("the memory store holds {what}"))
}
