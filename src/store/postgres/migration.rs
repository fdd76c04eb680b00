//! Bringing the tables up to date, by this crate or by the host's own tool.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, raw_sql};

use super::failure::{Failure, PostgresError, is_locked, is_made_already, lost_race};
use super::{FILES, PostgresStore};

/// How often it is tried again because somebody else was faster. Each time whatever that one did is there.
const RETRIES: u32 = 16;

/// How long to wait for somebody else who builds an index, before looking again.
const PAUSE: Duration = Duration::from_millis(100);

/// How a migration begins an index on a table that may have millions of rows by then.
const LATE_INDEX: &str = "CREATE INDEX IF NOT EXISTS ";

impl PostgresStore {
    /// Brings the tables up to date, if they are not; makes the schema too, if one was chosen that is not there. Any number of
    /// processes may do so at once.
    ///
    /// Others may go on reading and writing meanwhile, also where a large table gets an index. If that is broken off, by a
    /// timeout for statements or with the process, the next migration begins it anew.
    ///
    /// # Errors
    ///
    /// [`PostgresError`] if nothing was changed but that, or if a newer release of this crate has migrated the database.
    pub async fn migrate(&self) -> Result<(), PostgresError> {
        for _ in 0..RETRIES {
            match self.migrate_once().await {
                // Whoever is second has waited at the key until the first was done.
                Err(Failure::Migrate(error)) if is_made_already(&error) || lost_race(&error) => {}
                result => return Ok(result?),
            }
        }
        Ok(self.migrate_once().await?)
    }

    /// The migrations in order, each with its number and its SQL with this store's names, for a host that runs them itself: each
    /// of them once, in a transaction. They note in the table of migrations that they ran. A chosen schema must exist.
    ///
    /// Writes wait while an index is built in a transaction. On a large table make those beforehand that a file makes
    /// `IF NOT EXISTS`, with `CONCURRENTLY`.
    pub fn migrations(&self) -> impl Iterator<Item = (i64, String)> {
        (1..).zip(FILES).map(|(number, sql)| (number, self.names.apply(sql)))
    }

    async fn migrate_once(&self) -> Result<(), Failure> {
        self.build_indexes().await?;
        let mut transaction = self.pool.begin().await.map_err(Failure::Migrate)?;
        if let Some(schema) = self.names.schema() {
            let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)")
                .bind(schema)
                .persistent(false)
                .fetch_one(&mut *transaction)
                .await
                .map_err(Failure::Migrate)?;
            // Asked first, because CREATE SCHEMA IF NOT EXISTS needs a privilege even if the schema exists.
            if !exists {
                let sql = AssertSqlSafe(format!("CREATE SCHEMA \"{schema}\""));
                raw_sql(sql).execute(&mut *transaction).await.map_err(Failure::Migrate)?;
            }
        }
        let applied = self.applied(&mut transaction).await?;
        for (_, sql) in self.migrations().skip(applied) {
            raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await.map_err(Failure::Migrate)?;
        }
        transaction.commit().await.map_err(Failure::Migrate)
    }

    /// How many migrations were run.
    async fn applied(&self, connection: &mut PgConnection) -> Result<usize, Failure> {
        if !self.has_table(connection, "grantor_migrations").await? {
            return Ok(0);
        }
        let sql = self.names.apply("SELECT coalesce(max(version), 0) FROM grantor_migrations");
        let version: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_one(connection)
            .await
            .map_err(Failure::Migrate)?;
        let applied = usize::try_from(version).ok().filter(|applied| *applied <= FILES.len());
        applied.ok_or(Failure::Newer { version })
    }

    async fn has_table(&self, connection: &mut PgConnection, name: &str) -> Result<bool, Failure> {
        let exists = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(self.names.apply(name));
        exists.persistent(false).fetch_one(connection).await.map_err(Failure::Migrate)
    }

    /// Makes the indexes that the next migrations would make in their transaction, where writes would wait for them.
    async fn build_indexes(&self) -> Result<(), Failure> {
        let mut connection = self.pool.acquire().await.map_err(Failure::Migrate)?;
        let applied = self.applied(&mut connection).await?;
        if applied == 0 {
            // A table that is there is somebody else's.
            return Ok(());
        }
        for index in FILES.iter().skip(applied).flat_map(|sql| late_indexes(sql)) {
            while self.has_table(&mut connection, index.table).await?
                && self.index_state(&mut connection, &index).await? != IndexState::Ready
            {
                match self.take_turn().await? {
                    Some(turn) => {
                        self.build_index(&mut connection, &index).await?;
                        // It would end by itself, a little later.
                        let _ended = turn.close().await;
                    }
                    None => tokio::time::sleep(PAUSE).await,
                }
            }
        }
        Ok(())
    }

    /// Keeps other processes from building for as long as the connection lives; `None` if another one does so.
    ///
    /// The connection is none of the pool's, which may have no second one. Nobody may wait for it within a statement, for whoever
    /// builds waits for all statements that began before.
    async fn take_turn(&self) -> Result<Option<PgConnection>, Failure> {
        let connection = PgConnection::connect_with(&self.pool.connect_options()).await;
        let mut connection = connection.map_err(Failure::Migrate)?;
        raw_sql("BEGIN").execute(&mut connection).await.map_err(Failure::Migrate)?;
        let taken = lock(&mut connection, &self.names.apply("grantor_migrations")).await;
        Ok((taken == Lock::Taken).then_some(connection))
    }

    /// Takes one step towards the index: makes it, or drops one that nobody will finish.
    async fn build_index(&self, connection: &mut PgConnection, index: &LateIndex<'_>) -> Result<(), Failure> {
        let sql = match self.index_state(connection, index).await? {
            IndexState::Ready => return Ok(()),
            IndexState::Missing => format!("CREATE INDEX CONCURRENTLY IF NOT EXISTS {}", index.definition),
            IndexState::Unfinished => {
                let mut transaction = connection.begin().await.map_err(Failure::Migrate)?;
                let builder = lock(&mut transaction, &self.names.apply(index.table)).await;
                transaction.rollback().await.map_err(Failure::Migrate)?;
                if builder == Lock::Elsewhere {
                    // Somebody builds it by hand.
                    tokio::time::sleep(PAUSE).await;
                    return Ok(());
                }
                format!("DROP INDEX CONCURRENTLY IF EXISTS {}", index.name)
            }
        };
        raw_sql(AssertSqlSafe(self.names.apply(&sql))).execute(connection).await.map_err(Failure::Migrate).map(drop)
    }

    async fn index_state(&self, connection: &mut PgConnection, index: &LateIndex<'_>) -> Result<IndexState, Failure> {
        let sql = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)";
        let is_valid: Option<bool> = sqlx::query_scalar(sql)
            .bind(self.names.apply(index.name))
            .persistent(false)
            .fetch_optional(connection)
            .await
            .map_err(Failure::Migrate)?;
        Ok(match is_valid {
            None => IndexState::Missing,
            Some(true) => IndexState::Ready,
            Some(false) => IndexState::Unfinished,
        })
    }
}

