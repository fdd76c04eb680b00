//! The adapter of the guide "Writing an adapter", on hyper alone, over real connections.

use std::convert::Infallible;
use std::net::SocketAddr;

use grantor::testkit::TestServer;
use grantor::testkit::protocol::{OverHttp, Suite};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use endpoints::Endpoints;

#[path = "../../src/guide/writing_an_adapter/authorization.rs"]
mod authorization;
#[path = "../../src/guide/writing_an_adapter/endpoints.rs"]
mod endpoints;
#[path = "../../src/guide/writing_an_adapter/service.rs"]
mod service;

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
                async move { Ok::<_, Infallible>(service::service(server, endpoints, request).await) }
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
