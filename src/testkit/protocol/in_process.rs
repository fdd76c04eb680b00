//! The crate itself as a target.

use bytes::Bytes;
use http::{Method, Request};

use super::{Api, ApiCall, Endpoints, FormHost, Profile, Scopes, Service, Suite};
use crate::testkit::TestServer;

impl TestServer {
    /// The protocol suite at this server, in process.
    ///
    /// # Panics
    ///
    /// If a client cannot be registered.
    pub async fn protocol_suite(&self) -> Suite {
        let server = self.clone();
        let service = move |request: Request<Bytes>| {
            let server = server.clone();
            async move { server.respond(request).await }
        };
        self.protocol_suite_through(service).await
    }

    /// The protocol suite at this server, reached through an adapter: something that answers requests by
    /// [`AuthorizationServer::handle`](crate::AuthorizationServer::handle), and has its pages from
    /// [`respond`](Self::respond) or makes them itself. The clients of [`protocol_profile`](Self::protocol_profile) are
    /// registered for it.
    ///
    /// # Panics
    ///
    /// If a client cannot be registered.
    pub async fn protocol_suite_through(&self, adapter: impl Service + 'static) -> Suite {
        let profile = Self::protocol_profile();
        for client in profile.clients() {
            let document = client.registration().to_string();
            let installed = self.server().install_client(document.as_bytes()).await;
            installed.unwrap_or_else(|error| panic!("{} cannot be registered: {error}", client.id));
        }
        Suite::new(adapter, self.protocol_host(), profile)
    }

    /// How alice and bob sign in and decide at this server.
    #[must_use]
    pub fn protocol_host(&self) -> FormHost {
        let clock = self.clock().clone();
        FormHost::new([("username", "alice")], [("username", "bob")]).with_clock(clock)
    }

    /// What the suite has to know of a [`TestServer::new`].
    #[must_use]
    pub fn protocol_profile() -> Profile {
        let issuer = "https://as.test";
        let scopes = Scopes { default: "read".to_owned(), write: "write".to_owned(), restricted: "admin".to_owned() };
        let write = ApiCall { method: Method::POST, path: "/one".to_owned(), body: "{}".to_owned() };
        let api = Api {
            resource: "https://api.test/one".to_owned(),
            other_resource: Some("https://api.test/two".to_owned()),
            read: "/one".to_owned(),
            write,
        };
        Profile::new(issuer, Endpoints::under(issuer, "/oauth"), scopes, api)
    }
}
