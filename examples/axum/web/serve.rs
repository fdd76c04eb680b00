//! Serving connections, with an end to those whose requests never end.

use std::pin::pin;
use std::time::Duration;

use axum::Extension;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::Layer as _;
use tower_http::timeout::RequestBodyDeadlineLayer;

use crate::app;
use crate::provider::app::App;
use crate::web::linger::Lingering;

/// Serves `app` until `interrupted` resolves, and then what has begun. A client may take `patience` for the head of a
/// request, and as long again for its body.
///
/// `axum::serve` would do but for the head: it sets no limit, so that anybody could hold connections open for nothing.
pub async fn serve(
    listener: std::net::TcpListener,
    app: App,
    patience: Duration,
    interrupted: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let mut listener = TcpListener::from_std(listener)?;
    let mcp = app.mcp.clone();
    let router = app::router(app).layer(RequestBodyDeadlineLayer::new(patience));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(patience);
    let shutdown = GracefulShutdown::new();
    let mut interrupted = pin!(interrupted);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut interrupted => break,
        };
        let app = Extension(ConnectInfo(peer)).layer(router.clone());
        let connection = server.serve_connection(TokioIo::new(Lingering::new(stream)), TowerToHyperService::new(app));
        let connection = shutdown.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, %peer, "a connection broke off");
            }
        });
    }
    drop(listener);
    if let Some(mcp) = mcp {
        mcp.close();
    }
    shutdown.shutdown().await;
    Ok(())
}

/// Resolves when somebody asks the process to end (Ctrl-C). Listens from now on, not only once it is waited for.
pub fn interruption() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut interrupts = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    #[cfg(windows)]
    let mut interrupts = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupts.recv().await;
    })
}
