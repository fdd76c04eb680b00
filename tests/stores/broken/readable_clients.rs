//! Defects of stores whose clients can only be found.

use std::sync::Arc;

use async_trait::async_trait;
use grantor::client::{Client, ClientId};
use grantor::error::StoreError;
use grantor::store::ClientStore as _;
use grantor::testkit::{contract::client_store, fixtures};

use super::harness::{Defect, Parts, assert_caught};

/// Finds nobody.
#[test]
fn nobody_is_found() {
    #[derive(Debug, Default)]
    struct Empty;

    impl Defect for Empty {}

    assert_caught::<Empty>(async |store| client_store::each_client_is_found(store, &[fixtures::client()]).await);
}

/// Finds somebody whatever the identifier is.
#[test]
fn somebody_else_is_found() {
    #[derive(Debug, Default)]
    struct Careless;

    #[async_trait]
    impl Defect for Careless {
        async fn find_client(&self, store: &Parts, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
            let exact: ClientId = id.as_str().trim().to_ascii_lowercase().parse().unwrap();
            assert_eq!(store.find_client(id).await?, None);
            Ok((exact.as_str() == "mobile").then(|| Arc::new(Client::public(exact))))
        }
    }

    let clients = [Client::public("mobile".parse().unwrap())];
    assert_caught::<Careless>(async |store| client_store::no_other_client_is_found(store, &clients).await);
}
