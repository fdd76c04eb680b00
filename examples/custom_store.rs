//! Clients that are a table of yours, with its own columns and numbers. `cargo test --example custom_store` proves it.
use std::sync::Arc;

use grantor::client::{Client, ClientId, ClientMetadata, ClientStatus};
use grantor::error::StoreError;
use grantor::secret::SecretHash;
use grantor::store::ClientStore;
use sqlx::Row as _;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions, SqliteRow};

const YOUR_TABLE: &str = "
    CREATE TABLE apps (number INTEGER PRIMARY KEY, title TEXT, callback TEXT, secret_sha256 BLOB, blocked INTEGER);
    INSERT INTO apps VALUES (7, 'Link Board', 'https://board.example/callback', zeroblob(32), 0),
                            (8, 'Pocket', 'http://127.0.0.1/callback', NULL, 1);";
#[derive(Debug)]
struct Apps(SqlitePool);

#[async_trait::async_trait]
impl ClientStore for Apps {
    async fn find_client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let Some(number) = id.as_str().strip_prefix("app-") else { return Ok(None) };
        let query = sqlx::query("SELECT * FROM apps WHERE CAST(number AS TEXT) = ?1").bind(number);
        let row = query.fetch_optional(&self.0).await.map_err(StoreError::unavailable)?;
        row.as_ref().map(client).transpose().map_err(StoreError::failed)
    }
}

fn client(row: &SqliteRow) -> Result<Arc<Client>, Box<dyn std::error::Error + Send + Sync>> {
    let id = format!("app-{}", row.try_get::<i64, _>("number")?).parse()?;
    let client = match row.try_get::<Option<&[u8]>, _>("secret_sha256")? {
        Some(hash) => Client::confidential(id, SecretHash::from_bytes(hash.try_into()?)),
        None => Client::public(id),
    };
    let client = client.with_redirect_uri(row.try_get::<&str, _>("callback")?.parse()?);
    let status = if row.try_get("blocked")? { ClientStatus::Disabled } else { ClientStatus::Enabled };
    Ok(Arc::new(client.with_status(status).with_metadata(ClientMetadata::new().with_name(row.try_get("title")?)?)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{:#?}", apps().await?.find_client(&"app-7".parse()?).await?);
    Ok(())
}

async fn apps() -> Result<Box<Apps>, sqlx::Error> {
    let database = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
    sqlx::raw_sql(YOUR_TABLE).execute(&database).await?;
    Ok(Box::new(Apps(database)))
}

#[cfg(test)]
grantor::store_tests! { #[tokio::test] clients: async {
    let named = |name: &str| ClientMetadata::new().with_name(name).unwrap();
    let board = Client::confidential("app-7".parse().unwrap(), SecretHash::from_bytes([0; 32]))
        .with_redirect_uri("https://board.example/callback".parse().unwrap()).with_metadata(named("Link Board"));
    let pocket = Client::public("app-8".parse().unwrap()).with_status(ClientStatus::Disabled)
        .with_redirect_uri("http://127.0.0.1/callback".parse().unwrap()).with_metadata(named("Pocket"));
    (apps().await.unwrap(), [board, pocket])
} }
