//! Bringing the tables up to date, by this crate or by the host's own tool.

use sqlx::{AssertSqlSafe, raw_sql};

use super::failure::{Failure, PostgresError, is_made_already, lost_race};
use super::{FILES, PostgresStore};

/// How often it is tried again because somebody else was faster. Each time whatever that one did is there.
const RETRIES: u32 = 16;

impl PostgresStore {
    /// Brings the tables up to date, if they are not; makes the schema too, if one was chosen that is not there. Any number of
    /// processes may do so at once.
    ///
    /// # Errors
    ///
    /// [`PostgresError`] if nothing was changed, or if a newer release of this crate has migrated the database.
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
    pub fn migrations(&self) -> impl Iterator<Item = (i64, String)> {
        (1..).zip(FILES).map(|(number, sql)| (number, self.names.apply(sql)))
    }

    async fn migrate_once(&self) -> Result<(), Failure> {
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
        let exists: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
            .bind(self.names.apply("grantor_migrations"))
            .persistent(false)
            .fetch_one(&mut *transaction)
            .await
            .map_err(Failure::Migrate)?;
        let version: i64 = if exists {
            let sql = self.names.apply("SELECT coalesce(max(version), 0) FROM grantor_migrations");
            sqlx::query_scalar(AssertSqlSafe(sql))
                .persistent(false)
                .fetch_one(&mut *transaction)
                .await
                .map_err(Failure::Migrate)?
        } else {
            0
        };
        let applied = usize::try_from(version).ok().filter(|applied| *applied <= FILES.len());
        let Some(applied) = applied else {
            return Err(Failure::Newer { version });
        };
        for (_, sql) in self.migrations().skip(applied) {
            raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await.map_err(Failure::Migrate)?;
        }
        transaction.commit().await.map_err(Failure::Migrate)
    }
}
