//! Serving connections, with an end to those whose requests never end.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::dev::Service as _;
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;

use crate::app;
use crate::provider::app::App;
use crate::web::{access_log, slow_body};

/// Serves `app` until `interrupted` resolves, and then what has begun. A client may take `patience` for the head of a
/// request, and as long again for its body.
pub async fn serve(
    listener: TcpListener,
    app: App,
    patience: Duration,
    interrupted: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let mcp = app.mcp.clone();
    let interrupted = async move {
        interrupted.await;
        if let Some(mcp) = mcp {
            mcp.close();
        }
    };
    let service = move || {
        let app = app.clone();
        let service = actix_web::App::new().configure(|config| app::configure(app, config));
        service.wrap(from_fn(access_log::log_access)).wrap_fn(move |mut request, next| {
            let body = slow_body::limit(&mut request, patience);
            slow_body::close_behind(next.call(request), body)
        })
    };
    HttpServer::new(service)
        .client_request_timeout(patience)
        // After the first request of a connection actix-web sets no limit to the next one's head, so there is no next
        // one.
        .keep_alive(KeepAlive::Disabled)
        .shutdown_signal(interrupted)
        .listen(listener)?
        .run()
        .await
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
