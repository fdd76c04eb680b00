use bytes::Bytes;
use grantor::{AuthorizationServer, EndpointRoute};
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;

/// The endpoints that clients call.
#[derive(Clone, Debug)]
pub struct Endpoints {
    server: AuthorizationServer,
    routes: Vec<EndpointRoute>,
}

impl Endpoints {
    /// The endpoints of `server`.
    pub fn of(server: &AuthorizationServer) -> Self {
        Self { server: server.clone(), routes: server.endpoints() }
    }

    /// Whether a request with this path is theirs to answer, whatever its method.
    pub fn answer_to(&self, path: &str) -> bool {
        self.routes.iter().any(|route| route.matches(path))
    }

    /// Answers a request; `hyper::body::Incoming` is such a body.
    pub async fn answer<B: Body>(&self, request: Request<B>) -> Response<Full<Bytes>> {
        self.server.handle(request).await.map(|body| Full::new(Bytes::from(body)))
    }
}
