//! Sessions in the shortener's own database, so that a restart signs nobody out.

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use sqlx::SqlitePool;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

/// Keeps sessions in the table `sessions`.
#[derive(Clone, Debug)]
pub struct Sessions(SqlitePool);

impl Sessions {
    /// Uses the table in `pool`'s database.
    pub const fn new(pool: SqlitePool) -> Self {
        Self(pool)
    }

    /// Deletes sessions that nobody can use any more.
    pub async fn purge(&self) -> std::result::Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM sessions WHERE expires_at <= unixepoch()").execute(&self.0).await.map(|_| ())
    }
}

fn key(id: &Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

fn data(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let inserted =
                sqlx::query("INSERT INTO sessions (key, data, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
                    .bind(key(&record.id))
                    .bind(data(record)?)
                    .bind(record.expiry_date.unix_timestamp())
                    .execute(&self.0)
                    .await
                    .map_err(backend)?;
            if inserted.rows_affected() == 1 {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    /// Leaves a session that was ended meanwhile as it is: ended.
    async fn save(&self, record: &Record) -> Result<()> {
        sqlx::query("UPDATE sessions SET data = ?, expires_at = ? WHERE key = ?")
            .bind(data(record)?)
            .bind(record.expiry_date.unix_timestamp())
            .bind(key(&record.id))
            .execute(&self.0)
            .await
            .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let row: Option<(String, i64)> =
            sqlx::query_as("SELECT data, expires_at FROM sessions WHERE key = ? AND expires_at > unixepoch()")
                .bind(key(id))
                .fetch_optional(&self.0)
                .await
                .map_err(backend)?;
        let Some((data, expires_at)) = row else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date =
            time::OffsetDateTime::from_unix_timestamp(expires_at).map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE key = ?").bind(key(id)).execute(&self.0).await.map_err(backend)?;
        Ok(())
    }
}
