//! The numbers for the operator, on an address of their own.
//!
//! They tell how much is going on and what is failing, which is nobody else's business. So they are not a route of the
//! service, which the world may call: they are served where `METRICS_ADDR` says, and by default nowhere. Keep that
//! address on the loopback or inside of the network that the collector is in.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::provider::metrics;

/// Serves what is recorded, for as long as the process runs.
pub fn serve(
    listener: std::net::TcpListener,
    recorded: PrometheusHandle,
) -> std::io::Result<impl Future<Output = std::io::Result<()>>> {
    tokio::spawn(metrics::sum_up_forever(recorded.clone()));
    let show = async move || ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], recorded.render());
    let router = Router::new().route("/metrics", get(show));
    Ok(axum::serve(TcpListener::from_std(listener)?, router).into_future())
}
