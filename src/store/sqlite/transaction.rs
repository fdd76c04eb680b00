//! How a transaction begins, on a connection that may have lost the last one.

use sqlx::sqlite::SqliteTransactionManager;
use sqlx::{AssertSqlSafe, Connection as _, Sqlite, SqliteConnection, Transaction, raw_sql};
use sqlx_core::transaction::TransactionManager as _;

/// Begins a transaction that holds the write lock from the start, since one that upgrades a read lock can fail for good.
///
/// Dropping it, with the future that holds it, rolls back before the connection is used again.
pub(super) async fn begin(connection: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, sqlx::Error> {
    // The pool hands a connection over only after the rollback of its last transaction was tried.
    if connection.is_in_transaction() {
        recover(connection).await?;
    }
    connection.begin_with("BEGIN IMMEDIATE").await
}

/// Brings sqlx's count of transactions back to none.
///
/// When the disk is full or fails, SQLite rolls back by itself, and the ROLLBACK that sqlx sends then fails for want of a
/// transaction. sqlx counts down only if it succeeds, so the connection would be refused every transaction from then on.
/// Another connection in its place would do for a file, but a database in memory would be gone. So SQLite is put into the
/// transaction that sqlx believes in, with nothing in it, and the two leave it together.
async fn recover(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let depth = SqliteTransactionManager::get_transaction_depth(connection);
    // The inner ones are a host's, whose only connection this is. The names are sqlx's.
    let savepoints = (1..depth).map(|level| format!("; SAVEPOINT _sqlx_savepoint_{level}"));
    let sql = std::iter::once("BEGIN".to_owned()).chain(savepoints).collect::<String>();
    let entered = Entered { connection: &mut *connection, depth };
    // If there is a transaction after all, this fails and changes nothing. Whether it helped is asked below.
    let _ = raw_sql(AssertSqlSafe(sql)).execute(&mut *entered.connection).await;
    drop(entered);
    // Waits for the rollbacks.
    connection.ping().await?;
    if connection.is_in_transaction() { Err(sqlx::Error::InvalidSavePointStatement) } else { Ok(()) }
}

/// Rolls back when dropped, with the future that holds it too: what is written later must not end up in a transaction that
/// nobody commits.
struct Entered<'a> {
    connection: &'a mut SqliteConnection,
    depth: usize,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        for _ in 0..self.depth {
            SqliteTransactionManager::start_rollback(self.connection);
        }
    }
}
