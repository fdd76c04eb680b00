//! The crate itself as a target.

use http::{Method, Request};

use super::{Api, ApiCall, Endpoints, FormHost, Profile, Scopes, Suite};
use crate::testkit::TestServer;

impl TestServer {
    /// The protocol suite at this server, in process: with the clients of [`protocol_profile`](Self::protocol_profile) registered.
    ///
    /// # Panics
    ///
    /// If a client cannot be registered.
    pub async fn protocol_suite(&self) -> Suite {
        let (server, profile) = (self.clone(), Self::protocol_profile());
        for client in profile.clients() {
            let document = client.registration().to_string();
            let installed = self.server().install_client(document.as_bytes()).await;
            installed.unwrap_or_else(|error| panic!("{} cannot be registered: {error}", client.id));
        }
        let service = move |request: Request<bytes::Bytes>| {
            let server = server.clone();
            async move { server.respond(request).await }
        };
        Suite::new(service, self.protocol_host(), profile)
    }

    /// How alice and bob sign in and decide at this server, for a suite that reaches it through an adapter.
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
