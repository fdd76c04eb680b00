//! A client that registers itself (RFC 7591).

use std::panic::Location;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;

use super::{Reply, Sending, TestClient, fail, header, request};
use crate::testkit::TestServer;

/// A registration. Awaited, it gives the client.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until this is awaited"]
pub struct Register {
    server: TestServer,
    metadata: Value,
    headers: HeaderMap,
}

impl Register {
    pub(in crate::testkit) fn on(server: &TestServer, metadata: Value) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { server: server.clone(), metadata, headers }
    }

    /// Sets a header, in place of one that has its name: `authorization` for an initial access token.
    ///
    /// # Panics
    ///
    /// If it cannot be one.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = header(name, value);
        self.headers.insert(name, value);
        self
    }

    /// Sends it, and gives what comes back.
    #[must_use = "nothing is sent until this is awaited"]
    pub fn send(self) -> Sending<Reply> {
        Box::pin(async move {
            let path = self.server.server().configuration().paths.register();
            let request = request(Method::POST, path, self.headers, self.metadata.to_string());
            Reply::new("the registration", self.server.respond(request).await)
        })
    }
}

impl IntoFuture for Register {
    type Output = TestClient;
    type IntoFuture = Sending<TestClient>;

    #[track_caller]
    fn into_future(self) -> Sending<TestClient> {
        let place = Location::caller();
        Box::pin(async move {
            let server = self.server.clone();
            let reply = self.send().await;
            let text = |member: &str| reply.json().get(member).and_then(Value::as_str);
            let Some(id) = text("client_id").filter(|_| reply.status() == 201) else { fail(place, &reply, "") };
            let Some(client) = server.find_client(id).await else { fail(place, &reply, "it is not in the store") };
            let client = server.client().existing(client).with_registration_token(text("registration_access_token"));
            match text("client_secret") {
                Some(secret) => client.secret(secret),
                None => client,
            }
        })
    }
}
