//! Client ID metadata documents (feature `cimd`): clients that nobody registered.

mod authority;
mod caching;
mod changes;
mod consent;
mod documents;
mod fetching;
mod flow;
mod limits;
mod silent;
pub mod site;
mod urls;
mod web_server;

use std::sync::Arc;

use grantor::cimd::ClientIdMetadataDocuments;
use grantor::{AuthorizationServerBuilder, Recall};
use serde_json::{Value, json};

use crate::browser::expect_code;
use crate::support::{Answer, Form, Recorder, Setup, Start};
use site::Site;

/// C-CIMD of the catalogue.
pub const ID: &str = "https://client.test/meta.json";
const CALLBACK: &str = "https://client.test/cb";

/// A server that reads documents, and all the documents that there are for it.
struct World {
    setup: Setup,
    site: Arc<Site>,
    told: Arc<Recorder>,
}

/// The document of C-CIMD.
fn document() -> Value {
    json!({
        "client_id": ID,
        "client_name": "Example",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

/// The same document with one member changed; `null` takes it away.
fn with(member: &str, value: Value) -> Value {
    let mut document = document();
    let members = document.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(member);
    } else {
        members.insert(member.to_owned(), value);
    }
    document
}

impl World {
    /// On the memory store, with the default policy.
    async fn new() -> Self {
        Self::with(|documents| documents).await
    }

    async fn with(decide: impl FnOnce(ClientIdMetadataDocuments) -> ClientIdMetadataDocuments) -> Self {
        Self::start(Setup::memory_start(), decide, |builder| builder).await
    }

    /// On both stores, with the default policy.
    async fn both() -> Vec<Self> {
        let mut both = Vec::new();
        for start in Setup::both_starts().await {
            both.push(Self::start(start, |documents| documents, |builder| builder).await);
        }
        both
    }

    async fn start(
        start: Start,
        decide: impl FnOnce(ClientIdMetadataDocuments) -> ClientIdMetadataDocuments,
        configure: impl FnOnce(AuthorizationServerBuilder) -> AuthorizationServerBuilder,
    ) -> Self {
        let (site, told) = (Arc::new(Site::default()), Arc::new(Recorder::default()));
        let documents = decide(ClientIdMetadataDocuments::new(site.clone()));
        let observer = told.clone();
        let setup = Setup::start(start, |builder| {
            configure(builder.client_id_metadata_documents(documents).observer(observer))
        })
        .await;
        site.publish(ID, &document());
        Self { setup, site, told }
    }

    /// The baseline authorization request of C-CIMD.
    fn request(&self) -> Form {
        self.setup.request("pub").set("client_id", ID).set("redirect_uri", CALLBACK)
    }

    /// What alice's browser gets that opens the request and approves.
    async fn approve(&self) -> Answer {
        self.setup.approve(&self.request()).await
    }

    /// A fresh code of C-CIMD.
    async fn code(&self) -> String {
        expect_code(&self.approve().await, CALLBACK, &self.request())
    }

    /// The baseline exchange of a code.
    fn exchange(&self, code: &str) -> Form {
        self.setup.exchange("pub", code).set("client_id", ID).set("redirect_uri", CALLBACK)
    }

    fn refresh(&self, tokens: &Answer) -> Form {
        self.setup.refresh("pub", tokens.text("refresh_token")).set("client_id", ID)
    }

    /// Tokens of C-CIMD.
    async fn tokens(&self) -> Answer {
        let code = self.code().await;
        self.setup.token(&self.exchange(&code)).await.expect_ok()
    }

    /// Whether alice is asked.
    async fn asks(&self) -> bool {
        let pending = self.setup.pending(&self.request()).await.unwrap();
        matches!(self.setup.server.recall(pending, &self.setup.alice).await.unwrap(), Recall::Ask(_))
    }

    /// The client as it is kept.
    async fn kept(&self) -> Option<Arc<grantor::Client>> {
        self.setup.registry.find_client(&ID.parse().unwrap()).await.unwrap()
    }
}
