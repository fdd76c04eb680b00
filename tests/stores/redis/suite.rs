//! Every clause of the contract, on one server and on a cluster.

mod server {
    use crate::support::redis::Fresh;

    grantor::store_tests! {
        #[tokio::test]
        #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
        evicting store: Fresh::on_server()
    }
}

mod cluster {
    use crate::support::redis::Fresh;

    grantor::store_tests! {
        #[tokio::test]
        #[ignore = "needs Redis: tests/servers/run cargo test -- --include-ignored"]
        evicting store: Fresh::on_cluster()
    }
}
