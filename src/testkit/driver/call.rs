//! A call of the API.

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};

use super::{Reply, Sending, bearer, header, request};
use crate::testkit::TestServer;

/// A call of the API of [`TestServer::respond`], with an access token: a GET of the default resource, until it is
/// changed. Awaited, it gives what comes back.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent until this is awaited"]
pub struct Call {
    server: TestServer,
    method: Method,
    uri: String,
    headers: HeaderMap,
}

impl Call {
    pub(in crate::testkit) fn of(server: &TestServer, access_token: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer(access_token));
        let mut resources = server.server().configuration().resources.iter();
        let uri = resources.next().map_or_else(|| "/api".to_owned(), |resource| resource.indicator.to_string());
        Self { server: server.clone(), method: Method::GET, uri, headers }
    }

    /// Calls by POST, which wants the scope `write`.
    pub fn post(mut self) -> Self {
        self.method = Method::POST;
        self
    }

    /// Calls another resource.
    pub fn at(mut self, resource: &str) -> Self {
        self.uri = resource.to_owned();
        self
    }

    /// Sets a header, in place of one that has its name.
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
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = Sending<Reply>;

    fn into_future(self) -> Sending<Reply> {
        Box::pin(async move {
            let request = request(self.method, &self.uri, self.headers, String::new());
            Reply::new("the call", self.server.respond(request).await)
        })
    }
}
