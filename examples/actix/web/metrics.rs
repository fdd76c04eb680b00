//! The numbers for the operator, on an address of their own.
//!
//! They tell how much is going on and what is failing, which is nobody else's business. So they are not a route of the
//! service, which the world may call: they are served where `METRICS_ADDR` says, and by default nowhere. Keep that
//! address on the loopback or inside of the network that the collector is in.

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::{Data, get};
use actix_web::{App, HttpResponse, HttpServer};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::provider::metrics;

/// Serves what is recorded, for as long as the process runs.
pub fn serve(listener: TcpListener, recorded: PrometheusHandle) -> std::io::Result<Server> {
    tokio::spawn(metrics::sum_up_forever(recorded.clone()));
    let recorded = Data::new(recorded);
    let service = move || App::new().app_data(recorded.clone()).route("/metrics", get().to(show));
    // The service itself waits for the end of the process.
    Ok(HttpServer::new(service).workers(1).disable_signals().listen(listener)?.run())
}

async fn show(recorded: Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, metrics::CONTENT_TYPE)).body(recorded.render())
}
