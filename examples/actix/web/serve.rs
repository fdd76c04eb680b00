//! Serving connections, with an end to those whose requests never end.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::task::Poll;
use std::time::Duration;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::middleware::from_fn;
use actix_web::{App as Service, HttpMessage as _, HttpServer};
use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;

use crate::app;
use crate::provider::app::App;
use crate::web::access_log;

/// Serves `app` until `interrupted` resolves, and then what has begun. A client may take `patience` for the head of a request,
/// and as long again for its body.
pub async fn serve(
    listener: TcpListener,
    app: App,
    patience: Duration,
    interrupted: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = move || {
        let app = app.clone();
        Service::new().configure(|config| app::configure(app, config)).wrap(from_fn(access_log::log_access)).wrap_fn(
            move |mut request, next| {
                limit_body(&mut request, patience);
                actix_web::dev::Service::call(next, request)
            },
        )
    };
    HttpServer::new(service)
        .client_request_timeout(patience)
        .keep_alive(patience)
        .shutdown_signal(interrupted)
        .listen(listener)?
        .run()
        .await
}

/// Gives the body of a request `patience` to arrive; actix-web sets no limit.
fn limit_body(request: &mut ServiceRequest, patience: Duration) {
    let mut payload = request.take_payload();
    if matches!(payload, Payload::None) {
        return;
    }
    let mut end = Box::pin(sleep(patience));
    let limited = stream::poll_fn(move |context| match end.as_mut().poll(context) {
        Poll::Ready(()) => Poll::Ready(Some(Err(PayloadError::Io(ErrorKind::TimedOut.into())))),
        Poll::Pending => payload.poll_next_unpin(context),
    });
    request.set_payload(Payload::Stream { payload: limited.boxed_local() });
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
