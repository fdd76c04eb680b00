//! Building a server: clients that nobody registers.

use super::AuthorizationServerBuilder;
use crate::cimd::ClientIdMetadataDocuments;

impl AuthorizationServerBuilder {
    /// Lets clients identify themselves by the URL of a document (see [`cimd`](crate::cimd)); needs stores with a registry,
    /// where a client is kept once somebody has approved it.
    pub fn client_id_metadata_documents(mut self, documents: ClientIdMetadataDocuments) -> Self {
        self.client_documents = Some(documents);
        self
    }
}
