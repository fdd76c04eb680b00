//! Clients.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::SqlStr;
use sqlx::postgres::PgRow;

use super::parameters::Parameters;
use super::{PostgresStore, Write};
use crate::client::{Client, ClientId};
use crate::clock::Timestamp;
use crate::error::StoreError;
use crate::identifier::Subject;
use crate::secret::SecretHash;
use crate::store::sql::{Columns as _, count, json_text, record};
use crate::store::{ClientRegistry, ClientStore, Deletion, Insertion, Page, Update};

/// How often a use of a secret is noted again because the client was changed meanwhile.
const RETRIES: u32 = 16;

pub(super) struct Statements {
    find: SqlStr,
    insert: SqlStr,
    update: SqlStr,
    touch: SqlStr,
    delete: SqlStr,
    list: SqlStr,
    list_due: SqlStr,
    count: SqlStr,
}

impl Statements {
    pub(super) fn new(write: &Write<'_>) -> Self {
        Self {
            find: write("SELECT record FROM grantor_clients WHERE id = $1"),
            insert: write(
                "INSERT INTO grantor_clients (id, owner, version, created_at, review_at, record) \
                 VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (id) DO NOTHING RETURNING true AS inserted",
            ),
            update: write(
                "WITH updated AS ( \
                     UPDATE grantor_clients SET owner = $3, version = $4, created_at = $5, review_at = $6, record = $7 \
                     WHERE id = $1 AND version = $2 RETURNING id \
                 ) \
                 SELECT EXISTS (SELECT 1 FROM updated) AS updated, \
                 EXISTS (SELECT 1 FROM grantor_clients WHERE id = $1) AS known",
            ),
            touch: write(
                "UPDATE grantor_clients SET record = $4 WHERE id = $1 AND version = $2 AND record = $3 \
                 RETURNING true AS touched",
            ),
            delete: write("DELETE FROM grantor_clients WHERE id = $1 RETURNING true AS deleted"),
            list: write("SELECT record FROM grantor_clients WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3"),
            list_due: write("SELECT record FROM grantor_clients WHERE review_at < $1 ORDER BY review_at LIMIT $2"),
            count: write("SELECT count(*) AS clients FROM (SELECT 1 FROM grantor_clients LIMIT $1) AS counted"),
        }
    }
}

#[async_trait]
impl ClientStore for PostgresStore {
    async fn find_client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let row = self.row(&self.statements.clients.find, Parameters::new().bind(id.as_str())).await?;
        row.as_ref().map(client).transpose()
    }
}

#[async_trait]
impl ClientRegistry for PostgresStore {
    async fn insert_client(&self, client: &Client) -> Result<Insertion, StoreError> {
        let parameters = Parameters::new()
            .bind(client.id().as_str())
            .bind(client.owner().map(|owner| owner.as_str()))
            .bind(client.version().cast_signed())
            .bind_instant(client.created_at())
            .bind_instant_or_null(client.review_at())
            .bind(json_text(client)?);
        self.insertion(&self.statements.clients.insert, parameters).await
    }

    async fn update_client(&self, client: &Client) -> Result<Update, StoreError> {
        let next = client.clone().with_version(client.version().wrapping_add(1));
        let parameters = Parameters::new()
            .bind(client.id().as_str())
            .bind(client.version().cast_signed())
            .bind(next.owner().map(|owner| owner.as_str()))
            .bind(next.version().cast_signed())
            .bind_instant(next.created_at())
            .bind_instant_or_null(next.review_at())
            .bind(json_text(&next)?);
        let row = self.only_row(&self.statements.clients.update, parameters).await?;
        Ok(match (row.flag("updated")?, row.flag("known")?) {
            (true, _) => Update::Updated,
            (false, true) => Update::Conflict,
            (false, false) => Update::Unknown,
        })
    }

    async fn touch_secret(&self, id: &ClientId, secret: &SecretHash, at: Timestamp) -> Result<(), StoreError> {
        for _ in 0..RETRIES {
            let Some(row) = self.row(&self.statements.clients.find, Parameters::new().bind(id.as_str())).await? else {
                return Ok(());
            };
            let Some(touched) = client(&row)?.touched(secret, at) else { return Ok(()) };
            let parameters = Parameters::new()
                .bind(id.as_str())
                .bind(touched.version().cast_signed())
                .bind(row.text("record")?)
                .bind(json_text(&touched)?);
            if self.row(&self.statements.clients.touch, parameters).await?.is_some() {
                return Ok(());
            }
        }
        Err(StoreError::unavailable("the client was changed again and again"))
    }

    async fn delete_client(&self, id: &ClientId) -> Result<Deletion, StoreError> {
        let deleted = self.row(&self.statements.clients.delete, Parameters::new().bind(id.as_str())).await?;
        Ok(if deleted.is_some() { Deletion::Deleted } else { Deletion::Unknown })
    }

    async fn list_clients(&self, owner: &Subject, page: Page<ClientId>) -> Result<Vec<Arc<Client>>, StoreError> {
        // Every identifier is behind the empty text.
        let after = page.after.as_ref().map_or("", |id| id.as_str());
        let parameters = Parameters::new().bind(owner.as_str()).bind(after).bind(i64::from(page.limit.get()));
        self.rows(&self.statements.clients.list, parameters).await?.iter().map(client).collect()
    }

    async fn list_due_clients(&self, before: Timestamp, limit: NonZeroU32) -> Result<Vec<Arc<Client>>, StoreError> {
        let parameters = Parameters::new().bind_instant(before).bind(i64::from(limit.get()));
        self.rows(&self.statements.clients.list_due, parameters).await?.iter().map(client).collect()
    }

    async fn count_clients(&self, at_most: NonZeroU32) -> Result<u32, StoreError> {
        let parameters = Parameters::new().bind(i64::from(at_most.get()));
        count(&self.only_row(&self.statements.clients.count, parameters).await?, "clients")
    }
}

fn client(row: &PgRow) -> Result<Arc<Client>, StoreError> {
    record(row).map(Arc::new)
}
