//! The clauses of [`ClientStore`]. The clients that are there already are told to each.

use crate::client::{Client, ClientId};
use crate::store::ClientStore;

/// Every client is found as it is.
///
/// > Finds the client with this identifier, compared byte by byte.
pub async fn each_client_is_found(store: &dyn ClientStore, clients: &[Client]) {
    assert!(!clients.is_empty(), "there should be a client to be found");
    for client in clients {
        let found = store.find_client(client.id()).await.unwrap();
        assert_eq!(found.as_deref(), Some(client));
    }
}

/// An identifier that nobody has finds nobody, however much it is like one that somebody has.
///
/// > Finds the client with this identifier, compared byte by byte.
pub async fn no_other_client_is_found(store: &dyn ClientStore, clients: &[Client]) {
    for id in clients.iter().flat_map(|client| lookalikes(client.id())) {
        if clients.iter().all(|client| *client.id() != id) {
            assert_eq!(store.find_client(&id).await.unwrap(), None, "{id} is not the id of a client");
        }
    }
}

/// Identifiers that a careless comparison takes for `id`.
pub(super) fn lookalikes(id: &ClientId) -> Vec<ClientId> {
    let text = id.as_str();
    let variants = [
        text.to_ascii_uppercase(),
        text.to_ascii_lowercase(),
        format!("{text} "),
        format!(" {text}"),
        format!("{text}%"),
        format!("{text}\\"),
        text.get(1..).unwrap_or_default().to_owned(),
        format!("0{text}"),
        "%".to_owned(),
        "*".to_owned(),
        "'' OR 1=1".to_owned(),
    ];
    variants.iter().filter(|variant| *variant != text).filter_map(|variant| ClientId::parse(variant).ok()).collect()
}