/// Takes, until the transaction ends, the lock that whoever builds an index has on its table, unless somebody has it.
async fn lock(connection: &mut PgConnection, table: &str) -> Lock {
    let sql = format!("LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT");
    match raw_sql(AssertSqlSafe(sql)).execute(connection).await {
        Err(error) if is_locked(&error) => Lock::Elsewhere,
        // A server that knows no such lock knows no one who has it. If there is no server any more, the next call tells.
        Ok(_) | Err(_) => Lock::Taken,
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lock {
    Taken,
    Elsewhere,
}

/// An index that a migration makes on a table that was there before.
#[derive(Debug, PartialEq)]
struct LateIndex<'a> {
    name: &'a str,
    table: &'a str,
    /// All that follows `CREATE INDEX`.
    definition: &'a str,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum IndexState {
    Missing,
    /// Being built, or left behind by whoever did not finish it.
    Unfinished,
    Ready,
}

fn late_indexes(sql: &str) -> impl Iterator<Item = LateIndex<'_>> {
    sql.split(LATE_INDEX).skip(1).filter_map(|rest| {
        let (definition, _) = rest.split_once(';')?;
        let (name, rest) = definition.split_once(" ON ")?;
        let (table, _) = rest.split_once(' ')?;
        Some(LateIndex { name, table, definition })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_of_a_later_migration_is_empty_or_can_be_made_beforehand() {
        for sql in FILES.iter().skip(1) {
            let makes = |statement: &&str| {
                ["\nCREATE INDEX ", "\nCREATE UNIQUE INDEX "].iter().any(|by| statement.contains(by))
            };
            let made: Vec<_> = sql.split(';').filter(makes).collect();
            // Of a column that is new, no row has anything to enter.
            let columns = sql.split(" ADD COLUMN ").skip(1).filter_map(|rest| rest.split(' ').next());
            let empty: Vec<_> = columns.map(|column| format!("WHERE {column} IS NOT NULL")).collect();
            let fresh = made.iter().filter(|statement| empty.iter().any(|empty| statement.ends_with(empty)));
            assert_eq!(late_indexes(sql).count() + fresh.count(), made.len(), "{sql}");
        }
        let expected = LateIndex {
            name: "grantor_grants_tenant",
            table: "grantor_grants",
            definition: "grantor_grants_tenant ON grantor_grants (tenant, id) WHERE tenant IS NOT NULL",
        };
        assert_eq!(FILES.iter().flat_map(|sql| late_indexes(sql)).collect::<Vec<_>>(), [expected]);
    }
}
