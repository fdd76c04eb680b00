//! How a statement is run: within bounded time, again if it lost a race, and whole whenever its future is dropped.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Connection as _, Postgres, SqlStr};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::failure::{is_key_taken, is_read_only, lost_race, store_error};
use super::parameters::Parameters;
use super::{PostgresStore, Proxy};
use crate::error::StoreError;
use crate::secret::random;
use crate::store::Insertion;

/// How often a statement is sent again that the database rolled back in favour of others.
const RETRIES: u32 = 10;

/// The longest pause before the first of them; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

impl PostgresStore {
    /// Runs a statement that answers in rows.
    pub(super) async fn rows(&self, sql: &SqlStr, parameters: Parameters) -> Result<Vec<PgRow>, StoreError> {
        self.run(sql, parameters).await.map_err(store_error)
    }

    /// Runs a statement that answers in one row or none.
    pub(super) async fn row(&self, sql: &SqlStr, parameters: Parameters) -> Result<Option<PgRow>, StoreError> {
        Ok(self.rows(sql, parameters).await?.pop())
    }

    /// Runs a statement that always answers in one row.
    pub(super) async fn only_row(&self, sql: &SqlStr, parameters: Parameters) -> Result<PgRow, StoreError> {
        self.row(sql, parameters).await?.ok_or_else(|| store_error(sqlx::Error::RowNotFound))
    }

    /// Runs a statement that answers in a row for what it inserted. A key that is taken has the whole of it undone.
    pub(super) async fn insertion(&self, sql: &SqlStr, parameters: Parameters) -> Result<Insertion, StoreError> {
        match self.run(sql, parameters).await {
            Ok(rows) => Ok(if rows.is_empty() { Insertion::Conflict } else { Insertion::Inserted }),
            Err(error) if is_key_taken(&error) => Ok(Insertion::Conflict),
            Err(error) => Err(store_error(error)),
        }
    }

    async fn run(&self, sql: &SqlStr, parameters: Parameters) -> Result<Vec<PgRow>, sqlx::Error> {
        let arguments = parameters.into_arguments().map_err(sqlx::Error::Encode)?;
        match timeout(self.patience, self.run_until_settled(sql, arguments)).await {
            Ok(result) => result,
            Err(elapsed) => Err(sqlx::Error::Io(elapsed.into())),
        }
    }

    async fn run_until_settled(&self, sql: &SqlStr, arguments: PgArguments) -> Result<Vec<PgRow>, sqlx::Error> {
        let mut longest = FIRST_PAUSE;
        for _ in 0..RETRIES {
            match self.run_once(sql, arguments.clone()).await {
                Err(error) if lost_race(&error) => {
                    sleep(part_of(longest)).await;
                    longest *= 2;
                }
                result => return result,
            }
        }
        self.run_once(sql, arguments).await
    }

    async fn run_once(&self, sql: &SqlStr, arguments: PgArguments) -> Result<Vec<PgRow>, sqlx::Error> {
        let query = sqlx::query_with(sql.clone(), arguments);
        let mut lent = Lent { connection: Some(self.pool.acquire().await?), patience: self.patience };
        let Some(connection) = &mut lent.connection else { return Err(sqlx::Error::PoolClosed) };
        let result = match self.proxy {
            Proxy::KeepsStatements => query.fetch_all(&mut **connection).await,
            Proxy::SharesConnections => {
                let mut transaction = connection.begin().await?;
                match query.persistent(false).fetch_all(&mut *transaction).await {
                    Ok(rows) => transaction.commit().await.map(|()| rows),
                    Err(error) => Err(error),
                }
            }
        };
        if let Err(error) = &result
            && is_read_only(error)
        {
            // A new connection may well find the new primary.
            lent.forget();
        }
        result
    }
}

/// A connection that goes back to the pool once it is known to be idle, if that is soon.
///
/// A pool waits for the end of an abandoned statement too, and for the answer to a test after any other, but for ever: a network
/// that swallows packets would take connection after connection from the host's pool.
struct Lent {
    connection: Option<PoolConnection<Postgres>>,
    patience: Duration,
}

impl Lent {
    /// Closes the connection, and lets the pool open another.
    fn forget(mut self) {
        drop(self.connection.take().map(PoolConnection::detach));
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => {
                // What the connection itself does when it is dropped; out of time, it is closed.
                runtime.spawn(timeout(self.patience, connection.return_to_pool()));
            }
            Err(_) => drop(connection.detach()),
        }
    }
}

/// A random part of the time, so that those who met once do not meet again.
fn part_of(longest: Duration) -> Duration {
    let [byte] = random();
    longest.mul_f64(f64::from(byte) / 255.0)
}
