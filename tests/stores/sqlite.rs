use grantor::store::SqliteStore;

/// A database in memory, as a test suite would use it.
mod in_memory {
    use super::SqliteStore;

    grantor::store_tests! {
        #[tokio::test]
        store: async { Box::new(SqliteStore::connect("sqlite::memory:").await.unwrap()) }
    }
}

/// A database in a file, with several connections.
mod in_a_file {
    use std::ops::Deref;

    use tempfile::TempDir;

    use super::SqliteStore;

    /// The store goes before its directory does.
    struct InFile(SqliteStore, #[expect(dead_code, reason = "deletes the directory when dropped")] TempDir);

    impl Deref for InFile {
        type Target = SqliteStore;

        fn deref(&self) -> &SqliteStore {
            &self.0
        }
    }

    async fn in_file() -> InFile {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", directory.path().join("grantor.db").display());
        InFile(SqliteStore::connect(&url).await.unwrap(), directory)
    }

    grantor::store_tests! {
        #[tokio::test]
        store: in_file()
    }
}
