//! The adapter of the guide "Writing an adapter", on hyper alone, over real connections.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use grantor::testkit::TestServer;
use grantor::testkit::protocol::{OverHttp, Suite};
use http::header::HOST;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use authorization::{SignedIn, authorization_endpoint};
use endpoints::Endpoints;

#[path = "../../src/guide/writing_an_adapter/authorization.rs"]
mod authorization;
#[path = "../../src/guide/writing_an_adapter/endpoints.rs"]
mod endpoints;

/// The largest form that the pages read, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// A service on hyper: what clients call by the adapter, the authorization endpoint by the guide's page, and the rest,
/// which any service has already, by the test server.
async fn route(server: TestServer, endpoints: Endpoints, request: Request<Incoming>) -> Response<Full<Bytes>> {
    // The API has a host of its own, with which the adapter has nothing to do.
    let of_the_api = request.headers().get(HOST).is_some_and(|host| host == "api.test");
    if endpoints.answer_to(request.uri().path()) && !of_the_api {
        return endpoints.answer(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_FORM).collect().await else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    let request = Request::from_parts(parts, body.to_bytes());
    if request.uri().path() != "/oauth/authorize" {
        return server.respond(request).await.map(Full::new);
    }
    let visitor = server.signed_in(request.headers()).map(|visitor| SignedIn {
        subject: visitor.subject().clone(),
        session: visitor.session_secret(),
        for_this_page: visitor.came_for(&request.uri().to_string()),
    });
    authorization_endpoint(server.server(), visitor, &request).await.map(|body| Full::new(body.into()))
}

/// Serves on a free port until the runtime ends.
async fn serve(server: TestServer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let endpoints = Endpoints::of(server.server());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (server, endpoints) = (server.clone(), endpoints.clone());
            let service = service_fn(move |request| {
                let (server, endpoints) = (server.clone(), endpoints.clone());
                async move { Ok::<_, Infallible>(route(server, endpoints, request).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn suite() -> Suite {
    let server = TestServer::new();
    let address = serve(server.clone()).await;
    server.protocol_suite_through(OverHttp::new(&format!("http://{address}")).unwrap()).await
}

grantor::protocol_tests! { #[tokio::test] suite: suite() }
