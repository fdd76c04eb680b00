//! Clients.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::transaction::begin;
use super::{SqliteStore, store_error};
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::identifier::Subject;
use crate::secret::SecretHash;
use crate::store::sql::{json_text, record};
use crate::store::{ClientRegistry, ClientStore, Deletion, Insertion, Page, Update};

#[async_trait]
impl ClientStore for SqliteStore {
    async fn find_client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let row = sqlx::query("SELECT record FROM grantor_clients WHERE id = ?1")
            .bind(id.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.as_ref().map(client).transpose()
    }
}

#[async_trait]
impl ClientRegistry for SqliteStore {
    async fn insert_client(&self, client: &Client) -> Result<Insertion, StoreError> {
        let sql = "INSERT INTO grantor_clients (id, owner, version, created_at, review_at, record) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                   ON CONFLICT (id) DO NOTHING";
        let inserted = sqlx::query(sql)
            .bind(client.id().as_str())
            .bind(client.owner().map(|owner| owner.as_str()))
            .bind(client.version().cast_signed())
            .bind(client.created_at().unix_millis())
            .bind(client.review_at().map(Timestamp::unix_millis))
            .bind(json_text(client)?)
            .execute(&self.writer)
            .await
            .map_err(store_error)?;
        Ok(if inserted.rows_affected() == 1 { Insertion::Inserted } else { Insertion::Conflict })
    }

    async fn update_client(&self, client: &Client) -> Result<Update, StoreError> {
        let next = client.clone().with_version(client.version().wrapping_add(1));
        let sql = "UPDATE grantor_clients SET owner = ?3, version = ?4, created_at = ?5, review_at = ?6, record = ?7 \
                   WHERE id = ?1 AND version = ?2";
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        let updated = sqlx::query(sql)
            .bind(client.id().as_str())
            .bind(client.version().cast_signed())
            .bind(next.owner().map(|owner| owner.as_str()))
            .bind(next.version().cast_signed())
            .bind(next.created_at().unix_millis())
            .bind(next.review_at().map(Timestamp::unix_millis))
            .bind(json_text(&next)?)
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        if updated.rows_affected() == 1 {
            transaction.commit().await.map_err(store_error)?;
            return Ok(Update::Updated);
        }
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM grantor_clients WHERE id = ?1)")
            .bind(client.id().as_str())
            .fetch_one(&mut *transaction)
            .await
            .map_err(store_error)?;
        Ok(if exists { Update::Conflict } else { Update::Unknown })
    }

    async fn touch_secret(&self, id: &ClientId, secret: &SecretHash, at: Timestamp) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = begin(&mut writer).await.map_err(store_error)?;
        let row = sqlx::query("SELECT record FROM grantor_clients WHERE id = ?1")
            .bind(id.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        let stored = row.as_ref().map(client).transpose()?;
        let Some(touched) = stored.and_then(|stored| stored.touched(secret, at)) else { return Ok(()) };
        sqlx::query("UPDATE grantor_clients SET record = ?2 WHERE id = ?1")
            .bind(id.as_str())
            .bind(json_text(&touched)?)
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)
    }

    async fn delete_client(&self, id: &ClientId) -> Result<Deletion, StoreError> {
        let deleted = sqlx::query("DELETE FROM grantor_clients WHERE id = ?1")
            .bind(id.as_str())
            .execute(&self.writer)
            .await
            .map_err(store_error)?;
        Ok(if deleted.rows_affected() == 1 { Deletion::Deleted } else { Deletion::Unknown })
    }

    async fn list_clients(&self, owner: &Subject, page: Page<ClientId>) -> Result<Vec<Arc<Client>>, StoreError> {
        // Every identifier is behind the empty text.
        let after = page.after.as_ref().map_or("", |id| id.as_str());
        let rows = sqlx::query("SELECT record FROM grantor_clients WHERE owner = ?1 AND id > ?2 ORDER BY id LIMIT ?3")
            .bind(owner.as_str())
            .bind(after)
            .bind(page.limit.get())
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        rows.iter().map(client).collect()
    }

    async fn list_due_clients(&self, before: Timestamp, limit: NonZeroU32) -> Result<Vec<Arc<Client>>, StoreError> {
        let sql = "SELECT record FROM grantor_clients WHERE review_at < ?1 ORDER BY review_at LIMIT ?2";
        let rows = sqlx::query(sql)
            .bind(before.unix_millis())
            .bind(limit.get())
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        rows.iter().map(client).collect()
    }

    async fn count_clients(&self, at_most: NonZeroU32) -> Result<u32, StoreError> {
        sqlx::query_scalar("SELECT count(*) FROM (SELECT 1 FROM grantor_clients LIMIT ?1)")
            .bind(at_most.get())
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)
    }
}

fn client(row: &SqliteRow) -> Result<Arc<Client>, StoreError> {
    record(row).map(Arc::new)
}
