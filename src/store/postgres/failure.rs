//! What can go wrong, and whether it passes.

use crate::error::StoreError;

/// The database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PostgresError(#[from] Failure);

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the PostgreSQL database cannot be opened")]
    Open(#[source] sqlx::Error),
    #[error("the PostgreSQL database cannot be migrated")]
    Migrate(#[source] sqlx::Error),
    #[error("the PostgreSQL database was migrated by a newer release, to version {version}")]
    Newer { version: i64 },
}

pub(super) fn store_error(error: sqlx::Error) -> StoreError {
    if can_pass(&error) { StoreError::unavailable(error) } else { StoreError::failed(error) }
}

/// Whether the same statement may succeed later.
fn can_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(_) => {
            lost_race(error)
                || is_read_only(error)
                || code(error).is_some_and(|code| {
                    // The classes: connection exception, insufficient resources, system error.
                    code.starts_with("08")
                        || code.starts_with("53")
                        || code.starts_with("58")
                        // statement_completion_unknown, idle_in_transaction_session_timeout, transaction_timeout,
                        // lock_not_available, query_canceled, admin_shutdown, crash_shutdown, cannot_connect_now,
                        // idle_session_timeout.
                        || matches!(
                            &*code,
                            "40003" | "25P03" | "25P04" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "57P05"
                        )
                })
        }
        _ => false,
    }
}

/// Whether the statement was rolled back in favour of another one, and should simply be sent again.
pub(super) fn lost_race(error: &sqlx::Error) -> bool {
    // serialization_failure, deadlock_detected
    code(error).is_some_and(|code| matches!(&*code, "40001" | "40P01"))
}

/// Whether somebody else has the lock that was not to be waited for.
pub(super) fn is_locked(error: &sqlx::Error) -> bool {
    // lock_not_available
    code(error).is_some_and(|code| code == "55P03")
}

/// Whether the server only reads, as a primary does that has become a standby.
pub(super) fn is_read_only(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "25006")
}

/// Whether a key is stored already.
pub(super) fn is_key_taken(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "23505")
}

/// Whether somebody else has just made what was to be made: a table, a schema, the note of a migration.
pub(super) fn is_made_already(error: &sqlx::Error) -> bool {
    // unique_violation, duplicate_table, duplicate_schema, duplicate_object
    code(error).is_some_and(|code| matches!(&*code, "23505" | "42P07" | "42P06" | "42710"))
}

fn code(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error()?.code()
}
