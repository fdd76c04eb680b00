//! Which errors of Redis can pass.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::error::StoreError;

pub(super) fn store_error(error: RedisError) -> StoreError {
    if can_pass(&error) { StoreError::unavailable(error) } else { StoreError::failed(error) }
}

/// Whether the same call may succeed later.
fn can_pass(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => true,
        ErrorKind::Server(kind) => match kind {
            ServerErrorKind::BusyLoading
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly => true,
            // An older server wraps what a command in a script failed with; one that is full has no code for it.
            ServerErrorKind::ResponseError => error.detail().is_some_and(|detail| {
                detail.starts_with("max number of clients")
                    || PASSING.iter().any(|code| detail.contains(&format!("-{code} ")))
            }),
            _ => false,
        },
        ErrorKind::Extension => error.code().is_some_and(|code| PASSING.contains(&code)),
        _ => false,
    }
}

/// Out of memory, busy with a script, too few replicas, cannot save, and what is said above.
const PASSING: [&str; 6] = ["OOM", "BUSY", "NOREPLICAS", "MISCONF", "READONLY", "MASTERDOWN"];
