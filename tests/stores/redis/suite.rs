use grantor::secret::GrantId;
use grantor::store::RedisStore;

grantor::store_tests! {
    #[tokio::test]
    #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
    evicting store: async {
        let url = std::env::var("GRANTOR_TEST_REDIS").unwrap();
        let store = RedisStore::connect(&url).await.unwrap();
        Box::new(store.with_key_prefix(&format!("test:{}:", GrantId::random())))
    }
}
