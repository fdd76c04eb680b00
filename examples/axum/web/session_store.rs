//! Sessions in the shortener's own database, so that a restart signs nobody out.

use async_trait::async_trait;
use grantor::clock::{Clock as _, SystemClock};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use crate::shortener::database::{Database, on_pool};

/// Keeps sessions in the table `sessions`.
#[derive(Clone, Debug)]
pub struct Sessions(Database);

impl Sessions {
    /// Uses the table in `database`.
    pub const fn new(database: Database) -> Self {
        Self(database)
    }

    /// Deletes sessions that nobody can use any more.
    pub async fn purge(&self) -> std::result::Result<(), sqlx::Error> {
        let now = SystemClock.now().unix_seconds();
        on_pool!(&self.0, pool => async {
            sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(pool).await.map(|_| ())
        })
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
            let (key, data, expires_at) = (key(&record.id), data(record)?, record.expiry_date.unix_timestamp());
            let inserted = on_pool!(&self.0, pool => async {
                sqlx::query("INSERT INTO sessions (key, data, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                    .bind(key)
                    .bind(data)
                    .bind(expires_at)
                    .execute(pool)
                    .await
                    .map(|done| done.rows_affected())
            });
            if inserted.map_err(backend)? == 1 {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    /// Leaves a session that was ended meanwhile as it is: ended.
    async fn save(&self, record: &Record) -> Result<()> {
        let (key, data, expires_at) = (key(&record.id), data(record)?, record.expiry_date.unix_timestamp());
        on_pool!(&self.0, pool => async {
            sqlx::query("UPDATE sessions SET data = $1, expires_at = $2 WHERE key = $3")
                .bind(data)
                .bind(expires_at)
                .bind(key)
                .execute(pool)
                .await
                .map(|_| ())
        })
        .map_err(backend)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let now = SystemClock.now().unix_seconds();
        let row: Option<(String, i64)> = on_pool!(&self.0, pool => {
            sqlx::query_as("SELECT data, expires_at FROM sessions WHERE key = $1 AND expires_at > $2")
                .bind(key(id))
                .bind(now)
                .fetch_optional(pool)
        })
        .map_err(backend)?;
        let Some((data, expires_at)) = row else { return Ok(None) };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date =
            OffsetDateTime::from_unix_timestamp(expires_at).map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        on_pool!(&self.0, pool => async {
            sqlx::query("DELETE FROM sessions WHERE key = $1").bind(key(id)).execute(pool).await.map(|_| ())
        })
        .map_err(backend)
    }
}
