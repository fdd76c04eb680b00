//! Every clause of the contract.

use std::ops::Deref;

use grantor::store::PostgresStore;

use crate::support::postgres::Schema;

/// A store in a schema of its own, which is dropped with it.
struct InSchema(PostgresStore, #[expect(dead_code, reason = "drops the schema when dropped")] Schema);

impl Deref for InSchema {
    type Target = PostgresStore;

    fn deref(&self) -> &PostgresStore {
        &self.0
    }
}

async fn in_schema() -> InSchema {
    let schema = Schema::new().await;
    let (store, _) = schema.migrated(16).await;
    InSchema(store, schema)
}

grantor::store_tests! {
    #[tokio::test]
    #[ignore = "needs PostgreSQL: tests/servers/run cargo test -- --include-ignored"]
    store: in_schema()
}
